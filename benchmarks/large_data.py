"""Made-up questions for `large.py`: a file of them, an Inspect log of trees that hold them, and what is planted there.

    python benchmarks/large_data.py FOLDER POOL ROWS

The words are those of the tokenizer that measures meaning, as often as in Zipf's law: English, some in pieces.
Of the facts 2% each repeat an earlier one word for word, in nearly the same words, in another order of words, or in
nearly the same words with the other answer. In the trees a twentieth is contested and as many were rejected; a quarter
more are written than are owed.
"""

import csv
import itertools
import json
import random
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log

from mwe_tasks.cells import ARMS, FACTS_PER_TREE, Cell, plan
from mwe_tasks.generators.sycophantic_yesno import BEHAVIOUR
from mwe_tasks.judging import OTHER, Arm, Fact, as_rows
from mwe_tasks.rows import Row
from mwe_tasks.tree import Node, node_id, tree_id

CONTRARY = (
    *(("gain", "lose"), ("raise", "lower"), ("attract", "repel"), ("protect", "harm"), ("keep", "drop")),
    *(("clean", "soil"), ("cool", "heat"), ("improve", "worsen"), ("save", "waste"), ("build", "break")),
)
VARIED = (
    "Does the {0} {1} {p} the {2} of a {3} {4} in {5} {6}?",
    "Will any {0} with a {1} {2} {p} {3} near the {4} {5} {6}?",
    "Can {0} {1} {p} {2} when {3} and {4} are in the {5} {6}?",
    "Did {0} of the {1} {2} {p} their {3} after the {4} of {5} {6}?",
    "After {0} {1}, would most {2} {p} a {3} for {4} by {5} {6}?",
    "In {0} {1}, do the {2} that {3} a {4} also {p} {5} {6}?",
)
FRAMED = "Is {0} {1} {p} than {2} {3} in the {4} {5} {6}?"
IN_ANOTHER_ORDER = dict(
    zip(
        (*VARIED, FRAMED),
        (
            "In {5} {6}, is it the {2} of a {3} {4} the {0} {1} does {p}?",
            "Near the {4} {5} {6}, is {3} what any {0} with a {1} {2} will {p}?",
            "When in the {5} {6} are {3} and {4}, is {2} what {0} {1} can {p}?",
            "After the {4} of {5} {6}, was it their {3} that {0} of the {1} {2} did {p}?",
            "By {5} {6}, is a {3} for {4} what most {2} would {p} after {0} {1}?",
            "Are {5} {6} also what the {2} that {3} a {4} do {p} in {0} {1}?",
            "In the {4} {5} {6}, is it {p} than {2} {3}, the {0} {1}?",
        ),
        strict=True,
    )
)
KINDS = ("exact", "near", "meaning", "contradiction")
PLANTED, CONTESTED, REJECTED = 0.02, 0.05, 0.05
"""Share of the facts that each kind has; shares that are contested and rejected."""


class Planted(NamedTuple):
    """A fact that repeats or contradicts an earlier one."""

    kind: str
    first: str
    """The earlier one: what it was named as it was made."""
    again: str


@cache
def vocabulary() -> tuple[list[str], list[float]]:
    """English words with cumulative weights as in Zipf's law: those of the tokenizer that measures meaning."""
    import wordllama

    found = wordllama.WordLlama.load(disable_download=True, cache_dir=Path(wordllama.__file__).parent).tokenizer
    names = sorted(found.get_vocab().items(), key=lambda item: item[1])
    whole = [name[1:] for name, _ in names if name[0] == "▁" and len(name) > 4]
    known = [name for name in whole if name.isascii() and name.isalpha() and name.islower()]
    return known, list(itertools.accumulate(1 / (place + 10) for place in range(len(known))))


class Pool:
    """Made-up facts, the same ones in the same order, and what is planted among them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.planted: list[Planted] = []
        self._made: dict[str, list[tuple[str, str, list[str], tuple[str, str]]]] = {arm: [] for arm in ARMS}
        """Facts of each arm that repeat nothing, and that none repeats: their names, and what they were made of."""
        self._draw = random.Random(name)

    def fact(self, name: str, topic: str, arm: Arm) -> Fact:
        """The next fact; `name` is what it is called among what is planted."""
        place = self._draw.random() / PLANTED
        kind = KINDS[int(place)] if place < len(KINDS) else ""
        among = self._made[next(each for each in ARMS if (each == arm) != (kind == "contradiction"))]
        if kind and among:
            first, question, about, predicates = among.pop(self._draw.randrange(len(among)))
            self.planted.append(Planted(kind, first, name))
            question = IN_ANOTHER_ORDER[question] if kind == "meaning" else question
            question = question if kind in ("exact", "meaning") else question.replace("?", " now?")
        else:
            known, weights = vocabulary()
            about = self._draw.choices(known, cum_weights=weights, k=7)
            framed = self.name == "framed"
            predicates = ("more common", "rarer") if framed else self._draw.choice(CONTRARY)
            question = FRAMED if framed else self._draw.choice(VARIED)
            self._made[arm].append((name, question, about, predicates))
        yes, no = (question.format(*about, p=each) for each in predicates)
        return Fact(topic=topic, arm=arm, why=f"{' '.join(about).capitalize()}.", asked_yes=yes, asked_no=no)


def made_rows(pool: Pool) -> Iterator[Row]:
    """The rows of made-up facts, without end; what is planted is named by the numbers of facts."""
    for number in itertools.count():
        fact = pool.fact(str(number), BEHAVIOUR.topics[number // 2 % len(BEHAVIOUR.topics)], ARMS[number % 2])
        yield from as_rows(fact, {}, source=str(number))


def write_csv(path: Path, rows: Iterator[Row]) -> None:
    """Rows as somebody's file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Row.model_fields)
        writer.writerows(row.model_dump().values() for row in rows)


def write_log(path: Path, pool: Pool, rows: int) -> None:
    """An Inspect log as a writing task leaves it, of trees that bring about so many rows."""
    cells = plan(BEHAVIOUR, rows=rows)
    stored = ([node.model_dump() for node in nodes] for nodes in made_trees(pool, cells))
    samples = [
        EvalSample(id=nodes[0]["tree"], epoch=1, input="", target="", store={"tree": {"nodes": nodes}})
        for nodes in stored
    ]
    told = {"behaviour": BEHAVIOUR.name, "cells": [cell._asdict() for cell in cells], "seed": 0, "prompts": "made up"}
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00",
        task="write",
        dataset=EvalDataset(),
        model="none/none",
        config=EvalConfig(),
        metadata={"mwe_write": told},
    )
    write_eval_log(EvalLog(eval=spec, status="success", samples=samples), path)


def made_trees(pool: Pool, cells: Sequence[Cell]) -> Iterator[list[Node]]:
    """Trees of each cell, wave by wave, with a quarter more facts than are owed."""
    for wave in itertools.count():
        left = [(place, cell) for place, cell in enumerate(cells) if cell.owed > wave * FACTS_PER_TREE]
        if not left:
            return
        for place, cell in left:
            owed = min(FACTS_PER_TREE, cell.owed - wave * FACTS_PER_TREE)
            yield made_tree(pool, place, cell, owed, wave)


def made_tree(pool: Pool, place: int, cell: Cell, owed: int, wave: int) -> list[Node]:
    """A root and one round of candidates, read by three judges; what is planted is named by their ids."""
    tree = tree_id(BEHAVIOUR.name, cell.name, wave, 0)
    settings = {"cell": cell._replace(owed=owed)._asdict(), "owed": cell.owed, "place": place}
    fared = {"number": wave, "wave": wave + 1, "seed": 0, "ended": "complete"}
    root = node_id(tree, 0, 0)
    nodes = [Node(id=root, parent=None, tree=tree, round=0, number=0, text=cell.name, parameters=settings | fared)]
    for number in range(owed + owed // 4 + 1):
        name = node_id(tree, 1, number)
        fact = pool.fact(name, cell.topic, cell.arm)
        chance = random.Random(name).random()
        verdict = "contested" if chance < CONTESTED else "debatable" if chance < CONTESTED + REJECTED else "test"
        nodes.append(
            Node(
                id=name,
                parent=root,
                tree=tree,
                round=1,
                number=number,
                text=fact.model_dump_json(),
                fact=fact.model_dump(exclude_defaults=True),
                model="generator",
                rank=-float(number),
                picked=verdict == "test",
                picked_by="log probabilities" if verdict == "test" else None,
                verdict=verdict,
                readings=list(readings(fact, verdict)),
            )
        )
    return nodes


def readings(fact: Fact, verdict: str) -> Iterator[dict[str, Any]]:
    """Three blind readings, one of which misses the truth of what is contested."""
    for number, judge in enumerate("abc"):
        question, matching = fact.wordings[number % 2]
        truth = fact.truth(matching)
        missed = verdict != "test" and number == 2
        said = {"truth": OTHER[truth] if missed else truth, "nicer": matching}
        yield {"kind": "blind", "reading": f"1/{judge}", "model": judge, "question": question, **said}


def main(folder: Path, name: str, rows: int) -> None:
    """Writes rows.csv, log.eval and planted.json, which says what is planted in either."""
    in_rows, in_log = Pool(name), Pool(name)
    write_csv(folder / "rows.csv", itertools.islice(made_rows(in_rows), rows))
    write_log(folder / "log.eval", in_log, rows)
    planted = {"rows": in_rows.planted, "log": in_log.planted}
    (folder / "planted.json").write_text(json.dumps(planted), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
