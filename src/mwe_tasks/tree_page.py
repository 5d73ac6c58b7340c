"""Trees to one self-contained page that shows every candidate and why it was picked or not."""

import json
from collections.abc import Sequence

from mwe_tasks.page import fill
from mwe_tasks.tree import Node


def tree_page(nodes: Sequence[Node], title: str) -> str:
    """The page, as `page.fill` makes it."""
    return fill("tree.html", title=title, data=data_of(nodes, title))


def data_of(nodes: Sequence[Node], title: str) -> str:
    """Nodes as JSON; fields left at their defaults are left out."""
    plain = json.dumps({"title": title, "nodes": [node.model_dump(exclude_defaults=True) for node in nodes]})
    # JSON has no NaN or Infinity, and a browser refuses them: they are shown by their names.
    return json.dumps(json.loads(plain, parse_constant=str), separators=(",", ":"))
