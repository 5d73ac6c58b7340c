"""Which prompts of a dataset run together, and what they share: the same asks always make the same plan."""

from collections.abc import Sequence
from typing import NamedTuple

from mwe_tasks.asks import Ask
from mwe_tasks.label_rows import batches
from mwe_tasks.labels import Tokens


class Batch(NamedTuple):
    """Asks that run together."""

    prefix: Tokens
    """The tokens that all their prompts begin with, and which run once for all batches that name them."""
    asks: tuple[int, ...]
    """Their numbers in the sequence of asks."""


class Plan(NamedTuple):
    """Every ask in one batch; what a batch gives does not depend on which others were run before it."""

    batches: tuple[Batch, ...]


def pack(asks: Sequence[Ask], *, most: int, padded: bool) -> Plan:
    """Neighbours by length together, at most so many a batch."""
    lengths = [len(ask.prompt) for ask in asks]
    return Plan(tuple(Batch((), tuple(each)) for each in batches(lengths, most=most, padded=padded)))
