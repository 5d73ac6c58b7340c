"""Trees to a dataset folder: which of the written facts become rows, and why each other one does not.

The same trees give the same bytes. Nothing is lost: every candidate of every tree is a row's fact or stands in
rejected.jsonl with its reason.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mwe_tasks.behaviour import Behaviour
from mwe_tasks.cells import ARMS, Cell, settle
from mwe_tasks.dedup import exact_duplicates, near_duplicates
from mwe_tasks.errors import MweError
from mwe_tasks.judging import OTHER, Fact, as_rows
from mwe_tasks.panel import MIN_READERS, Confidence, confidence, vote_share
from mwe_tasks.repeats import Asked
from mwe_tasks.rows import CANARY, Row, checksum, write_rows
from mwe_tasks.tree import Node, in_order, write_nodes

LABELS = ("Yes", "No")


class Built(NamedTuple):
    """What became of every candidate."""

    splits: Mapping[str, Sequence[Row]]
    rejected: Sequence[tuple[Node, str]]
    """Each candidate that is in no split, with the reason."""
    method: str
    """How label_confidence was found: "Dawid-Skene", "vote share" or "computed"."""


def assemble(nodes: Sequence[Node], form: frozenset[str], seeds: Sequence[int], *, computed: bool = False) -> Built:
    """The rows of some trees' nodes, and what was rejected; raises MweError for trees without their roots.

    `form` are words that every question has, and that make none alike. A run is what shares a seed. Runs are taken in
    the order of `seeds`: no later one takes anything from rows of an earlier one. `computed` truth needs no readers,
    and has no confidence.
    """
    roots = {node.tree: node for node in nodes if node.round == 0}
    written = [node for node in nodes if node.round > 0]
    if missing := {node.tree for node in written} - roots.keys():
        raise MweError(f"Tree {min(missing)} has no root: give the whole trees.jsonl, or the log.")
    order = sorted(in_order(written), key=lambda node: (roots[node.tree].parameters["number"], node.tree))
    facts = {node.id: Fact.model_validate(node.fact) for node in order if node.fact is not None}
    repeated: dict[str, str] = {}
    while True:
        asked, reasons = Asked(form), dict(repeated)
        asked.compare(facts[node.id] for node in order if node.verdict in ("test", "contested"))
        kept = _kept(order, seeds, roots, facts, asked, reasons)
        rows = _rows(kept, facts, Confidence({}, ""))
        twice = {pair.second.fact for pair in (*exact_duplicates(rows), *near_duplicates(rows))}
        if not twice:
            break
        # MinHash has found what the words of `Asked` did not bring together: without those, once more.
        repeated |= {node.id: "asked already, in nearly the same words" for node in kept if facts[node.id].id in twice}
    contested: list[Node] = []
    doubtful = [node for node in order if node.verdict == "contested"]
    asked.expect(facts[node.id] for node in doubtful)
    for node in doubtful:
        if reason := asked.repeats(facts[node.id]):
            reasons[node.id] = reason
        else:
            asked.add(facts[node.id])
            contested.append(node)
    found = Confidence({}, "computed") if computed else believe([*kept, *contested], facts)
    inside = {node.id for node in (*kept, *contested)}
    rejected = [
        (node, reasons.get(node.id) or node.reason or node.verdict or "not picked")
        for node in order
        if node.id not in inside
    ]
    assert len(inside) + len(rejected) == len(written), "a candidate is lost"
    assert not {reason for _, reason in rejected} & {"test", "contested"}, "a candidate has no reason"
    return Built(
        {"test": _rows(kept, facts, found), "contested": _rows(contested, facts, found)}, rejected, found.method
    )


def _kept(
    order: Sequence[Node],
    seeds: Sequence[int],
    roots: Mapping[str, Node],
    facts: Mapping[str, Fact],
    asked: Asked,
    reasons: dict[str, str],
) -> list[Node]:
    """The nodes whose facts the test split takes; `reasons` says of others why not, and gains the rest of them."""
    kept: list[Node] = []
    for seed in seeds:
        places: dict[tuple[int, str], Cell] = {}
        passed: dict[str, list[Node]] = defaultdict(list)
        waves: dict[int, dict[str, list[Fact]]] = defaultdict(lambda: defaultdict(list))
        for root in roots.values():
            if root.parameters["seed"] == seed:
                cell = Cell(**root.parameters["cell"])
                known = places.setdefault(
                    (root.parameters["place"], cell.name), cell._replace(owed=root.parameters["owed"])
                )
                if known.owed != root.parameters["owed"]:
                    raise MweError(
                        f"Two runs of seed {seed} owe different facts: write the second with another -T seed=."
                    )
        for node in order:
            root = roots[node.tree]
            if root.parameters["seed"] == seed and node.verdict == "test" and node.id not in reasons:
                name = Cell(**root.parameters["cell"]).name
                passed[name].append(node)
                waves[root.parameters["wave"]][name].append(facts[node.id])
        cells = [places[place] for place in sorted(places)]
        settled = settle(cells, {}, asked)
        for wave in sorted(waves):
            settled = settle(cells, waves[wave], asked, before=settled)
        most = _shortest(cells, settled.taken)
        for cell in cells:
            chosen = {fact: number for number, fact in enumerate(settled.taken[cell.name])}
            for node in passed[cell.name]:
                fact = facts[node.id]
                number = chosen.pop(fact, None)
                if number is None:
                    reasons[node.id] = settled.left_out.get(fact.id, "asked already, word for word")
                elif number >= most[cell.topic]:
                    reasons[node.id] = "held back: another cell of its topic has fewer"
                else:
                    kept.append(node)
    return kept


def believe(nodes: Iterable[Node], facts: Mapping[str, Fact]) -> Confidence:
    """How sure the blind readings make each fact's truth, by the node's id: P of each answer to its first wording.

    Three readings of one model are one reader, whose errors repeat: then it is their share.
    """
    votes: dict[str, dict[str, str]] = {}
    models: set[str] = set()
    for node in nodes:
        asked = dict(facts[node.id].wordings)
        first = next(iter(asked.values()))
        cast = {}
        for reading in node.readings:
            if reading["kind"] == "blind" and reading["truth"] in LABELS:
                same = asked[reading["question"]] == first
                cast[reading["reading"]] = reading["truth"] if same else OTHER[reading["truth"]]
                models.add(reading["reading"].partition("/")[2])
        if cast:
            votes[node.id] = cast
    if not votes:
        return Confidence({}, "computed")
    if len(models) < MIN_READERS:
        return Confidence(vote_share(votes, LABELS), "vote share")
    return confidence(votes, LABELS)


def write_dataset(
    folder: Path,
    nodes: Sequence[Node],
    built: Built,
    *,
    behaviour: Behaviour,
    logs: Sequence[Mapping[str, Any]],
    seeds: Sequence[int],
    version: str,
) -> None:
    """Writes data/, trees.jsonl, rejected.jsonl, manifest.json and provenance.json; the card is `card`'s.

    Raises OSError where the folder cannot be written.
    """
    for split, rows in built.splits.items():
        path = folder / "data" / f"{split}.jsonl"
        path.unlink(missing_ok=True)
        if rows:
            write_rows(path, rows)
    folder.mkdir(parents=True, exist_ok=True)
    why = {node.id: reason for node, reason in built.rejected if node.verdict in built.splits}
    told = [node.model_copy(update={"reason": why[node.id]}) if node.id in why else node for node in nodes]
    write_nodes(folder / "trees.jsonl", told)
    lines = [
        {"node": node.id, "reason": reason, "text": node.text, "fact": node.fact} for node, reason in built.rejected
    ]
    asked: dict[int, int] = {}
    for log in logs:
        asked[log["seed"]] = max(log["asked for"], asked.get(log["seed"], 0))
    manifest = manifest_of(folder, nodes, built, behaviour)
    manifest |= {"asked for": sum(asked.values()), "seeds": list(seeds), "version": version}
    _write(folder / "rejected.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    _write(folder / "manifest.json", json.dumps(manifest, indent=2) + "\n")
    _write(folder / "provenance.json", json.dumps({"logs": list(logs)}, indent=2) + "\n")


def manifest_of(folder: Path, nodes: Sequence[Node], built: Built, behaviour: Behaviour) -> dict[str, Any]:
    """Counts, checksums, models and settings of a dataset that was built."""
    roots = [node for node in nodes if node.round == 0]
    wrong = [root.parameters.get("known_wrong", {}) for root in roots]
    arms: dict[str, Counter[str]] = {topic: Counter() for topic in sorted({row.topic for row in built.splits["test"]})}
    for row in {row.fact: row for row in built.splits["test"]}.values():
        arms[row.topic]["control" if row.control else "behaviour"] += 1
    return {
        "behaviour": behaviour.name,
        "description": behaviour.description,
        "canary": CANARY,
        "checksums": {
            split: checksum(folder / "data" / f"{split}.jsonl") for split, rows in built.splits.items() if rows
        },
        "candidates": {
            "written": len(nodes) - len(roots),
            **{split: len({row.fact for row in rows}) for split, rows in built.splits.items()},
            "rejected": dict(sorted(Counter(reason for _, reason in built.rejected).items())),
        },
        "cells": {topic: {arm: counts[arm] for arm in ARMS} for topic, counts in arms.items()},
        "known_wrong": {key: sum(each.get(key, 0) for each in wrong) for key in ("mixed in", "caught")},
        "label_confidence": built.method,
        "generators": sorted({node.model for node in nodes if node.model}),
        "readers": sorted(
            {str(r["reading"]).partition("/")[2] for n in nodes for r in n.readings if r["kind"] == "blind"}
        ),
        "faults": dict(sorted(sum((Counter(root.parameters.get("faults", {})) for root in roots), Counter()).items())),
        "picked_by": dict(sorted(Counter(node.picked_by for node in nodes if node.picked_by).items())),
        "trees": len(roots),
        "ended": dict(sorted(Counter(root.parameters.get("ended", "cut short") for root in roots).items())),
    }


def _shortest(cells: Sequence[Cell], taken: Mapping[str, Sequence[Fact]]) -> dict[str, int]:
    """The most facts that a cell of each topic may have: as many as its poorest cell, none where one is missing."""
    found: dict[str, list[int]] = defaultdict(list)
    whole: dict[str, int] = {}
    for cell in cells:
        found[cell.topic].append(len(taken[cell.name]))
        whole[cell.topic] = len(ARMS) * (1 if cell.matching is None else len(LABELS))
    return {topic: min(counts) if len(counts) == whole[topic] else 0 for topic, counts in found.items()}


def _rows(nodes: Sequence[Node], facts: Mapping[str, Fact], found: Confidence) -> list[Row]:
    rows: list[Row] = []
    for node in nodes:
        fact = facts[node.id]
        posterior = found.posterior.get(node.id)
        first = fact.wordings[0][1]
        sure = None if posterior is None else round(posterior[fact.truth(first)], 4)
        rows += as_rows(fact, {q: sure for q, _ in fact.wordings}, source=f"{node.tree}/{node.round}.{node.number}")
    return rows


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
