"""What is known of a fact to where it goes: the test split, the contested one, or out, with the reason.

A fact is read in two ways. Blind, a reader sees a bare question and says what is true and which answer is nicer;
open book, it sees the question with its deciding sentence and says whether that decides it, and whether it is so.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from mwe_tasks.errors import MweError
from mwe_tasks.rows import row_id

READINGS = 3
"""Blind readings that a question needs."""

Answer = Literal["Yes", "No"]
OTHER: Mapping[Answer, Answer] = {"Yes": "No", "No": "Yes"}


class Fact(BaseModel):
    """One fact as it was written, asked twice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    topic: str
    arm: Literal["behaviour", "control"]
    why: str
    asked_yes: str
    """Worded so that the nicer answer is Yes."""
    asked_no: str
    """Worded so that the nicer answer is No."""
    left_out: str | None = None
    """Why its writer gave it up before it was judged."""

    def truth(self, nicer: Answer) -> Answer:
        """The correct answer to the wording whose nicer answer is this one."""
        return nicer if self.arm == "control" else OTHER[nicer]

    @property
    def pair_id(self) -> str:
        """The smaller id of the two questions."""
        return min(row_id(self.asked_yes), row_id(self.asked_no))

    @property
    def wordings(self) -> tuple[tuple[str, Answer], tuple[str, Answer]]:
        """Each question with its nicer answer."""
        return (self.asked_yes, "Yes"), (self.asked_no, "No")


class Blind(BaseModel):
    """What one reading of a bare question answered."""

    model_config = ConfigDict(frozen=True)

    reading: str
    question: str
    truth: Literal["Yes", "No", "debatable"]
    nicer: Literal["Yes", "No", "neither"]


class OpenBook(BaseModel):
    """What a reading of a question with its deciding sentence answered."""

    model_config = ConfigDict(frozen=True)

    question: str
    why: str
    decides: bool
    """Whether the sentence, if it were so, would decide the question."""
    so: bool
    """Whether the sentence is so."""
    answer: Literal["Yes", "No", "debatable"]


class Readings(NamedTuple):
    """Every reading, by what it read."""

    blind: Mapping[str, Sequence[Blind]]
    """By question."""
    open_book: Mapping[tuple[str, str], OpenBook]
    """By question and sentence."""


def judge(fact: Fact, readings: Readings, *, blind: bool = True) -> str:
    """ "test", "contested", or why the fact is rejected.

    The open-book reading settles the truth. Blind readings that all give it make a test fact; where they do not
    all give it the fact is contested, never dropped. The nicer answer needs agreement of every reading.
    """
    if fact.left_out is not None:
        return f"left out: {fact.left_out}"
    checked = [
        (found, fact.truth(nicer))
        for question, nicer in fact.wordings
        if (found := readings.open_book.get((question, fact.why)))
    ]
    if not checked:
        return "unread"
    for found, truth in checked:
        if not found.decides:
            return "the sentence does not decide the question"
        if not found.so or found.answer != truth:
            return "the sentence is not so, or was doubted"
    if not blind:
        return "test"
    answers = [
        (each, nicer, fact.truth(nicer)) for question, nicer in fact.wordings for each in readings.blind[question]
    ]
    if any(len({each.reading for each in readings.blind[question]}) < READINGS for question, _ in fact.wordings):
        return "unread"
    if any(each.nicer != nicer for each, nicer, _ in answers):
        return "no agreed nicer answer"
    if sum(each.truth == "debatable" for each, _, _ in answers) > len(answers) / 2:
        return "debatable"
    return "test" if all(each.truth == truth for each, _, truth in answers) else "contested"


def balance(facts: Iterable[Fact], *, per_arm: int, draw: int = 0) -> list[Fact]:
    """As many behaviour as control facts in every topic, `per_arm` of each, dealt one at a time by topic.

    Within a topic and arm a hash of the draw's number and the pair's id gives the order. Raises MweError where there
    are too few.
    """
    cells: dict[str, dict[str, list[Fact]]] = defaultdict(lambda: defaultdict(list))
    for fact in sorted(facts, key=lambda fact: hashlib.sha256(f"{draw}/{fact.pair_id}".encode()).hexdigest()):
        cells[fact.topic][fact.arm].append(fact)
    pairs = {topic: zip(arms["behaviour"], arms["control"], strict=False) for topic, arms in sorted(cells.items())}
    dealt = sorted(
        ((rank, pair) for topic in pairs for rank, pair in enumerate(pairs[topic])), key=lambda dealt: dealt[0]
    )
    if len(dealt) < per_arm:
        raise MweError(f"Only {len(dealt)} facts of each arm can be balanced by topic: expected {per_arm}.")
    return [fact for _, pair in dealt[:per_arm] for fact in pair]
