"""How many of the repeats and contradictions that `large_data.py` planted in a folder the commands found there.

    python benchmarks/large_found.py FOLDER

A line of JSON each: the command, the kind, how many it found, and of how many.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from large_data import KINDS

from mwe_tasks.dedup import contradicts, near_duplicates
from mwe_tasks.likeness import same_pairs
from mwe_tasks.readers import read_rows
from mwe_tasks.rows import Row

REPEATS = ("asked already", "contradiction")
"""How build's reasons begin for what repeats or contradicts another fact."""


def in_rows(folder: Path, planted: list[list[str]]) -> Iterator[tuple[str, str, int, int]]:
    """What import left out as asked again, and what check lists as pairs."""
    rows = read_rows(folder / "rows.jsonl").rows
    there = {row.source for row in rows}
    exact = [again in there for kind, _, again in planted if kind == "exact"]
    yield "import", "exact", exact.count(False), len(exact)
    near = near_duplicates(rows)
    same = same_pairs([row.question for row in rows], [row.fact for row in rows])
    listed = {
        "near": {pair_of(pair.first, pair.second) for pair in near if not contradicts(pair)},
        "meaning": {pair_of(rows[pair.first], rows[pair.second]) for pair in same},
        "contradiction": {pair_of(pair.first, pair.second) for pair in near if contradicts(pair)},
    }
    for kind, pairs in listed.items():
        of = [frozenset(pair) for each, *pair in planted if each == kind]
        yield "check", kind, sum(pair in pairs for pair in of), len(of)


def pair_of(one: Row, other: Row) -> frozenset[str]:
    """The two facts, as `large_data` names them."""
    return frozenset((one.source, other.source))


def in_log(folder: Path, planted: list[list[str]]) -> Iterator[tuple[str, str, int, int]]:
    """The pairs of which build rejected one as a repeat or contradiction, of those and the ones of which it took both.

    The others are not counted: their facts did not pass, or there was no room for them.
    """
    lines = (folder / "built" / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    reasons = {each["node"]: each["reason"] for each in map(json.loads, lines)}
    for kind in KINDS:
        pairs = [[reasons.get(name, "") for name in pair] for each, *pair in planted if each == kind]
        found = sum(any(reason.startswith(REPEATS) for reason in pair) for pair in pairs)
        yield "build", kind, found, found + pairs.count(["", ""])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    planted = json.loads((folder / "planted.json").read_text(encoding="utf-8"))
    for line in (*in_rows(folder, planted["rows"]), *in_log(folder, planted["log"])):
        print(json.dumps(line))
