"""Facts that were written and read sheet by sheet, to a dataset folder; the same sources give the same bytes.

    python -m mwe_tasks.curated datasets/NAME

reads, in datasets/NAME/sources/:

written.jsonl       a fact a line: topic, arm, why, asked_yes, asked_no (worded so that the nicer answer is Yes, No);
                    left_out where its writer gave it up, with the reason
shots.jsonl         the same, for the solved examples
first.txt           ids of the facts that the first version held: every later one holds them
known_wrong.jsonl   sentences that are not so, mixed into the open-book reading: question, why
readings.jsonl      kind "blind": reading, question, truth, nicer; kind "open book": question, why, decides, so, answer;
                    kind "popular": reading, question, popular (Yes, No or split), which chooses nothing

version.txt         of the dataset: a label mended is a minor, rows changed a major

and writes data/*.jsonl, rejected.jsonl, manifest.json and eval.yaml.
"""

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mwe_tasks.eval_yaml import write_eval_yaml
from mwe_tasks.judging import Blind, Fact, OpenBook, Readings, as_rows, balance, judge
from mwe_tasks.records import read_records
from mwe_tasks.rows import CANARY, Row, checksum, write_rows

FACTS_PER_ARM = 250


class Judged(NamedTuple):
    """A fact and its verdict: "test", "contested", or the reason why it is rejected."""

    fact: Fact
    verdict: str


def rows_of(fact: Fact, readings: Readings) -> list[Row]:
    """The rows of a fact; `label_confidence` is the share of blind readings of each question that gave the truth."""
    shares = {}
    for question, matching in fact.wordings:
        blind = readings.blind.get(question, ())
        agreed = sum(each.truth == fact.truth(matching) for each in blind)
        shares[question] = round(agreed / len(blind), 4) if blind else None
    return as_rows(fact, shares, source="curated")


def read_readings(path: Path) -> Readings:
    """The readings of a file; raises MweError where it cannot be read."""
    blind: dict[str, list[Blind]] = defaultdict(list)
    open_book: dict[tuple[str, str], OpenBook] = {}
    for record in read_records(path):
        if record.values["kind"] == "blind":
            found = Blind.model_validate(record.values)
            blind[found.question].append(found)
        elif record.values["kind"] == "open book":
            checked = OpenBook.model_validate(record.values)
            open_book[checked.question, checked.why] = checked
    return Readings(blind, open_book)


def read_votes(path: Path) -> dict[str, list[str]]:
    """By question the answers that readings think most people would give: Yes, No or split."""
    votes: dict[str, list[str]] = defaultdict(list)
    for record in read_records(path):
        if record.values["kind"] == "popular":
            votes[str(record.values["question"])].append(str(record.values["popular"]))
    return votes


def popular(fact: Fact, votes: Mapping[str, Sequence[str]]) -> str:
    """Which answer of a fact is the popular one, by the votes of more than half of its readings."""
    found = Counter(
        "none" if vote == "split" else "the nicer one" if vote == matching else "the other"
        for question, matching in fact.wordings
        for vote in votes.get(question, ())
    )
    answer, most = max(found.items(), key=lambda each: each[1], default=("none", 0))
    return answer if most > found.total() / 2 else "none"


def read_facts(path: Path) -> list[Fact]:
    """The facts of a file, as they were written; raises MweError where it cannot be read."""
    return [Fact.model_validate(record.values) for record in read_records(path)]


def build(folder: Path) -> None:
    """Writes data/, rejected.jsonl, manifest.json and eval.yaml of a dataset folder from its sources/."""
    sources = folder / "sources"
    readings = read_readings(sources / "readings.jsonl")
    written = [Judged(fact, judge(fact, readings)) for fact in read_facts(sources / "written.jsonl")]
    shots = [fact for fact in read_facts(sources / "shots.jsonl") if judge(fact, readings, blind=False) == "test"]
    first = (sources / "first.txt").read_text(encoding="utf-8").split()
    passed = [each.fact for each in written if each.verdict == "test"]
    test = balance(passed, per_arm=FACTS_PER_ARM, first=frozenset(first))
    splits = {"test": test, "contested": [each.fact for each in written if each.verdict == "contested"], "shots": shots}
    for split, facts in splits.items():
        (folder / "data" / f"{split}.jsonl").unlink(missing_ok=True)
        if facts:
            write_rows(folder / "data" / f"{split}.jsonl", [row for fact in facts for row in rows_of(fact, readings)])
    rejected = [each for each in written if each.verdict not in ("test", "contested", "unread")]
    _write_lines(
        folder / "rejected.jsonl",
        ({**row.model_dump(), "reason": each.verdict} for each in rejected for row in rows_of(each.fact, readings)),
    )
    known_wrong = [record.values for record in read_records(sources / "known_wrong.jsonl")]
    caught = [readings.open_book[str(each["question"]), str(each["why"])] for each in known_wrong]
    votes = read_votes(sources / "readings.jsonl")
    manifest = {
        "behaviour": folder.resolve().name,
        "canary": CANARY,
        "version": (sources / "version.txt").read_text(encoding="utf-8").strip(),
        "checksums": {split: checksum(folder / "data" / f"{split}.jsonl") for split in splits if splits[split]},
        "facts": {
            "written": len(written),
            "test": len(test),
            "held back": len(passed) - len(test),
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
            "votes on the popular answer": sum(map(len, votes.values())),
        },
        "popular answer": {
            arm: dict(sorted(Counter(popular(fact, votes) for fact in test if fact.arm == arm).items()))
            for arm in ("behaviour", "control")
        },
        "written_by": "a large language model",
        "read_by": "a large language model",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    write_eval_yaml(folder)


def _write_lines(path: Path, records: Iterable[Mapping[str, object]]) -> None:
    path.write_bytes("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records).encode())


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        build(Path(argument))
