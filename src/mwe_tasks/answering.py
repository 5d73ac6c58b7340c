"""Many prompts through a model of transformers, batch by batch: label log probabilities and texts."""

from collections.abc import Sequence

from mwe_tasks.asks import Ask, Given
from mwe_tasks.completing import Begun, complete
from mwe_tasks.errors import MweError
from mwe_tasks.labels import LabelLogprobs
from mwe_tasks.packing import Batch, Plan, pack, pad
from mwe_tasks.passes import forward
from mwe_tasks.transformer import Transformer


def plan(model: Transformer, asks: Sequence[Ask]) -> Plan:
    """Which asks run together, and how; a function of the asks, the model and its options alone.

    Each prompt fits the model (`Transformer.fits`). Where a model's rows may hold several prompts they do, up to its
    reach; the others are run one prompt a row.
    """
    near = [number for number, ask in enumerate(asks) if _length(ask) <= model.reach]
    far = sorted(set(range(len(asks))).difference(near))
    packed = pack([asks[number] for number in near], tokens=model.tokens, most=model.batch)
    padded = pad([asks[number] for number in far], tokens=model.tokens, most=model.batch, padded=model.padded)
    return Plan(
        tuple(
            batch._replace(asks=tuple(numbers[each] for each in batch.asks))
            for numbers, some in ((near, packed), (far, padded))
            for batch in some.batches
        )
    )


def run(model: Transformer, plan: Plan, asks: Sequence[Ask], number: int) -> list[Given]:
    """What the model gives for the asks of the batch of this number, in the order of `plan.batches[number].asks`.

    A batch gives the same bits whichever were run before it, on the same machine with as many threads. Hold
    `model.alone`.
    """
    batch = plan.batches[number]
    these = [asks[each] for each in batch.asks]
    labels, begun = _labels(model, batch, these)
    sound = [each for each in range(len(these)) if not isinstance(labels[each], MweError)]
    texts = iter(
        complete(
            model,
            [draft for each in sound for draft in these[each].drafts],
            [begun[each] for each in sound for _ in these[each].drafts] if begun else None,
        )
    )
    written = {each: tuple(next(texts) for _ in these[each].drafts) for each in sound}
    return [Given(found, written.get(each, ())) for each, found in enumerate(labels)]


def answer(model: Transformer, asks: Sequence[Ask]) -> list[Given]:
    """What the model gives for all of them, in their order."""
    made = plan(model, asks)
    found: dict[int, Given] = {}
    for number, batch in enumerate(made.batches):
        found.update(zip(batch.asks, run(model, made, asks, number), strict=True))
    return [found[number] for number in range(len(asks))]


def _labels(
    model: Transformer, batch: Batch, asks: Sequence[Ask]
) -> tuple[list[LabelLogprobs | MweError | None], list[Begun]]:
    """The labels of each ask of a batch and, where one has a text to come, what the pass kept of each prompt."""
    if not batch.rows:
        wanted = [each for each, ask in enumerate(asks) if ask.added]
        found = model.label_logprobs([(asks[each].prompt, asks[each].added) for each in wanted])
        known = dict(zip(wanted, found, strict=True))
        return [known.get(each) for each in range(len(asks))], []
    keep = any(draft.temperature == 0 for ask in asks for draft in ask.drafts)
    passed = forward(model, batch, keep=keep)
    labels = [
        model.read(known, ask.added) if ask.added else None for known, ask in zip(passed.known, asks, strict=True)
    ]
    if not keep:
        return list(labels), []
    ends = {ask: (number, at) for number, row in enumerate(batch.rows) for ask, at in row.ends}
    prefix, begun = len(batch.prefix), []
    for ask in range(len(asks)):
        number, at = ends[ask]
        path = prefix + passed.sheet.sees[number, at].nonzero()[0]
        begun.append(Begun(passed.cache, number, (*range(prefix), *path.tolist())))
    return list(labels), begun


def _length(ask: Ask) -> int:
    """Tokens of the prompt and of what is read after it."""
    return len(ask.prompt) + max((len(each) for found in ask.added.values() for each in found), default=1)
