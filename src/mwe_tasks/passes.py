"""Forward passes of transformers: rows that hold several prompts, prefixes that run once, the head where it is read."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mwe_tasks.label_rows import Wanted
from mwe_tasks.labels import Tokens
from mwe_tasks.packing import Batch

if TYPE_CHECKING:
    from mwe_tasks.transformer import Transformer

CHUNK = 64
"""Positions whose probabilities are worked out at once: each takes the whole vocabulary in float32."""
FULL = {"full_attention", "sliding_attention", "chunked_attention"}


class Sheet(NamedTuple):
    """A batch's rows as arrays."""

    tokens: Any
    """(rows, width) token ids; 0 after a row's end."""
    sees: Any
    """(rows, width, width) whether a token sees another of its row."""
    positions: Any
    """(rows, width) how many tokens of its prompt come before each, the prefix's among them."""


class Passed(NamedTuple):
    """What a forward pass of a batch gave."""

    known: list[dict[Wanted, float]]
    """For each ask ln P of all that is wanted, nats."""
    cache: Any
    """Keys and values of prefix and rows; None where they were not kept."""
    sheet: Sheet


def sheet(batch: Batch) -> Sheet:
    """The arrays of a batch's rows: what each token sees follows from which token it names as the one before it."""
    shape = len(batch.rows), max(len(row.tokens) for row in batch.rows)
    tokens, before = np.zeros(shape, np.int64), np.full(shape, -1)
    for number, row in enumerate(batch.rows):
        tokens[number, : len(row.tokens)] = row.tokens
        before[number, : len(row.before)] = row.before
    sees = np.zeros((*shape, shape[1]), bool)
    for at in range(shape[1]):
        (has,) = np.nonzero(before[:, at] >= 0)
        sees[has, at] = sees[has, before[has, at]]
        sees[:, at, at] = True
    return Sheet(tokens, sees, len(batch.prefix) + sees.sum(-1) - 1)


def forward(model: "Transformer", batch: Batch, *, keep: bool = False) -> Passed:
    """One forward pass over a batch's rows, which gives every number that its labels want.

    The prefix's keys and values are those of `model.prefix`, seen by each row. Only the hidden states that are read
    go through the head; of its logits the softmax is taken in float32.
    """
    import torch

    arrays = sheet(batch)
    device, count = model.model.device, len(batch.prefix)
    places = sorted({(number, read.at) for number, row in enumerate(batch.rows) for read in row.reads})
    known: list[dict[Wanted, float]] = [{} for _ in batch.asks]
    with torch.inference_mode():
        cache = seen_by(model.prefix(batch.prefix), len(batch.rows)) if keep or count else None
        tokens = torch.from_numpy(arrays.tokens).to(device)
        with reading(model.model, places or [(0, 0)]):
            logits = model.model(
                input_ids=tokens,
                attention_mask=_additive(arrays.sees, count, model.model),
                position_ids=torch.from_numpy(arrays.positions).to(device),
                use_cache=cache is not None,
                **named(model.model, cache),
            ).logits[0]
        index = {place: number for number, place in enumerate(places)}
        reads = [(number, read) for number, row in enumerate(batch.rows) for read in row.reads]
        values = logprobs(logits, [(index[number, read.at], read.wanted.token) for number, read in reads])
    for (_, read), value in zip(reads, values, strict=True):
        known[read.ask][read.wanted] = value
    return Passed(known, cache if keep else None, arrays)


def logprobs(logits: Any, wanted: Sequence[tuple[int, int]]) -> list[float]:
    """ln P of the wanted (line, token) of lines of logits, nats: by a softmax in float32 over the whole vocabulary."""
    import torch

    if not wanted:
        return []
    lines, tokens = torch.tensor(wanted, device=logits.device).T
    total = torch.cat([part.float().logsumexp(-1) for part in logits.split(CHUNK)])
    found: list[float] = (logits[lines, tokens].float() - total[lines]).tolist()
    return found


@contextmanager
def reading(model: Any, places: Sequence[tuple[int, int]]) -> Iterator[None]:
    """While it holds, the head sees the hidden states at these (row, position) alone, as one row of so many."""
    import torch

    rows, columns = torch.tensor(places, device=model.device).T
    handle = model.get_output_embeddings().register_forward_pre_hook(lambda _, given: (given[0][rows, columns][None],))
    try:
        yield
    finally:
        handle.remove()


def run_prefix(model: Any, tokens: Tokens) -> Any:
    """Keys and values of these tokens, of one row; empty for none."""
    import torch
    from transformers import DynamicCache

    cache = DynamicCache()
    if tokens:
        with torch.inference_mode(), reading(model, [(0, 0)]):
            model(input_ids=torch.tensor([tokens], device=model.device), use_cache=True, **named(model, cache))
    return cache


def seen_by(cache: Any, rows: int) -> Any:
    """The same keys and values for so many rows, as views: they are copied where a layer adds its own to them."""
    from transformers import DynamicCache

    layers = [(layer.keys, layer.values) for layer in cache.layers]
    fresh = DynamicCache(layers) if layers else DynamicCache()
    for layer, (keys, values) in zip(fresh.layers, layers, strict=True):
        layer.keys, layer.values = keys.expand(rows, -1, -1, -1), values.expand(rows, -1, -1, -1)
    return fresh


def named(model: Any, cache: Any) -> dict[str, Any]:
    """A cache as the argument that this version of transformers takes it by."""
    if cache is None:
        return {}
    return {"cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values": cache}


def reach(config: Any, context: int) -> int:
    """How many tokens a prompt may have for several to share a row; 0 where none may.

    Within a sliding window or a chunk all of a prompt is seen, so that rows of several prompts are exact up to there.
    """
    windows = [getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size")]
    kinds = set(getattr(config, "layer_types", None) or ())
    if kinds - FULL or getattr(config, "alibi", False) or getattr(config, "window_size", None):
        return 0
    return min([context, *(int(window) for window in windows if window)])


def agrees(model: Any) -> bool:
    """Whether rows of several prompts after a prefix give this model's own numbers: tried on a few tokens."""
    import torch

    if "position_ids" not in inspect.signature(model.forward).parameters or model.get_output_embeddings() is None:
        return False
    last = model.get_input_embeddings().num_embeddings - 1
    prefix, one, other, more = ([min(last, each) for each in some] for some in ((5, 17), (11, 8), (11, 23, 9), (6,)))
    try:
        with torch.inference_mode():
            alone = [model(input_ids=_tensor([prefix + each], model), use_cache=False) for each in (one, other + more)]
            expected = torch.stack([alone[0].logits[0, -1], alone[1].logits[0, -1]]).float()
            tokens = [one[0], one[1], *other[1:], *more]  # 0 sees the prefix, 1 and 2 see 0, 3 sees 2 and 0, ...
            sees = np.eye(len(tokens), dtype=bool)[None]
            for at, before in ((1, 0), (2, 0), (3, 2), (4, 3)):
                sees[0, at] |= sees[0, before]
            cache = seen_by(run_prefix(model, tuple(prefix)), 1)
            with reading(model, [(0, 1), (0, 4)]):
                found = model(
                    input_ids=_tensor([tokens], model),
                    attention_mask=_additive(sees, len(prefix), model),
                    position_ids=_tensor([[2, 3, 3, 4, 5]], model),
                    use_cache=True,
                    **named(model, cache),
                ).logits[0]
    except Exception:  # whatever an architecture raises that does not take its mask, positions or cache from outside
        return False
    eps = torch.finfo(model.dtype).eps
    size = expected[expected.isfinite()].abs().max().item()
    return bool(torch.allclose(found.float(), expected, rtol=0, atol=size * min(eps**0.5, 200 * eps)))


def _tensor(rows: Sequence[Sequence[int]], model: Any) -> Any:
    import torch

    return torch.tensor(rows, device=model.device)


def _additive(sees: Any, prefix: int, model: Any) -> Any:
    """(rows, 1, width, prefix + width): 0 where a token sees another, and the least number elsewhere."""
    import torch

    rows, width, _ = sees.shape
    mask = torch.zeros((rows, 1, width, prefix + width), dtype=model.dtype)
    hidden = torch.from_numpy(~sees)[:, None]
    mask[..., prefix:].masked_fill_(hidden, torch.finfo(model.dtype).min)
    return mask.to(model.device)
