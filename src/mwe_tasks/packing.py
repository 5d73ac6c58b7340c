"""Which prompts of a dataset run together, and in which rows of tokens: the same asks always make the same plan.

A row holds several prompts and what their labels add, each beginning that they share once: every token names the one
before it and sees that one, what that one sees, and itself. In sorted prompts neighbours share their first words; the
four ways in which a framed question is put share all of it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mwe_tasks.asks import Ask
from mwe_tasks.label_rows import Wanted, batches
from mwe_tasks.labels import Tokens
from mwe_tasks.sharing import groups

WIDTH = 96
"""Tokens a row, where no prompt is longer: in wider ones attention, over all pairs, outgrows what sharing saves."""

SEEN = 8
"""Times as many tokens may be seen by a batch's rows, each of which sees the prefix anew, as run at once."""


class Read(NamedTuple):
    """A number that is wanted, and at which token of its row."""

    ask: int
    """Counted among the asks of the batch."""
    wanted: Wanted
    at: int


class Row(NamedTuple):
    """Tokens that run as one row after the prefix of their batch."""

    tokens: tuple[int, ...]
    before: tuple[int, ...]
    """For each the place in the row of the one before it; -1 for the prefix's last."""
    ends: tuple[tuple[int, int], ...]
    """Each ask that is in the row, counted among those of the batch, and the place of its prompt's last token."""
    reads: tuple[Read, ...]


class Batch(NamedTuple):
    """Asks that run together."""

    prefix: Tokens
    """The tokens that all their prompts begin with, and which run once for all batches that name them."""
    asks: tuple[int, ...]
    """Their numbers in the sequence of asks."""
    rows: tuple[Row, ...] = ()
    """None where the model's rows cannot hold several prompts."""


class Plan(NamedTuple):
    """Every ask in one batch; what a batch gives does not depend on which others were run before it."""

    batches: tuple[Batch, ...]


def pack(asks: Sequence[Ask], *, tokens: int, most: int | None) -> Plan:
    """Rows of several prompts, batches of at most so many tokens (but one row) and so many asks."""
    return Plan(tuple(_packed(asks, tokens, most)))


def pad(asks: Sequence[Ask], *, tokens: int, most: int | None, padded: bool) -> Plan:
    """Neighbours by length together, for models whose rows hold one prompt each (`label_rows`)."""
    lengths = [len(ask.prompt) for ask in asks]
    found = batches(lengths, most=most, tokens=tokens, padded=padded)
    return Plan(tuple(Batch((), tuple(each)) for each in found))


def _packed(asks: Sequence[Ask], tokens: int, most: int | None) -> Iterator[Batch]:
    for prefix, numbers in groups([ask.prompt for ask in asks]):
        gathered = sorted(_rows(asks, numbers, len(prefix), most), key=lambda row: len(row[1].tokens))
        taken: list[tuple[list[int], Row]] = []
        for one in gathered:
            width = len(one[1].tokens)
            count = sum(len(numbers) for numbers, _ in taken) + len(one[0])
            rows = len(taken) + 1
            full = rows * width > tokens or rows * (len(prefix) + width) > SEEN * tokens
            if taken and (full or (most is not None and count > most)):
                yield _batch(prefix, taken)
                taken = []
            taken.append(one)
        yield _batch(prefix, taken)


def _batch(prefix: Tokens, taken: Sequence[tuple[list[int], Row]]) -> Batch:
    asks: list[int] = []
    rows = []
    for numbers, row in taken:
        start = len(asks)
        asks.extend(numbers)
        ends = tuple((start + ask, at) for ask, at in row.ends)
        rows.append(row._replace(ends=ends, reads=tuple(each._replace(ask=start + each.ask) for each in row.reads)))
    return Batch(prefix, tuple(asks), tuple(rows))


def _rows(asks: Sequence[Ask], numbers: Sequence[int], start: int, most: int | None) -> Iterator[tuple[list[int], Row]]:
    row, held = _Growing(), list[int]()
    for number in numbers:
        if held and (row.size_with(asks[number], start) > WIDTH or len(held) == most):
            yield held, row.done()
            row, held = _Growing(), []
        row.add(len(held), asks[number], start)
        held.append(number)
    if held:
        yield held, row.done()


class _Growing:
    """A row that takes one ask after the other."""

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.before: list[int] = []
        self.ends: list[tuple[int, int]] = []
        self.reads: list[Read] = []
        self.places: dict[tuple[int, int], int] = {}
        """(Place before, token) -> place."""

    def size_with(self, ask: Ask, start: int) -> int:
        """How long the row would be with this ask."""
        at = -1
        rest = ask.prompt[start:]
        for known, token in enumerate(rest):
            if (at, token) not in self.places:
                return len(self.tokens) + len(rest) - known + len(_afters(ask)) - 1
            at = self.places[at, token]
        return len(self.tokens) + len(_afters(ask)) - 1

    def add(self, number: int, ask: Ask, start: int) -> None:
        end = self._walk(-1, ask.prompt[start:])
        self.ends.append((number, end))
        for after, wanted in _afters(ask).items():
            at = self._walk(end, after)
            self.reads.extend(Read(number, each, at) for each in wanted)

    def done(self) -> Row:
        return Row(tuple(self.tokens), tuple(self.before), tuple(self.ends), tuple(self.reads))

    def _walk(self, at: int, tokens: Tokens) -> int:
        for token in tokens:
            if (at, token) not in self.places:
                self.places[at, token] = len(self.tokens)
                self.tokens.append(token)
                self.before.append(at)
            at = self.places[at, token]
        return at


def _afters(ask: Ask) -> dict[Tokens, list[Wanted]]:
    """What is read after each beginning of what the labels add, of which the empty one is always one."""
    found: dict[Tokens, list[Wanted]] = {(): []}
    wanted = {
        Wanted(tokens[:n], tokens[n])
        for sequences in ask.added.values()
        for tokens in sequences
        for n in range(len(tokens))
    }
    for each in sorted(wanted):
        found.setdefault(each.after, []).append(each)
    return found
