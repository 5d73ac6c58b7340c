"""Attention of rows that hold several prompts, in 16 bits on a CPU: two matrix products and a softmax.

torch's own kernel for a CPU multiplies bfloat16 no faster than float32, some eight times slower than a matrix product
of bfloat16 does. It needs less memory, so it is what long rows and everything else get.
"""

from typing import Any

NAME = "mwe_products"
MOST = 2**25
"""Numbers between a batch's queries and keys that are held at once, at most (64 MiB)."""


def use_products(model: Any) -> bool:
    """Has a model of transformers use it, where that is faster and its attention is torch's own; whether it does."""
    import torch
    from transformers import AttentionInterface, AttentionMaskInterface

    from mwe_tasks.machine import fast_bfloat16

    here = model.device.type == "cpu" and model.dtype == torch.bfloat16 and fast_bfloat16(torch)
    if not here or model.config._attn_implementation != "sdpa":
        return False
    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, AttentionMaskInterface()["sdpa"])
    model.set_attn_implementation(NAME)
    return True


def attend(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, scaling: float | None = None, **given: Any
) -> tuple[Any, None]:
    """Attention as transformers asks for it: (rows, heads, width, size) to (rows, width, heads, size).

    `key` and `value` have (rows, heads that queries share, seen, size). Only masks that are added are those of
    `passes`; what comes with any other goes to torch's kernel. Scores are rounded to 16 bits, their softmax is taken
    in 32.
    """
    import torch
    from transformers import AttentionInterface

    rows, heads, width, size = query.shape
    shared, seen = key.shape[1:3]
    added = attention_mask is not None and attention_mask.dtype == query.dtype
    if not added or given.get("position_bias") is not None or rows * heads * width * seen > MOST:
        found: tuple[Any, None] = AttentionInterface()["sdpa"](
            module, query, key, value, attention_mask, scaling=scaling, **given
        )
        return found
    together = (rows * shared, heads // shared * width, size)
    asked = (query * (size**-0.5 if scaling is None else scaling)).reshape(together)
    scores = torch.bmm(asked, key.reshape(-1, seen, size).transpose(1, 2))
    scores.view(rows, heads, width, seen).add_(attention_mask)
    weights = torch.softmax(scores, -1)
    out = torch.bmm(weights, value.reshape(-1, seen, value.shape[-1]))
    return out.view(rows, heads, width, -1).transpose(1, 2).contiguous(), None
