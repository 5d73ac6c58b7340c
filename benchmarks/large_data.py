"""Made-up questions for `large.py`: a file of them, and an Inspect log of trees that hold them.

    python benchmarks/large_data.py FOLDER POOL ROWS

The words are those of the tokenizer that measures meaning, as often as in Zipf's law: English, some in pieces.
In the trees a tenth of the facts repeats an earlier one in nearly the same words, a twentieth is contested and as many
were rejected; a quarter more are written than are owed.
"""

import csv
import itertools
import random
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

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
REPEATED, CONTESTED, REJECTED = 0.1, 0.05, 0.05


@cache
def vocabulary() -> tuple[list[str], list[float]]:
    """English words with cumulative weights as in Zipf's law: those of the tokenizer that measures meaning."""
    import wordllama

    found = wordllama.WordLlama.load(disable_download=True, cache_dir=Path(wordllama.__file__).parent).tokenizer
    names = sorted(found.get_vocab().items(), key=lambda item: item[1])
    whole = [name[1:] for name, _ in names if name[0] == "▁" and len(name) > 4]
    known = [name for name in whole if name.isascii() and name.isalpha() and name.islower()]
    return known, list(itertools.accumulate(1 / (place + 10) for place in range(len(known))))


def made_fact(pool: str, number: int, topic: str, arm: Arm) -> Fact:
    """A made-up fact, the same for the same number; a tenth of them repeat an earlier one in nearly the same words."""
    draw = random.Random(f"{pool}/{number}")
    again = number > 0 and draw.random() < REPEATED
    if again:
        draw = random.Random(f"{pool}/{draw.randrange(number)}")
        draw.random()
    known, weights = vocabulary()
    about = draw.choices(known, cum_weights=weights, k=7)
    nicer, contrary = ("more common", "rarer") if pool == "framed" else draw.choice(CONTRARY)
    question = FRAMED if pool == "framed" else draw.choice(VARIED)
    asked = [question.format(*about, p=each).replace("?", " now?" if again else "?") for each in (nicer, contrary)]
    return Fact(topic=topic, arm=arm, why=f"{' '.join(about).capitalize()}.", asked_yes=asked[0], asked_no=asked[1])


def made_rows(pool: str) -> Iterator[Row]:
    """The rows of made-up facts, without end."""
    for number in itertools.count():
        arm = ARMS[number % 2]
        fact = made_fact(pool, number, BEHAVIOUR.topics[number // 2 % len(BEHAVIOUR.topics)], arm)
        yield from as_rows(fact, {}, source="made up")


def write_csv(path: Path, rows: Iterator[Row]) -> None:
    """Rows as somebody's file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Row.model_fields)
        writer.writerows(row.model_dump().values() for row in rows)


def write_log(path: Path, pool: str, rows: int) -> None:
    """An Inspect log as a writing task leaves it, of trees that bring about so many rows."""
    cells = plan(BEHAVIOUR, rows=rows)
    numbers = itertools.count()
    stored = ([node.model_dump() for node in nodes] for nodes in made_trees(pool, cells, numbers))
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


def made_trees(pool: str, cells: Sequence[Cell], numbers: Iterator[int]) -> Iterator[list[Node]]:
    """Trees of each cell, wave by wave, with a quarter more facts than are owed."""
    for wave in itertools.count():
        left = [(place, cell) for place, cell in enumerate(cells) if cell.owed > wave * FACTS_PER_TREE]
        if not left:
            return
        for place, cell in left:
            owed = min(FACTS_PER_TREE, cell.owed - wave * FACTS_PER_TREE)
            yield made_tree(pool, place, cell, owed, wave, numbers)


def made_tree(pool: str, place: int, cell: Cell, owed: int, wave: int, numbers: Iterator[int]) -> list[Node]:
    """A root and one round of candidates, read by three judges."""
    tree = tree_id(BEHAVIOUR.name, cell.name, wave, 0)
    settings = {"cell": cell._replace(owed=owed)._asdict(), "owed": cell.owed, "place": place}
    fared = {"number": wave, "wave": wave + 1, "seed": 0, "ended": "complete"}
    root = node_id(tree, 0, 0)
    nodes = [Node(id=root, parent=None, tree=tree, round=0, number=0, text=cell.name, parameters=settings | fared)]
    for number in range(owed + owed // 4 + 1):
        fact = made_fact(pool, next(numbers), cell.topic, cell.arm)
        chance = random.Random(fact.id).random()
        verdict = "contested" if chance < CONTESTED else "debatable" if chance < CONTESTED + REJECTED else "test"
        nodes.append(
            Node(
                id=node_id(tree, 1, number),
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


if __name__ == "__main__":
    write_csv(Path(sys.argv[1]) / "rows.csv", itertools.islice(made_rows(sys.argv[2]), int(sys.argv[3])))
    write_log(Path(sys.argv[1]) / "log.eval", sys.argv[2], int(sys.argv[3]))
