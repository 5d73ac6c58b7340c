"""Forward passes of transformers: rows that hold several prompts, prefixes that run once, the head where it is read."""

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mwe_tasks.label_rows import Wanted
from mwe_tasks.labels import Tokens
from mwe_tasks.packing import Batch

if TYPE_CHECKING:
    from mwe_tasks.transformer import Transformer

CHUNK = 64
"""Positions whose probabilities are worked out at once: each takes the whole vocabulary in float32."""
LONGEST = 4096
"""Tokens of a prompt that shares a row, at most: what each token sees takes the square of them."""
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
    places = sorted({(number, read.at) for number, row in enumerate(batch.rows) for read in row.reads})
    index = {place: line for line, place in enumerate(places)}
    reads = [(number, read) for number, row in enumerate(batch.rows) for read in row.reads]
    known: list[dict[Wanted, float]] = [{} for _ in batch.asks]
    with torch.inference_mode():
        inputs = inputs_of(model, batch, arrays, keep=keep)
        logits = logits_at(model.model, places or [(0, 0)], inputs)
        values = logprobs(logits, [(index[number, read.at], read.wanted.token) for number, read in reads])
    cache = next((inputs[name] for name in ("cache", "past_key_values") if name in inputs), None)
    for (_, read), value in zip(reads, values, strict=True):
        known[read.ask][read.wanted] = value
    return Passed(known, cache if keep else None, arrays)


def inputs_of(model: "Transformer", batch: Batch, arrays: Sheet, *, keep: bool = False) -> dict[str, Any]:
    """What a model's forward takes for a batch: tokens, positions, what each sees, the prefix's keys and values."""
    import torch

    count, device = len(batch.prefix), model.model.device
    cache = seen_by(model.prefix(batch.prefix), len(batch.rows), keep=keep) if keep or count else None
    return {
        "input_ids": torch.from_numpy(arrays.tokens).to(device),
        "attention_mask": _additive(arrays.sees, count, model.model),
        "position_ids": torch.from_numpy(arrays.positions).to(device),
        "use_cache": cache is not None,
        **named(model.model, cache),
    }


def logprobs(logits: Any, wanted: Sequence[tuple[int, int]]) -> list[float]:
    """ln P of the wanted (line, token) of lines of logits, nats: by a softmax in float32 over the whole vocabulary."""
    import torch

    if not wanted:
        return []
    lines, tokens = torch.tensor(wanted, device=logits.device).T
    total = torch.cat([part.float().logsumexp(-1) for part in logits.split(CHUNK)])
    found: list[float] = (logits[lines, tokens].float() - total[lines]).tolist()
    return found


def logits_at(model: Any, places: Sequence[tuple[int, int]], inputs: Mapping[str, Any]) -> Any:
    """(places, vocabulary): what a forward pass predicts after these (row, position).

    The head is shown the hidden states of these places alone, in a batch of one row.
    """
    import torch

    rows, columns = torch.tensor(places, device=model.device).T
    head, shown = model.get_output_embeddings(), []

    def show(_: Any, given: Any) -> Any:
        shown.append(given[0].shape)
        return (given[0][rows, columns][None],)

    handle = head.register_forward_pre_hook(show) if head is not None else None
    try:
        logits = model(**inputs).logits
    finally:
        if handle is not None:
            handle.remove()
    return logits[0] if shown else logits[rows, columns]  # else its forward goes around the head's module


def run_prefix(model: Any, tokens: Tokens) -> Any:
    """Keys and values of these tokens, of one row; empty for none."""
    import torch
    from transformers import DynamicCache

    cache = DynamicCache()
    if tokens:
        with torch.inference_mode():
            logits_at(
                model, [(0, 0)], {"input_ids": _tensor([tokens], model), "use_cache": True, **named(model, cache)}
            )
    return cache


def seen_by(cache: Any, rows: int, *, keep: bool = False) -> Any:
    """The same keys and values for so many rows, as views: they are copied where a layer puts its own behind them.

    What a layer adds is kept in the cache where asked, and else only until the layer has run.
    """
    import torch
    from transformers import DynamicCache, DynamicLayer

    class Passing(DynamicLayer):  # type: ignore[misc]
        def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            return torch.cat([self.keys, key_states], -2), torch.cat([self.values, value_states], -2)

    fresh = DynamicCache([(layer.keys, layer.values) for layer in cache.layers]) if cache.layers else DynamicCache()
    if not keep:
        fresh.layers = [_filled(Passing(), layer) for layer in cache.layers]
    for layer in fresh.layers:
        layer.keys, layer.values = layer.keys.expand(rows, -1, -1, -1), layer.values.expand(rows, -1, -1, -1)
    return fresh


def _filled(layer: Any, like: Any) -> Any:
    layer.lazy_initialization(like.keys, like.values)
    layer.keys, layer.values = like.keys, like.values
    return layer


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
    return min([context, LONGEST, *(int(window) for window in windows if window)])


def agrees(model: Any) -> bool:
    """Whether rows of several prompts after a prefix give this model's own numbers: tried on a few tokens."""
    import torch

    if "position_ids" not in inspect.signature(model.forward).parameters:
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
            every = np.tril(np.ones_like(sees))  # what a model sees that takes no mask from outside
            off, blind = (_off(model, prefix, tokens, each, expected) for each in (sees, every))
    except Exception:  # whatever an architecture raises that does not take its mask, positions or cache from outside
        return False
    eps = torch.finfo(model.dtype).eps
    size = expected[expected.isfinite()].abs().max().item()
    # In 16 bits the first bound alone would pass a model that ignores the mask.
    return bool(off <= size * min(eps**0.5, 200 * eps) and 2 * off <= blind)


def _off(model: Any, prefix: Sequence[int], tokens: Sequence[int], sees: Any, expected: Any) -> float:
    """How far the logits after the second and the last of these tokens are from those expected, at the most."""
    inputs = {
        "input_ids": _tensor([tokens], model),
        "attention_mask": _additive(sees, len(prefix), model),
        "position_ids": _tensor([[2, 3, 3, 4, 5]], model),
        "use_cache": True,
        **named(model, seen_by(run_prefix(model, tuple(prefix)), 1)),
    }
    found = logits_at(model, [(0, 1), (0, 4)], inputs).float()
    known = expected.isfinite()
    return float((found[known] - expected[known]).abs().max())


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
