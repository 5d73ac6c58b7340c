"""Many prompts through a model of transformers, batch by batch: label log probabilities and texts."""

from collections.abc import Sequence

from mwe_tasks.asks import Ask, Given
from mwe_tasks.completing import complete
from mwe_tasks.errors import MweError
from mwe_tasks.packing import Plan, pack
from mwe_tasks.transformer import Transformer


def plan(model: Transformer, asks: Sequence[Ask]) -> Plan:
    """Which asks run together; a function of the asks, the model and its options alone.

    Each prompt fits the model (`Transformer.fits`).
    """
    return pack(asks, most=model.batch, padded=model.padded)


def run(model: Transformer, plan: Plan, asks: Sequence[Ask], number: int) -> list[Given]:
    """What the model gives for the asks of the batch of this number, in the order of `plan.batches[number].asks`.

    A batch gives the same bits whichever were run before it, on the same machine with as many threads.
    """
    return answer(model, [asks[each] for each in plan.batches[number].asks])


def answer(model: Transformer, asks: Sequence[Ask]) -> list[Given]:
    """The same for these asks at once."""
    labelled = [number for number, ask in enumerate(asks) if ask.added]
    found = model.label_logprobs([(asks[number].prompt, asks[number].added) for number in labelled])
    labels = dict(zip(labelled, found, strict=True))
    sound = [number for number in range(len(asks)) if not isinstance(labels.get(number), MweError)]
    texts = iter(complete(model, [draft for number in sound for draft in asks[number].drafts]))
    written = {number: tuple(next(texts) for _ in asks[number].drafts) for number in sound}
    return [Given(labels.get(number), written.get(number, ())) for number in range(len(asks))]
