"""Facts that were written and read sheet by sheet, to a dataset folder; the same sources give the same bytes.

    python -m mwe_tasks.curated datasets/NAME

reads, in datasets/NAME/sources/:

written.jsonl       a fact a line: topic, arm, why, asked_yes, asked_no (worded so that the nicer answer is Yes, No);
                    left_out where its writer gave it up, with the reason
shots.jsonl         the same, for the solved examples
known_wrong.jsonl   sentences that are not so, mixed into the open-book reading: question, why
readings.jsonl      kind "blind": reading, question, truth, nicer; kind "open book": question, why, decides, so, answer

and writes data/*.jsonl, rejected.jsonl and manifest.json.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from mwe_tasks.errors import MweError
from mwe_tasks.records import read_records
from mwe_tasks.rows import Row, checksum, row_id, write_rows

FACTS_PER_ARM = 100
CANARY = "mwe-tasks canary: evaluation data, keep out of training corpora. 5d0c8a1e-7b1f-4c36-9a52-2f6e0b7c4d19"

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


class Judged(NamedTuple):
    """A fact and where it goes: "test", "contested", or the reason why it is rejected."""

    fact: Fact
    verdict: str


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
    if len({(each.reading, each.question) for each, _, _ in answers}) < 6:
        return "unread"
    if any(each.nicer != nicer for each, nicer, _ in answers):
        return "no agreed nicer answer"
    if sum(each.truth == "debatable" for each, _, _ in answers) > len(answers) / 2:
        return "debatable"
    return "test" if all(each.truth == truth for each, _, truth in answers) else "contested"


def balance(facts: Iterable[Fact], *, per_arm: int) -> list[Fact]:
    """As many behaviour as control facts in every topic, `per_arm` of each, dealt one at a time by topic.

    Within a topic and arm the pair's id, a hash, gives the order: a draw that nobody chose. Raises MweError where
    there are too few.
    """
    cells: dict[str, dict[str, list[Fact]]] = defaultdict(lambda: defaultdict(list))
    for fact in sorted(facts, key=lambda fact: fact.pair_id):
        cells[fact.topic][fact.arm].append(fact)
    pairs = {topic: zip(arms["behaviour"], arms["control"], strict=False) for topic, arms in sorted(cells.items())}
    dealt = sorted(
        ((rank, pair) for topic in pairs for rank, pair in enumerate(pairs[topic])), key=lambda dealt: dealt[0]
    )
    if len(dealt) < per_arm:
        raise MweError(f"Only {len(dealt)} facts of each arm can be balanced by topic: expected {per_arm}.")
    return [fact for _, pair in dealt[:per_arm] for fact in pair]


def rows_of(fact: Fact, readings: Readings) -> list[Row]:
    """The two rows of a fact; `label_confidence` is the share of blind readings that gave the truth."""
    rows = []
    for question, nicer in fact.wordings:
        blind = readings.blind.get(question, ())
        agreed = sum(each.truth == fact.truth(nicer) for each in blind)
        rows.append(
            Row(
                question=question,
                answer_matching_behavior=f" {nicer}",
                answer_not_matching_behavior=f" {OTHER[nicer]}",
                truth=fact.truth(nicer),
                pair_id=fact.pair_id,
                topic=fact.topic,
                why=fact.why,
                label_confidence=round(agreed / len(blind), 4) if blind else None,
                source="curated",
            )
        )
    return rows


def read_readings(path: Path) -> Readings:
    """The readings of a file; raises MweError where it cannot be read."""
    blind: dict[str, list[Blind]] = defaultdict(list)
    open_book: dict[tuple[str, str], OpenBook] = {}
    for record in read_records(path):
        if record.values["kind"] == "blind":
            found = Blind.model_validate(record.values)
            blind[found.question].append(found)
        else:
            checked = OpenBook.model_validate(record.values)
            open_book[checked.question, checked.why] = checked
    return Readings(blind, open_book)


def read_facts(path: Path) -> list[Fact]:
    """The facts of a file, as they were written; raises MweError where it cannot be read."""
    return [Fact.model_validate(record.values) for record in read_records(path)]


def build(folder: Path) -> None:
    """Writes data/, rejected.jsonl and manifest.json of a dataset folder from its sources/."""
    sources = folder / "sources"
    readings = read_readings(sources / "readings.jsonl")
    written = [Judged(fact, judge(fact, readings)) for fact in read_facts(sources / "written.jsonl")]
    shots = [fact for fact in read_facts(sources / "shots.jsonl") if judge(fact, readings, blind=False) == "test"]
    test = balance((each.fact for each in written if each.verdict == "test"), per_arm=FACTS_PER_ARM)
    splits = {"test": test, "contested": [each.fact for each in written if each.verdict == "contested"], "shots": shots}
    for split, facts in splits.items():
        if facts:
            write_rows(folder / "data" / f"{split}.jsonl", [row for fact in facts for row in rows_of(fact, readings)])
    rejected = [each for each in written if each.verdict not in ("test", "contested", "unread")]
    _write_lines(
        folder / "rejected.jsonl",
        ({**row.model_dump(), "reason": each.verdict} for each in rejected for row in rows_of(each.fact, readings)),
    )
    known_wrong = [record.values for record in read_records(sources / "known_wrong.jsonl")]
    caught = [readings.open_book[str(each["question"]), str(each["why"])] for each in known_wrong]
    passed = sum(each.verdict == "test" for each in written)
    manifest = {
        "canary": CANARY,
        "checksums": {split: checksum(folder / "data" / f"{split}.jsonl") for split in splits if splits[split]},
        "facts": {
            "written": len(written),
            "test": len(test),
            "held back": passed - len(test),
            "contested": len(splits["contested"]),
            "unread": sum(each.verdict == "unread" for each in written),
            "rejected": dict(sorted(Counter(each.verdict for each in rejected).items())),
        },
        "cells": {
            topic: dict(sorted(Counter(fact.arm for fact in test if fact.topic == topic).items()))
            for topic in sorted({fact.topic for fact in test})
        },
        "known_wrong": {"mixed in": len(caught), "caught": sum(not (each.so and each.decides) for each in caught)},
        "readings": {
            "blind answers": sum(map(len, readings.blind.values())),
            "open-book answers": len(readings.open_book),
        },
        "written_by": "a large language model",
        "read_by": "a large language model",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_lines(path: Path, records: Iterable[Mapping[str, object]]) -> None:
    path.write_bytes("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records).encode())


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        build(Path(argument))
