"""Logs of writing tasks, and what a folder holds already, to a dataset folder with its card, checked."""

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mwe_tasks.behaviour import Behaviour
from mwe_tasks.card import write_card
from mwe_tasks.dataset import Built, assemble, write_dataset
from mwe_tasks.errors import MweError
from mwe_tasks.eval_yaml import write_eval_yaml
from mwe_tasks.findings import Report
from mwe_tasks.fitness import FIRST_VERSION
from mwe_tasks.formats.inspect_log import Trees, by_tree, logs_in, trees_of_log
from mwe_tasks.growing import BUDGET_SPENT
from mwe_tasks.quality import check
from mwe_tasks.readers import read_splits
from mwe_tasks.steering import shared_words
from mwe_tasks.tree import Node, read_nodes


def build_dataset(logs: Sequence[str | Path], out: Path) -> tuple[Built, Report | None]:
    """Writes the dataset of some logs' trees, and of those that the folder holds; gives the check of its test split.

    The check is None where no fact passed. Raises MweError for logs without trees, of two behaviours, or with trees
    that differ from those of the same name in another log or the folder, other than by having grown on.
    """
    there = out / "trees.jsonl"
    if (out / "data").exists() and not there.is_file():
        raise MweError(f"{out} holds a dataset that was not built from logs, and would be lost: name another folder.")
    trees: Trees = by_tree([as_grown(node) for node in read_nodes(there)]) if there.is_file() else {}
    origins: dict[str, dict[str, Any]] = {}
    seeds: list[int] = []
    version = FIRST_VERSION
    if there.is_file():
        origins = {each["eval_id"]: each for each in read_json(out / "provenance.json")["logs"]}
        manifest = read_json(out / "manifest.json")
        seeds, version = list(manifest["seeds"]), manifest.get("version", version)
    found, left_out = read_trees([inside for log in logs for inside in logs_in(Path(log))])
    for path, grown in found.items():
        origin = origin_of(path)
        origins[origin["eval_id"]] = origin
        for tree, nodes in grown.items():
            trees[tree] = longer(trees.get(tree, []), nodes, path)
    if not found:
        raise MweError(f"These logs hold no trees of a writing task. {' '.join(left_out[:3])}")
    behaviours = {each["behaviour"] for each in origins.values()}
    if len(behaviours) != 1:
        raise MweError(
            f"These logs and {out} are of {' and '.join(sorted(behaviours))}: one folder holds one behaviour."
        )
    behaviour = find_behaviour(behaviours.pop())
    members = [node for nodes in trees.values() for node in nodes]
    # The folder's runs before new ones, whatever their seeds: rows that stand there stay.
    seeds += sorted({node.parameters["seed"] for node in members if node.round == 0}.difference(seeds))
    built = assemble(members, shared_words(behaviour), seeds, computed=behaviour.truth_of is not None)
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_dataset(
            out,
            members,
            built,
            behaviour=behaviour,
            logs=[origins[name] for name in sorted(origins)],
            seeds=seeds,
            version=version,
        )
    except OSError as error:
        raise MweError(f"{error.filename or out} cannot be written: {error.strerror or error}.") from None
    splits = read_splits(out)
    write_eval_yaml(out, splits)
    report = check(splits["test"]) if "test" in splits else None
    if report is not None:
        write_card(out, report, splits, replace=True)
    return built, report


def read_json(path: Path) -> Any:
    """What a file of a dataset's folder holds; raises MweError where it is missing or no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise MweError(f"{path} is missing, or is no JSON: build the logs anew into an empty folder.") from None


def as_grown(node: Node) -> Node:
    """A node as its tree left it, without what an earlier build said of it."""
    return node if node.verdict is None else node.model_copy(update={"reason": None})


def read_trees(paths: Sequence[Path]) -> tuple[dict[Path, Trees], list[str]]:
    """The trees of each log that has some, and a sentence for each that has none; raises MweError for a lone one."""
    found: dict[Path, Trees] = {}
    left_out: list[str] = []
    for path in paths:
        try:
            found[path] = trees_of_log(path)
        except MweError as error:
            if len(paths) == 1:
                raise
            left_out.append(error.message)
    return found, left_out


def longer(one: Sequence[Node], other: Sequence[Node], where: Path) -> list[Node]:
    """Of two states of one tree the one that has grown on; raises MweError where neither begins like the other."""
    short, long = sorted((list(one), list(other)), key=lambda nodes: (len(whole_rounds(nodes)), len(nodes)))
    # The root tells how the tree fared, and so changes as it grows.
    begun = whole_rounds(short)[1:]
    if begun != long[1 : len(begun) + 1]:
        raise MweError(
            f"{where} holds another tree under a name that is there already: write it with another -T seed=."
        )
    return long


def whole_rounds(nodes: Sequence[Node]) -> list[Node]:
    """A tree without the round that a budget cut short: with more of it that round comes out otherwise."""
    cut = {node.round for node in nodes if node.reason == BUDGET_SPENT}
    return [node for node in nodes if node.round not in cut]


def origin_of(path: Path) -> dict[str, Any]:
    """What a log says of its run; raises MweError for one of another task."""
    from inspect_ai.log import read_eval_log

    log = read_eval_log(str(path), header_only=True)
    told = (log.eval.metadata or {}).get("mwe_write")
    if told is None:
        raise MweError(f"{path} is a log of {log.eval.task}, which writes no dataset.")
    return {
        "behaviour": told["behaviour"],
        "run_id": log.eval.run_id,
        "eval_id": log.eval.eval_id,
        "created": log.eval.created,
        "status": log.status,
        "seed": told["seed"],
        "asked for": sum(cell["owed"] for cell in told["cells"]),
        "prompts": told["prompts"],
        "packages": log.eval.packages,
    }


def find_behaviour(name: str) -> Behaviour:
    """The Behaviour of generators/NAME.py; raises MweError where there is none."""
    try:
        found = import_module(f"mwe_tasks.generators.{name}").BEHAVIOUR
    except (ImportError, AttributeError):
        raise MweError(
            f"There is no generators/{name}.py with a BEHAVIOUR, which says what the dataset measures."
        ) from None
    assert isinstance(found, Behaviour)
    return found
