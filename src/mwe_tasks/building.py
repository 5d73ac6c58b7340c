"""Logs of writing tasks, and what a folder holds already, to a dataset folder with its card, checked."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from mwe_tasks.behaviour import Behaviour
from mwe_tasks.card import card
from mwe_tasks.dataset import Built, assemble, write_dataset
from mwe_tasks.errors import MweError
from mwe_tasks.findings import Report
from mwe_tasks.formats.inspect_log import Trees, by_tree, logs_in, trees_of_log
from mwe_tasks.quality import check
from mwe_tasks.readers import read_rows
from mwe_tasks.tree import read_nodes


def build_dataset(logs: Sequence[str | Path], out: Path) -> tuple[Built, Report | None]:
    """Writes the dataset of some logs' trees, and of those that the folder holds; gives the check of its test split.

    The check is None where no fact passed. Raises MweError for logs without trees, of two behaviours, or with trees
    that differ from those of the same name in the folder.
    """
    if (out / "data").exists() and not (out / "trees.jsonl").is_file():
        raise MweError(f"{out} holds a dataset that was not built from logs, and would be lost: name another folder.")
    trees: Trees = by_tree(read_nodes(out / "trees.jsonl")) if (out / "trees.jsonl").is_file() else {}
    known = dict(trees)
    behaviours: set[str] = set()
    provenance: list[dict[str, Any]] = []
    for path in [inside for log in logs for inside in logs_in(Path(log))]:
        found, origin = trees_of_log(path), origin_of(path)
        behaviours.add(origin["behaviour"])
        provenance.append(origin)
        for tree, nodes in found.items():
            if tree in known and known[tree] != nodes:
                raise MweError(
                    f"{path} holds another tree under a name that {out} has already: write it with another -T seed=."
                )
        trees |= found
    if len(behaviours) != 1:
        raise MweError(f"These logs are of {' and '.join(sorted(behaviours))}: build one behaviour at a time.")
    behaviour = find_behaviour(behaviours.pop())
    nodes = [node for members in trees.values() for node in members]
    built = assemble(nodes)
    write_dataset(out, nodes, built, behaviour=behaviour.name, logs=provenance)
    rows = built.splits["test"]
    report = check(read_rows(str(out))) if rows else None
    if report is not None:
        (out / "README.md").write_text(card(out, behaviour, report), encoding="utf-8")
    return built, report


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
        "prompts": told["prompts"],
        "packages": log.eval.packages,
    }


def find_behaviour(name: str) -> Behaviour:
    """The Behaviour of generators/NAME.py; raises MweError where there is none."""
    try:
        found = import_module(f"mwe_tasks.generators.{name}").BEHAVIOUR
    except (ImportError, AttributeError):
        raise MweError(f"There is no generators/{name}.py with a BEHAVIOUR, which the card is written from.") from None
    assert isinstance(found, Behaviour)
    return found
