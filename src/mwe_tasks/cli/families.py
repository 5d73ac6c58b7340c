"""`mwe families`: the model families, and one family's members."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mwe_tasks.families import Family, Member

UNKNOWN = "unknown"
UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


@click.command()
@click.argument("name", required=False)
def families(name: str | None) -> None:
    """List the model families, or one family's models and their sizes.

    NAME is a family's name, or a TOML file like those of the package. Sizes are numbers of parameters, rounded to
    three digits; a family whose sizes are not known still has an order.

    \b
    Examples:
      mwe families
      mwe families pythia
      mwe families mine.toml
    """
    from mwe_tasks.families import find_family, known_families

    if name is None:
        found = [find_family(known) for known in known_families()]
        print_columns([("family", "members", "parameters", "roles", "source"), *map(_family_line, found)])
        return
    family = find_family(name)
    click.echo(family.name + (f": {family.note}" if family.note else ""))
    head = ("model", "role", "style", "parameters", "active", "outside embeddings", "tokens", "flags")
    print_columns([head, *map(_member_line, family.members)])
    for source in _sources(family):
        click.echo(f"Source: {source}")


def _family_line(family: "Family") -> tuple[str, ...]:
    roles = ", ".join(dict.fromkeys(member.role for member in family.members))
    return family.name, str(len(family.members)), _range(family), roles, "; ".join(_sources(family)) or UNKNOWN


def _member_line(member: "Member") -> tuple[str, ...]:
    numbers = (member.params_total, member.params_active, member.params_nonembedding, member.training_tokens)
    flags = [
        *([f"estimated ({member.reason})"] if member.estimated else []),
        *(["replay only"] if member.replay_only else []),
        *(["MoE"] if member.moe else []),
        *([member.note] if member.note else []),
    ]
    return member.name, member.role, member.style, *map(_rounded, numbers), "; ".join(flags)


def _range(family: "Family") -> str:
    known = [member.params_total for member in family.members if member.params_total is not None]
    if not known:
        return UNKNOWN
    low, high = _rounded(min(known)), _rounded(max(known))
    return low if low == high else f"{low} to {high}"


def _sources(family: "Family") -> list[str]:
    return list(dict.fromkeys(member.source for member in family.members if member.source))


def _rounded(number: int | None) -> str:
    """A count to three digits with its unit: 70.4M."""
    if number is None:
        return UNKNOWN
    short = float(f"{number:.3g}")
    unit, letter = next(((unit, letter) for unit, letter in UNITS if short >= unit), (1, ""))
    return f"{short / unit:.12g}{letter}"


def print_columns(lines: Sequence[Sequence[str]]) -> None:
    """Prints lines of cells, each column as wide as its widest."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
