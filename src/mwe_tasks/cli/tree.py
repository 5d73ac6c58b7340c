"""`mwe tree`: what was written, what was picked and why, as a page or in a format of other tools."""

import json
from pathlib import Path
from typing import Literal

import click

from mwe_tasks.errors import MweError
from mwe_tasks.tree import Node, as_jsonl, read_nodes

Format = Literal["html", "bonsai", "jsonl", "text"]
FORMATS: tuple[Format, ...] = ("html", "bonsai", "jsonl", "text")


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The file to write; html needs one.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="html",
    show_default=True,
    help="A page; the format of loom editors; a node a line; or the trunk alone as plain text.",
)
def tree(source: Path, out: Path | None, form: Format) -> None:
    """Draw steered trees as a page: every candidate, what became of it and why.

    SOURCE is a trees.jsonl, a dataset folder that holds one, a bonsai .json file of a loom editor, or a log that a
    writing task left (or a folder of logs). Formats other than html go to stdout without --out.

    \b
    Examples:
      mwe tree logs/ --out tree.html
      mwe tree datasets/NAME --format text
      mwe tree trees.jsonl --format bonsai --out tree.json
    """
    if form == "html" and out is None:
        raise MweError("A page needs a file to go to: add --out tree.html, or choose another --format.")
    nodes = nodes_of(source)
    text = rendered(nodes, form, name=name_of(source))
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise MweError(f"{out} cannot be written: {error.strerror or error}.") from None
    candidates = sum(node.round > 0 for node in nodes)
    click.echo(f"Trees: {len({node.tree for node in nodes})}, candidates: {candidates}, in {out}")


def rendered(nodes: list[Node], form: Format, *, name: str) -> str:
    """The nodes in one of the formats."""
    from mwe_tasks.formats.bonsai import to_bonsai
    from mwe_tasks.formats.plain_text import blocks
    from mwe_tasks.tree_page import tree_page

    match form:
        case "html":
            return tree_page(nodes, name)
        case "bonsai":
            return json.dumps(to_bonsai(nodes, name), ensure_ascii=False, indent=2) + "\n"
        case "jsonl":
            return as_jsonl(nodes)
        case "text":
            return "\n".join(blocks(nodes))


def name_of(source: Path) -> str:
    """What a page is called: the file or folder, and for a trees.jsonl the folder that it stands in."""
    where = source.resolve()
    return where.parent.name if where.name == "trees.jsonl" else where.name


def nodes_of(source: Path) -> list[Node]:
    """The nodes that a source holds; raises MweError where it holds none or cannot be read."""
    from mwe_tasks.formats.inspect_log import nodes_of_log

    if source.is_dir():
        inside = source / "trees.jsonl"
        return read_nodes(inside) if inside.is_file() else nodes_of_folder(source)
    if not source.is_file():
        raise MweError(f"There is no {source}: name a trees.jsonl, a dataset folder, a bonsai .json file, or logs.")
    match source.suffix.lower():
        case ".jsonl":
            return read_nodes(source)
        case ".eval":
            return nodes_of_log(source)
        case ".json":
            return nodes_of_json(source)
    raise MweError(f"{source} is none of what is read here: .jsonl, .json (bonsai), .eval, or a folder.")


def nodes_of_json(path: Path) -> list[Node]:
    """The nodes of a bonsai file, or of a log that is JSON."""
    from mwe_tasks.formats.bonsai import from_bonsai
    from mwe_tasks.formats.inspect_log import nodes_of_log

    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise MweError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise MweError(f"{path} is no JSON: {error}.") from None
    if isinstance(data, dict) and "eval" in data:
        return nodes_of_log(path)
    return from_bonsai(data, str(path))


def nodes_of_folder(folder: Path) -> list[Node]:
    """The nodes of every log of a folder; what was left out or replaced goes to stderr."""
    from mwe_tasks.formats.inspect_log import nodes_of_logs

    nodes, notes = nodes_of_logs(folder)
    if not nodes:
        raise MweError(f"{folder} holds neither a trees.jsonl nor a log with trees. {' '.join(notes[:3])}".rstrip())
    for note in notes:
        click.echo(note, err=True)
    return nodes
