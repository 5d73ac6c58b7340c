"""Attention by two products: the numbers of torch's kernel, where a mask is added, and the kernel itself elsewhere."""

import pytest
from tiny import need, write_checkpoint

from mwe_tasks import attention
from mwe_tasks.attention import attend, use_products

torch, transformers = need("torch"), need("transformers")


class Layer(torch.nn.Module):
    num_key_value_groups = 3


@pytest.fixture
def given():
    """Two rows of 7 tokens after a prefix of 5: queries of 6 heads, keys and values of 2, and what each token sees."""
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, heads, tokens, 16) for heads, tokens in ((6, 7), (2, 12), (2, 12)))
    sees = torch.cat(
        [torch.ones(2, 1, 7, 5, dtype=bool), (torch.rand(2, 1, 7, 7) < 0.5) | torch.eye(7, dtype=bool)], -1
    )
    mask = torch.zeros(2, 1, 7, 12).masked_fill_(~sees, torch.finfo(torch.float32).min)
    return query, key, value, mask


def expected(query, key, value, mask):
    scores = query @ key.repeat_interleave(3, 1).transpose(2, 3) / 4 + mask
    return (scores.softmax(-1) @ value.repeat_interleave(3, 1)).transpose(1, 2)


def test_heads_that_share_keys_give_what_the_formula_says(given):
    found, _ = attend(Layer(), *given)
    assert torch.allclose(found, expected(*given), atol=1e-6)


def test_in_16_bits_it_is_as_near_as_torchs_own_kernel(given):
    query, key, value, mask = given
    short = [each.bfloat16() for each in (query, key, value)]
    mask = mask.clamp(min=torch.finfo(torch.bfloat16).min).bfloat16()
    exact = expected(*(each.float() for each in (*short, mask)))
    found, _ = attend(Layer(), *short, mask)
    kernel, _ = transformers.AttentionInterface()["sdpa"](Layer(), *short, mask)
    assert (found.float() - exact).abs().max() <= 2 * (kernel.float() - exact).abs().max() + 2**-8


def test_more_numbers_than_fit_go_to_torchs_kernel(given, monkeypatch):
    monkeypatch.setattr(attention, "MOST", 0)
    monkeypatch.setattr(torch, "bmm", None)
    found, _ = attend(Layer(), *given)
    assert torch.allclose(found, expected(*given), atol=1e-5)


@pytest.mark.parametrize(
    ("fast", "dtype", "used"), [(True, "bfloat16", True), (True, "float32", False), (False, "bfloat16", False)]
)
def test_a_model_uses_it_where_the_cpu_multiplies_16_bits(tmp_path, monkeypatch, fast, dtype, used):
    monkeypatch.setattr("mwe_tasks.machine.fast_bfloat16", lambda torch: fast)
    folder = write_checkpoint(tmp_path, "llama")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype))
    assert use_products(model) == used
    assert (model.config._attn_implementation == attention.NAME) == used
