"""A template of pages/ and its data to one self-contained page."""

import base64
import hashlib
import html
import re
from importlib.resources import files

UNSAFE = {character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
"""What could end the element that holds the data, or be read as markup, and how JSON writes it instead."""


def fill(name: str, *, title: str, data: str) -> str:
    """The page: works from file://, asks nothing of a network, and shows every text of its data, JSON, as text.

    Its policy allows the one script and the one style of the template by their hashes, and nothing else, so that
    markup in a question could not run even if it got into the page.
    """
    folder = files("mwe_tasks").joinpath("pages")
    template = folder.joinpath(name).read_text(encoding="utf-8")
    for shared in ("shared.css", "shared.js"):
        template = template.replace(f"{{{{{shared}}}}}", folder.joinpath(shared).read_text(encoding="utf-8"))
    safe = "".join(UNSAFE.get(character, character) for character in data)
    values = {"policy": policy(template), "title": html.escape(title), "data": safe}
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
