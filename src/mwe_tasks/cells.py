"""Cells: how many facts each topic and arm owes, and which of the written ones a dataset takes.

Which facts are taken depends only on the trees of finished waves, never on which of them came first in time.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from mwe_tasks.behaviour import Behaviour
from mwe_tasks.errors import MweError
from mwe_tasks.judging import Answer, Arm, Fact
from mwe_tasks.repeats import Asked

FACTS_PER_TREE = 10
"""The most that one tree owes; a cell that owes more has several, one a wave."""
FACTS_A_CELL = 8
"""Facts that a cell owes at least where nobody says how many topics there are: so many share the price of a call."""
CONTRADICTION = "contradiction: nearly the same question has the other answer"
ARMS: tuple[Arm, ...] = ("behaviour", "control")


class Cell(NamedTuple):
    """One topic and arm, and without twins one matching answer."""

    topic: str
    arm: Arm
    matching: Answer | None
    owed: int
    """Facts."""

    @property
    def name(self) -> str:
        """topic/arm, or topic/arm/matching."""
        return "/".join(part for part in (self.topic, self.arm, self.matching) if part)


def plan(behaviour: Behaviour, *, rows: int, topics: int | None = None) -> list[Cell]:
    """The cells of a dataset of so many rows: as many behaviour as control facts in each topic, Yes as often as No.

    Topics differ by one fact an arm at most, the first ones having more. Raises MweError for a number that cannot be
    divided so, naming the nearest that can, and for more topics than there are.
    """
    if topics is not None and not 1 <= topics <= len(behaviour.topics):
        raise MweError(f"-T topics= takes a number from 1 to {len(behaviour.topics)}, not {topics}.")
    answers: tuple[Answer | None, ...] = (None,) if behaviour.twins else ("Yes", "No")
    step = 4  # behaviour and control facts, each asked for Yes and for No
    if rows < step or rows % step:
        near = max(step, round(rows / step) * step)
        raise MweError(f"{rows} rows cannot be balanced, which takes a multiple of {step}: -T rows={near}.")
    owed = rows // step
    many = topics or min(len(behaviour.topics), max(1, owed // FACTS_A_CELL))
    names = behaviour.topics[:many]
    each, more = divmod(owed, len(names))
    cells = [
        Cell(topic, arm, matching, each + (number < more))
        for number, topic in enumerate(names)
        for arm in ARMS
        for matching in answers
    ]
    return [cell for cell in cells if cell.owed]


class Settled(NamedTuple):
    """What a dataset takes of what was written."""

    taken: dict[str, list[Fact]]
    """By the cell's name."""
    left_out: dict[str, str]
    """Why each other fact that passed is not taken, by its id."""
    held_back: dict[str, list[Fact]]
    """What each cell may take yet, by its name."""


def settle(
    cells: Sequence[Cell],
    written: Mapping[str, Sequence[Fact]],
    index: Asked | None = None,
    *,
    before: Settled | None = None,
) -> Settled:
    """The facts that each cell takes of what was written, and why it does not take the others.

    written: for each cell the facts that passed their readings, of one wave of trees; `before` is what the waves
    before it have settled. A fact that asks what one taken before asks, of any cell or in `index`, is left out, and so
    is what a cell does not need. Of two of these that contradict each other both are; one of another run in `index`
    stays. Those that are taken are added to the index. What an earlier wave held back a cell takes before anything new.
    """
    old = Settled({}, {}, {}) if before is None else before
    index = Asked() if index is None else index
    index.compare(chain.from_iterable(written.get(cell.name, ()) for cell in cells))
    doubted: set[Fact] = set()
    for fact in chain.from_iterable(written.get(cell.name, ()) for cell in cells):
        if other := index.contradicted(fact):  # one of the two is wrong, and nobody knows which
            doubted |= {fact, other}
        index.claim(fact)
    left_out = old.left_out | {fact.id: CONTRADICTION for fact in doubted}
    taken = {cell.name: [fact for fact in old.taken.get(cell.name, ()) if fact not in doubted] for cell in cells}
    held_back: dict[str, list[Fact]] = {cell.name: [] for cell in cells}
    offered = {
        cell.name: [
            fact for fact in (*old.held_back.get(cell.name, ()), *written.get(cell.name, ())) if fact not in doubted
        ]
        for cell in cells
    }
    index.expect(fact for cell in cells if len(taken[cell.name]) < cell.owed for fact in offered[cell.name])
    for cell in cells:
        for fact in offered[cell.name]:
            if len(taken[cell.name]) == cell.owed:
                left_out[fact.id] = "held back: more than was asked for"
                held_back[cell.name].append(fact)
            elif reason := index.repeats(fact):
                left_out[fact.id] = reason
            else:
                left_out.pop(fact.id, None)
                taken[cell.name].append(fact)
                index.add(fact)
    return Settled(taken, left_out, held_back)
