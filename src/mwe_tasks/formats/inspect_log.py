"""Trees out of Inspect logs: a writing task keeps each sample's nodes in its store, under "tree"."""

from pathlib import Path
from urllib.parse import unquote

from pydantic import ValidationError

from mwe_tasks.errors import MweError
from mwe_tasks.tree import Node

Trees = dict[str, list[Node]]
"""The nodes of each tree, by its id."""

UNUSED = {"messages", "events", "events_data", "attachments", "output", "timelines"}
"""The bulk of a log, which a store refers to nowhere."""


def nodes_of_log(path: Path) -> list[Node]:
    """The nodes of one log, whatever became of the run; raises MweError where it has none."""
    return [node for members in trees_of_log(path).values() for node in members]


def nodes_of_logs(folder: Path) -> tuple[list[Node], list[str]]:
    """The nodes of every log of a folder, each tree as the last log has it, and a sentence for what that leaves out.

    The names of logs begin with the time of their run: the last by name is the latest.
    """
    trees: Trees = {}
    notes: list[str] = []
    for path in logs_in(folder):
        try:
            found = trees_of_log(path)
        except MweError as error:
            notes.append(f"Left out: {error.message}")
            continue
        if again := found.keys() & trees.keys():
            notes.append(f"Replaced: {len(again)} trees of earlier logs by those of {path}.")
        trees |= found
    return [node for members in trees.values() for node in members], notes


def logs_in(path: Path) -> list[Path]:
    """A log itself, or those of a folder, the earliest first; raises MweError where there is none."""
    from inspect_ai.log import list_eval_logs

    if path.is_file():
        return [path]
    if not path.is_dir():
        raise MweError(f"There is no log {path}: `inspect eval` prints where it wrote one.")
    return [
        Path(each) for each in sorted(unquote(info.name.removeprefix("file://")) for info in list_eval_logs(str(path)))
    ]


def trees_of_log(path: Path) -> Trees:
    """The trees in the stores of a log's samples; of one that stands in several samples, the last."""
    from inspect_ai.log import read_eval_log

    try:
        log = read_eval_log(str(path), exclude_fields=UNUSED)
    except Exception as error:  # Inspect raises whatever its zip and JSON readers do
        raise MweError(f"{path} is no Inspect log, or was cut short: {str(error)[:200]}") from None
    trees: Trees = {}
    for sample in log.samples or []:
        if "tree" in sample.store:
            trees |= by_tree(stored_nodes(sample.store["tree"], f"{path}, sample {sample.id}"))
    if not trees:
        raise MweError(f"{path} holds no trees: it is a log of {log.eval.task}, which left none.")
    return trees


def stored_nodes(stored: object, where: str) -> list[Node]:
    """The nodes as a store holds them."""
    values = stored.get("nodes") if isinstance(stored, dict) else None
    if not isinstance(values, list):
        raise MweError(f'{where}: expected a list of nodes in the store under "tree", found none.')
    try:
        return [Node.model_validate(value) for value in values]
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "node"
        raise MweError(f"{where}: expected nodes of a tree, found a fault in one: {field}: {first['msg']}.") from None


def by_tree(nodes: list[Node]) -> Trees:
    """The nodes of each tree, in their order."""
    trees: Trees = {}
    for node in nodes:
        trees.setdefault(node.tree, []).append(node)
    return trees
