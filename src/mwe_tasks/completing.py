"""Texts that a model of transformers goes on with after prompts, the likeliest in batches."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from mwe_tasks.asks import Draft
from mwe_tasks.errors import MweError
from mwe_tasks.label_rows import batches
from mwe_tasks.labels import Tokens
from mwe_tasks.llama import Completion
from mwe_tasks.passes import named
from mwe_tasks.transformer import Transformer

_PLAIN = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
KEPT = 4
"""Times as many tokens of prompts and texts may be gone on with at once as run at once: they are kept, and no more."""


class Begun(NamedTuple):
    """Keys and values of a prompt in those of a pass over many."""

    cache: Any
    row: int
    places: tuple[int, ...]
    """Of the prompt's tokens, in their order."""


def complete(model: Transformer, drafts: Sequence[Draft], begun: Sequence[Begun] | None = None) -> list[Completion]:
    """One text a draft: those of the likeliest tokens in batches, those that are drawn one by one, each by its seed.

    Where keys and values of a draft's prompt are known (`begun`), a text of the likeliest tokens goes on from them.
    """
    texts: dict[int, Completion] = {}
    likeliest = [number for number, draft in enumerate(drafts) if draft.temperature == 0]
    # Where rows may not be padded, what counts as of one length is the prompt.
    longest = 0 if model.padded else max((drafts[n].max_tokens for n in likeliest), default=0)
    lengths = [len(drafts[n].prompt) + (longest or drafts[n].max_tokens) for n in likeliest]
    for batch in batches(lengths, most=model.batch, tokens=KEPT * model.tokens, padded=model.padded):
        numbers = [likeliest[each] for each in batch]
        together = [drafts[number] for number in numbers]
        after = [begun[number] for number in numbers] if begun else None
        if max(len(each.prompt) for each in together) + max(each.max_tokens for each in together) > model.context:
            written = [text for each in together for text in _generate(model, [each])]  # one would outgrow the context
        else:
            written = _generate(model, together, after)
        texts.update(zip(numbers, written, strict=True))
    for number, draft in enumerate(drafts):
        if draft.temperature > 0:
            (texts[number],) = _draw(model, draft)
    return [texts[number] for number in range(len(drafts))]


def _taken(model: Transformer, begun: Sequence[Begun]) -> Any:
    """All but the last of each prompt's keys and values, padded on the left like the tokens."""
    import torch
    from transformers import DynamicCache

    longest = max(len(each.places) for each in begun)
    device = model.model.device
    rows = torch.tensor([[each.row] for each in begun], device=device)
    places = torch.tensor(
        [[0] * (longest - len(each.places)) + list(each.places[:-1]) for each in begun], dtype=torch.long, device=device
    )
    return DynamicCache(
        [
            (
                layer.keys.transpose(1, 2)[rows, places].transpose(1, 2),
                layer.values.transpose(1, 2)[rows, places].transpose(1, 2),
            )
            for layer in begun[0].cache.layers
        ]
    )


def _draw(model: Transformer, draft: Draft) -> list[Completion]:
    import torch

    with torch.random.fork_rng(devices=[] if model.model.device.type == "cpu" else None):
        if draft.seed is None:
            torch.seed()
        else:
            torch.manual_seed(draft.seed)
        drawn = {"temperature": draft.temperature, "top_p": draft.top_p, "top_k": draft.top_k}
        return _generate(model, [draft], None, do_sample=True, **drawn)


def _generate(
    model: Transformer, drafts: Sequence[Draft], begun: Sequence[Begun] | None = None, **options: Any
) -> list[Completion]:
    """The drafts' texts, padded on the left, as generation of transformers wants it."""
    import torch
    from transformers import GenerationConfig

    room = [min(draft.max_tokens, model.context - len(draft.prompt)) for draft in drafts]
    longest = max(len(draft.prompt) for draft in drafts)
    pads = [longest - len(draft.prompt) for draft in drafts]
    device = model.model.device
    tokens = torch.tensor([[0] * n + list(draft.prompt) for n, draft in zip(pads, drafts, strict=True)], device=device)
    mask = torch.tensor(
        [[0] * n + [1] * len(draft.prompt) for n, draft in zip(pads, drafts, strict=True)], device=device
    )

    done = [False] * len(drafts)

    def ended(so_far: Any, _: Any, **__: Any) -> Any:
        for n, (one, draft, most) in enumerate(zip(so_far[:, longest:].tolist(), drafts, room, strict=True)):
            done[n] = done[n] or len(one) >= most or one[-1] in model.ends or _stopped(model, draft, one)
        return torch.tensor(done, device=device)

    with torch.inference_mode():
        known = named(model.model, _taken(model, begun)) if begun and longest > 1 else {}
        given = model.model.generate(
            tokens,
            **known,
            attention_mask=mask,
            stopping_criteria=[ended],
            logits_processor=[_refuse_nan],
            generation_config=GenerationConfig(
                max_new_tokens=max(room), eos_token_id=list(model.ends) or None, pad_token_id=0, **options
            ),
        )[:, longest:].tolist()
    return [_cut(model, one, draft, most) for one, draft, most in zip(given, drafts, room, strict=True)]


def _cut(model: Transformer, tokens: Sequence[int], draft: Draft, most: int) -> Completion:
    """The text of the tokens up to an end token, a stop sequence or the length, whichever is first."""
    end = next((n for n, token in enumerate(tokens[:most]) if token in model.ends), None)
    kept = tokens[:most] if end is None else tokens[:end]
    text = _text(model, draft.prompt, kept)
    at = [text.index(each) for each in draft.stop if each in text]
    if not at:
        return Completion(text, len(kept) + (end is not None), end is not None)
    used = next(
        n for n in range(1, len(kept) + 1) if any(each in _text(model, draft.prompt, kept[:n]) for each in draft.stop)
    )
    return Completion(text[: min(at)], used, True)


def _stopped(model: Transformer, draft: Draft, tokens: Sequence[int]) -> bool:
    """Whether a stop sequence is in the text so far; without any nothing is decoded."""
    return bool(draft.stop) and any(each in _text(model, draft.prompt, tokens) for each in draft.stop)


def _text(model: Transformer, prompt: Tokens, tokens: Sequence[int]) -> str:
    """The text that the tokens add; read after the prompt's last token, since some decoders drop a first space."""
    before, whole = (str(model.tokenizer.decode([*prompt[-1:], *more], **_PLAIN)) for more in ((), tokens))
    return whole.removeprefix(before) if whole.startswith(before) else str(model.tokenizer.decode(tokens, **_PLAIN))


def _refuse_nan(_: Any, logits: Any) -> Any:
    if logits.isnan().any():
        raise MweError("The model predicts NaN, which is no number: weights are damaged, or -M dtype= is too small.")
    return logits
