"""Whole lists of prompts through answering.plan and answering.run, against one prompt a row."""

import pytest
from test_mwe_hf import CLOSE, LABELS, PROMPTS, asked_of, direct, opened
from tiny import ARCHITECTURES, need, write_checkpoint

from mwe_tasks.answering import answer, plan, run
from mwe_tasks.asks import Ask, Draft
from mwe_tasks.checkpoints import find_checkpoint
from mwe_tasks.completing import complete
from mwe_tasks.errors import MweError
from mwe_tasks.label_rows import token_rows
from mwe_tasks.passes import agrees, run_prefix
from mwe_tasks.pretrained import load_pretrained
from mwe_tasks.transformer import Transformer

torch, transformers = need("torch"), need("transformers")
SHOTS = "Question: is the sky blue? Answer: Yes. Question: is it green?\nAnswer: No.\n"
ENDS = ("?", "? User: iron. I am fairly sure that it is so.", "? I am fairly sure that it is otherwise.")
MANY = [f"{SHOTS}{prompt[:-9]}{end}\nAnswer:" for prompt in PROMPTS for end in ENDS]
SHARING = {"llama", "gpt_neox", "opt", "gpt2", "qwen2", "gemma", "gemma2", "mixtral", "phi3", "falcon"}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def architecture(request):
    return request.param


@pytest.fixture(scope="module")
def folder(architecture, tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp(architecture), architecture)


@pytest.fixture(scope="module")
def model(folder):
    return opened(folder)


@pytest.fixture
def tiny(tmp_path):
    return opened(write_checkpoint(tmp_path, "llama"))


def wanted_of(ask):
    return [each for row in token_rows(ask.prompt, ask.added) for each in row.wanted]


def asks_of(model, prompts, labels=LABELS, **draft):
    drafts = [(Draft(model.encode(each), **draft),) if draft else () for each in prompts]
    return [Ask(*asked, each) for asked, each in zip(asked_of(model, prompts, labels), drafts, strict=True)]


def test_prompts_share_rows_where_that_is_exact(model, architecture):
    assert (model.reach > 0) == (architecture in SHARING)


def test_prompts_that_share_rows_and_a_prefix_have_the_numbers_of_forward_passes_of_their_own(model, folder):
    asks = asks_of(model, MANY)
    for given, expected in zip(answer(model, asks), direct(folder, MANY), strict=True):
        assert given.labels.logprob == pytest.approx(expected, abs=CLOSE)


def test_texts_go_on_from_what_the_labels_pass_kept(model):
    asks = asks_of(model, MANY, max_tokens=6)
    alone = [text for ask in asks for text in complete(model, ask.drafts)]
    assert [text for given in answer(model, asks) for text in given.texts] == alone


def test_prompts_of_many_lengths_with_labels_of_several_tokens_have_the_numbers_of_their_own_passes(model, folder):
    prompts, labels = [*PROMPTS, *MANY[:3], "It"], ("Yes, it is heavier", "nothing of us")
    asks = asks_of(model, prompts, labels)
    for given, expected in zip(answer(model, asks), direct(folder, prompts, labels), strict=True):
        assert given.labels.logprob == pytest.approx(expected, abs=CLOSE)


def test_prompts_after_a_prefix_run_it_once(tiny, monkeypatch):
    ran = []
    monkeypatch.setattr("mwe_tasks.passes.run_prefix", lambda *of: ran.append(of) or run_prefix(*of))
    tiny.tokens = 100
    asks = asks_of(tiny, MANY)
    made = plan(tiny, asks)
    assert len(made.batches) > 2
    assert {len(batch.prefix) > 20 for batch in made.batches} == {True}
    answer(tiny, asks)
    assert len(ran) == 1


def test_a_batch_gives_the_same_bits_whatever_was_run_before(tiny):
    tiny.tokens = 100
    asks = asks_of(tiny, [*MANY, *PROMPTS], max_tokens=2)
    made = plan(tiny, asks)
    onwards = [run(tiny, made, asks, number) for number in range(len(made.batches))]
    assert plan(tiny, asks) == made
    for number in reversed(range(len(made.batches))):
        assert run(opened(tiny.checkpoint.folder), made, asks, number) == onwards[number]


def test_a_prompt_beyond_a_sliding_window_has_a_row_of_its_own(tmp_path):
    folder = write_checkpoint(tmp_path, "gemma2", sliding_window=30)
    model = opened(folder)
    lengths = {number: len(model.encode(prompt)) for number, prompt in enumerate(PROMPTS)}
    made = plan(model, asks_of(model, PROMPTS))
    shared = {ask for batch in made.batches if batch.rows for ask in batch.asks}
    assert model.reach == 30
    assert shared == {number for number, length in lengths.items() if length <= 27}
    assert 0 < len(shared) < len(PROMPTS)
    for given, expected in zip(answer(model, asks_of(model, PROMPTS)), direct(folder, PROMPTS), strict=True):
        assert given.labels.logprob == pytest.approx(expected, abs=CLOSE)


def test_the_head_sees_no_more_than_what_is_read(tiny, monkeypatch):
    seen = []
    asks = asks_of(tiny, MANY)
    handle = tiny.model.get_output_embeddings().register_forward_hook(lambda _, given, out: seen.append(out.shape[1]))
    answer(tiny, asks)
    handle.remove()
    read = {(ask, each.after) for ask, one in enumerate(asks) for each in wanted_of(one)}
    assert sum(seen) == len(read) + 1  # and one that nothing reads, when the prefix runs


def test_no_weights_that_give_nan_pass_for_numbers_in_a_shared_row(tiny):
    with torch.no_grad():
        tiny.model.get_output_embeddings().weight[5:] = float("nan")
    found = answer(tiny, asks_of(tiny, MANY, max_tokens=1))
    assert {(type(given.labels), given.texts) for given in found} == {(MweError, ())}
    assert "0 or NaN" in str(found[0].labels)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_model_that_takes_no_mask_from_outside_shares_no_rows(tmp_path, monkeypatch, dtype):
    checkpoint = find_checkpoint(str(write_checkpoint(tmp_path, "llama")))
    model = load_pretrained(checkpoint, device="cpu", dtype=dtype).model
    assert agrees(model)
    forward = type(model).forward

    def deaf(self, *, attention_mask=None, position_ids=None, **rest):
        return forward(self, position_ids=position_ids, **rest)

    monkeypatch.setattr(type(model), "forward", deaf)
    assert not agrees(model)


def test_a_draft_and_labels_may_each_be_left_out(tiny):
    prompt = tiny.encode(PROMPTS[0])
    bare, text = Ask(prompt, {}), Ask(prompt, {}, (Draft(prompt, 3), Draft(prompt, 3, temperature=1.0, seed=4)))
    (labelled,) = asks_of(tiny, PROMPTS[:1])
    found = answer(tiny, [bare, text, labelled])
    assert found[0] == (None, ())
    assert found[1] == (None, tuple(complete(tiny, text.drafts)))
    assert found[2].texts == ()
    assert answer(tiny, []) == []


def test_a_text_that_a_stop_sequence_ends_goes_on_from_the_pass_too(tiny):
    prompt = tiny.encode(PROMPTS[0])
    (whole,) = complete(tiny, [Draft(prompt, 12)])
    drafts = (Draft(prompt, 12, stop=(whole.text[3:5],)),)
    (given,) = answer(tiny, [Ask(prompt, {}, drafts)])
    assert given.texts == tuple(complete(tiny, drafts))
    assert given.texts[0].finished
    assert given.texts[0].text == whole.text[: whole.text.index(whole.text[3:5])]


def test_the_dtype_is_the_machines_where_none_is_asked_for(tiny, monkeypatch):
    for fast, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr("mwe_tasks.pretrained.fast_bfloat16", lambda _, fast=fast: fast)
        assert load_pretrained(tiny.checkpoint, device="cpu").dtype == expected


def test_bfloat16_rows_that_share_agree_with_rows_of_their_own_as_far_as_it_goes(tiny):
    model = Transformer(tiny.checkpoint, load_pretrained(tiny.checkpoint, device="cpu", dtype="bfloat16"))
    assert model.reach > 0
    asks = asks_of(model, MANY)
    for given, own in zip(answer(model, asks), model.label_logprobs([each[:2] for each in asks]), strict=True):
        assert given.labels.logprob == pytest.approx(own.logprob, abs=0.5)
