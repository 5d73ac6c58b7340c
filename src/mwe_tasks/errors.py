"""What a user is told when something they gave does not fit.

MweError            one sentence: what is wrong and what would do instead; exit code 2
├── UnknownName     a name that is none of the known ones
├── BadRows         rows that break the schema, all of them at once
└── MadeOtherwise   batches that were scored in another way (`parts`)
"""

import ast
import re
from collections.abc import Iterable, Sequence

import click

LONGEST = 400
"""Characters of an error that are shown on one line, at most."""
WRITTEN = re.compile(r"""\w+\(('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\)""", re.S)
"""An exception as Python shows it: NAME('text')."""
DEFECTS = (LookupError, TypeError, AttributeError, AssertionError, NameError)
"""What Python raises of code that is wrong."""
SENTENCE = re.compile(r"(?<=[.!?])\s")


def printable(text: str) -> str:
    """Text without anything that a terminal would obey: data and names may be somebody else's."""
    return text if text.isprintable() else ascii(text)


class MweError(click.ClickException):
    """A user's mistake and what would do instead; `mwe` and `inspect eval` print one line and exit 2."""

    exit_code = 2


def sentence_of(error: Exception) -> str:
    """What an error of ours says, or the first sentence of another's; with its class where it is a defect of code."""
    if isinstance(error, MweError):
        return error.message
    if isinstance(error, DEFECTS):
        return on_one_line(f"{type(error).__name__}: {error} (a defect: please report it)")
    return first_sentence(str(error) or type(error).__name__)


def first_sentence(text: str) -> str:
    """The first sentence of an error, on one line, without Inspect's markup and the name of the error's class."""
    if written := WRITTEN.fullmatch(text.strip()):
        text = str(ast.literal_eval(written[1]))
    plain = re.sub(r"\[/?(?:bold|blue|red|italic)\]", "", text).strip().removeprefix("ERROR: ")
    return on_one_line(SENTENCE.split(" ".join(re.sub(r"\n\s*\n", ": ", plain).split()))[0])


def on_one_line(text: str) -> str:
    """An error's text on one line of a terminal, cut where it is long, without the full stop at its end."""
    return printable(" ".join(text.split())[:LONGEST]).rstrip(".") or "no reason was given"


class UnknownName(MweError):
    """A name that is none of the known ones; the message lists those."""

    def __init__(self, kind: str, name: object, *, known: Iterable[object]) -> None:
        names = ", ".join(str(one) for one in known)
        there = f"There are: {names}." if names else "There are none yet."
        super().__init__(f"No {kind} is named {str(name)!r}. {there}")


class BadRows(MweError):
    """Rows that break the schema; `faults` holds one sentence each, the message the first 20."""

    def __init__(self, where: str, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        shown = "\n".join(f"  {fault}" for fault in faults[:20])
        more = f"\n  and {len(faults) - 20} more" if len(faults) > 20 else ""
        rows = "fault" if len(faults) == 1 else "faults"
        super().__init__(f"{where}: {len(faults)} {rows}, nothing was read.\n{shown}{more}")
