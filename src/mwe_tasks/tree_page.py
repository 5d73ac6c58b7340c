"""Trees to one self-contained page that shows every candidate and why it was picked or not."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from importlib.resources import files

from mwe_tasks.tree import Node

UNSAFE = {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
"""What could end the element that holds the data, or be read as markup, and how JSON writes it instead."""


def tree_page(nodes: Sequence[Node], title: str) -> str:
    """The page: works from file://, asks nothing of a network, and shows every text as text.

    Its policy allows the one script and the one style of the template by their hashes, and nothing else, so that
    markup in a question could not run even if it got into the page.
    """
    template = files("mwe_tasks").joinpath("pages", "tree.html").read_text(encoding="utf-8")
    values = {"policy": policy(template), "title": html.escape(title), "data": data_of(nodes, title)}
    return re.sub(r"\{\{(policy|title|data)\}\}", lambda found: values[found[1]], template)


def policy(template: str) -> str:
    """The Content-Security-Policy that lets nothing but this template's own script and style run."""
    allowed = [
        f"{tag}-src {' '.join(hash_of(text) for text in re.findall(f'<{tag}>(.*?)</{tag}>', template, re.DOTALL))}"
        for tag in ("script", "style")
    ]
    return "; ".join(["default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'"])


def hash_of(text: str) -> str:
    """A text's hash as a Content-Security-Policy writes it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def data_of(nodes: Sequence[Node], title: str) -> str:
    """Nodes as JSON that can stand inside a script element; fields left at their defaults are left out."""
    plain = json.dumps({"title": title, "nodes": [node.model_dump(exclude_defaults=True) for node in nodes]})
    # JSON has no NaN or Infinity, and a browser refuses them: they are shown by their names.
    text = json.dumps(json.loads(plain, parse_constant=str), separators=(",", ":"))
    return "".join(UNSAFE.get(character, character) for character in text)
