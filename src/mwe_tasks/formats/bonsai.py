"""Trees in the bonsai format of loom editors: a JSON object of nodes, edges and the path from root to leaf.

It has no public definition; this is what files of that kind hold. Of a node it keeps the text, its place and whether
it is of the trunk; model, parameters, rank, price, readings and reasons have no place there (trees.jsonl keeps them).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mwe_tasks.errors import BadRows
from mwe_tasks.records import shown
from mwe_tasks.tree import Node, trunk

NEVER = "0"
"""When a node was last visited, in seconds, that no editor has shown yet."""


class BonsaiNode(BaseModel):
    """A node as it stands in a file."""

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    parents: list[str] = Field(alias="parentIds")
    last_visited: str = Field(default=NEVER, alias="lastVisited")
    group: str | None = None
    """ "path" on the trunk."""


def to_bonsai(nodes: Sequence[Node], name: str) -> dict[str, Any]:
    """The trees as one bonsai object, each under its root; its path is that of the first tree.

    The path leads from the root to the last picked node; where a round picked several, all of them are in group
    "path", and those on the way are in `pathNodes`.
    """
    ordered = sorted(nodes, key=lambda node: (node.tree, node.round, node.number))
    children: dict[str, list[str]] = defaultdict(list)
    for node in ordered:
        if node.parent is not None:
            children[node.parent].append(node.id)
    path = path_of([node for node in ordered if node.tree == ordered[0].tree]) if ordered else []
    return {
        "nodes": [written(node, children[node.id]) for node in ordered],
        "edges": [
            {"from": node.parent, "to": node.id, "relation": "parentId"} for node in ordered if node.parent is not None
        ],
        "name": name,
        "pathNodes": path,
        "focusedId": path[-1] if path else None,
    }


def written(node: Node, children: Sequence[str]) -> dict[str, Any]:
    """One node as the format writes it."""
    return {
        "id": node.id,
        "text": node.text,
        "parentIds": [] if node.parent is None else [node.parent],
        "childrenIds": list(children),
        "lastVisited": node.parameters.get("lastVisited", NEVER),
        **({"group": "path"} if node.picked or node.round == 0 else {}),
    }


def path_of(tree: Sequence[Node]) -> list[str]:
    """The ids from a tree's root to its last picked node; of a round with several, to the one with the best rank."""
    known = {node.id: node for node in tree}
    ends = trunk(tree)
    if not ends:
        return []
    at: Node | None = max(ends, key=lambda n: (n.round, n.rank is not None, n.rank or 0.0, -n.number))
    path: list[str] = []
    while at is not None and at.id not in path:
        path.insert(0, at.id)
        at = known.get(at.parent) if at.parent is not None else None
    return path


def from_bonsai(data: object, where: str = "The bonsai file") -> list[Node]:
    """The nodes of a bonsai object, every root the tree of its own id, rounds counted by depth.

    `where` names the file in an error. Raises BadRows where the object is of another form, a node has several parents,
    or one that is not there, or no root leads to it.
    """
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
        raise BadRows(where, ["expected an object with a list of nodes"])
    if not data["nodes"]:
        raise BadRows(where, ["expected at least one node, found none"])
    read, faults = read_bonsai_nodes(data["nodes"])
    if faults := faults or list(faults_of_links(read)):
        raise BadRows(where, faults)
    nodes = planted(read)
    if missing := len(read) - len(nodes):
        raise BadRows(where, [f"expected a root above every node, found none above {missing}"])
    return nodes


def read_bonsai_nodes(values: Iterable[object]) -> tuple[list[BonsaiNode], list[str]]:
    """Every node that can be read, and a sentence for each that cannot."""
    read: list[BonsaiNode] = []
    faults: list[str] = []
    for number, value in enumerate(values, start=1):
        try:
            read.append(BonsaiNode.model_validate(value))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "node"
            faults.append(f"node {number}: {field}: {first['msg']}, found {shown(first['input'])}")
    return read, faults


def faults_of_links(read: Sequence[BonsaiNode]) -> Iterable[str]:
    """A sentence for each node that stands in no tree."""
    counted = Counter(node.id for node in read)
    for node in read:
        if counted[node.id] > 1:
            yield f"node {node.id}: expected each id once, found it {counted[node.id]} times"
        if len(node.parents) > 1:
            yield f"node {node.id}: expected one parent at most, found {len(node.parents)}"
        for parent in node.parents:
            if parent not in counted:
                yield f"node {node.id}: expected a parent that is there, found {parent!r}"


def planted(read: Sequence[BonsaiNode]) -> list[Node]:
    """The nodes from the roots outwards, without those that no root leads to."""
    children: dict[str | None, list[BonsaiNode]] = defaultdict(list)
    for node in read:
        children[node.parents[0] if node.parents else None].append(node)
    nodes: list[Node] = []
    for root in children[None]:
        level, round = [root], 0
        while level:
            nodes += [node_of(node, root.id, round, number) for number, node in enumerate(level)]
            level = [child for node in level for child in children[node.id]]
            round += 1
    return nodes


def node_of(node: BonsaiNode, tree: str, round: int, number: int) -> Node:
    """The node as ours; what the format does not hold stays missing."""
    return Node(
        id=node.id,
        parent=node.parents[0] if node.parents else None,
        tree=tree,
        round=round,
        number=number,
        text=node.text,
        parameters={"lastVisited": node.last_visited},
        picked=node.group == "path" and round > 0,
    )
