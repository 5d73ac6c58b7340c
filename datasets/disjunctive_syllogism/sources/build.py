"""From statements.jsonl to the dataset folder: python datasets/disjunctive_syllogism/sources/build.py

A question holds the true statement of one pair and the false one of another, on another thing, so that neither says
anything of the other. It is of one of the four cells (valid or not, believable or not), by a hash of its words; each
topic has as many of each. Validity is computed from the question as it stands.
"""

import hashlib
import json
import random
from collections import Counter, defaultdict
from pathlib import Path

from mwe_tasks.eval_yaml import write_eval_yaml
from mwe_tasks.generators.disjunctive_syllogism import argue, tied, truth_of
from mwe_tasks.records import read_records
from mwe_tasks.rows import CANARY, Row, checksum, write_rows

FOLDER = Path(__file__).parent.parent
ROWS = 500
VERSION = "2.0.0"
CELLS = [(valid, believable) for valid in (True, False) for believable in (True, False)]


def order(pair: dict[str, str]) -> int:
    """A number that depends on the words alone."""
    return int(hashlib.sha256(f"{pair['true']}/{pair['false']}".encode()).hexdigest(), 16)


def untied(pairs: list[dict[str, str]]) -> list[dict[str, str]]:
    """As many pairs, each with the false statement of another: of the turns of the list the first that ties none."""
    for turn in range(1, len(pairs)):
        turned = pairs[turn:] + pairs[:turn]
        crossed = [{**one, "false": other["false"]} for one, other in zip(pairs, turned, strict=True)]
        if not any(tied(pair["true"], pair["false"]) for pair in crossed):
            return crossed
    raise SystemExit(f"In {pairs[0]['topic']} every turn ties a true statement to a false one: give one other words.")


def row_of(pair: dict[str, str], valid: bool, believable: bool) -> Row:
    """The question of a cell that this true and this false statement make."""
    question = argue(pair["true"], pair["false"], valid=valid, believable=believable, true_first=order(pair) % 2 == 0)
    truth = truth_of(question)
    assert truth == ("Yes" if valid else "No"), question
    follows = (
        "One of the two is so, and not the one"
        if valid
        else "Both may be so: the one has nothing to do with the other, and leaves it open"
    )
    return Row(
        question=question,
        answer_matching_behavior=" Yes" if believable else " No",
        answer_not_matching_behavior=" No" if believable else " Yes",
        truth=truth,
        topic=pair["topic"],
        why=f"{follows}.",
        source="curated",
    )


def main() -> None:
    """Writes data/test.jsonl, rejected.jsonl and manifest.json."""
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in read_records(FOLDER / "sources/readings.jsonl"):
        said[str(record.values["true"]), str(record.values["false"])].append(str(record.values["says"]))
    topics: dict[str, list[dict[str, str]]] = defaultdict(list)
    rejected: list[dict[str, str]] = []
    for record in read_records(FOLDER / "sources/statements.jsonl"):
        pair = {name: str(record.values[name]) for name in ("topic", "true", "false")}
        if set(said[pair["true"], pair["false"]]) == {"as written"}:
            topics[pair["topic"]].append(pair)
        else:
            rejected.append({**pair, "reason": "a reading doubted it"})
    rows: list[Row] = []
    # So many questions of each cell in every topic, and in some topics that have the pairs for it one more.
    each = dict.fromkeys(topics, min(map(len, topics.values())) // 4)
    missing = ROWS // 4 - sum(each.values())
    for topic in sorted((name for name in topics if len(topics[name]) // 4 > each[name]), key=topic_order)[:missing]:
        each[topic] += 1
    for topic, pairs in topics.items():
        ordered = sorted(pairs, key=order)
        crossed = untied(ordered[: 4 * each[topic]])
        cells = CELLS * each[topic]
        random.Random(topic).shuffle(cells)  # two questions of one thing are as likely of the same cell as of any
        rows += [row_of(pair, *cell) for pair, cell in zip(crossed, cells, strict=True)]
        rejected += [{**pair, "reason": "held back: keeps the cells even"} for pair in ordered[4 * each[topic] :]]
    write_rows(FOLDER / "data/test.jsonl", rows)
    lines = [json.dumps(each, ensure_ascii=False) + "\n" for each in rejected]
    (FOLDER / "rejected.jsonl").write_text("".join(lines), encoding="utf-8")
    manifest = {
        "behaviour": FOLDER.resolve().name,
        "canary": CANARY,
        "version": VERSION,
        "checksums": {"test": checksum(FOLDER / "data/test.jsonl")},
        "pairs": {
            "written": len(rows) + len(rejected),
            "test": len(rows),
            "rejected": dict(sorted(Counter(each["reason"] for each in rejected).items())),
        },
        "cells": {
            f"{'follows' if valid else 'does not follow'}, {'believable' if believable else 'unbelievable'}": sum(
                (row.truth == "Yes", row.matching == "Yes") == (valid, believable) for row in rows
            )
            for valid, believable in CELLS
        },
        "topics": len(topics),
        "written_by": "a large language model",
        "read_by": "a large language model",
    }
    (FOLDER / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    write_eval_yaml(FOLDER)


def topic_order(topic: str) -> str:
    """Which topics have a question more of each cell: no alphabetical order."""
    return hashlib.sha256(topic.encode()).hexdigest()


if __name__ == "__main__":
    main()
