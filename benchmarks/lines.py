"""A line of the table of `speed.py`: what was measured how often, against what, and what is required of it."""

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple


class Line(NamedTuple):
    """One ratio or difference, measured in pairs."""

    measured: str
    against: str
    values: Sequence[float]
    """One a pair; none where it could not be measured, for the reason in `note`."""
    required: float | None = None
    """What the median must reach, or must not exceed; None where nothing is asked."""
    most: bool = False
    """Whether `required` is the most that is allowed, rather than the least."""
    every: bool = False
    """Whether each value must be what is required, and not the median alone."""
    note: str = ""
    """The numbers behind a ratio."""

    @property
    def met(self) -> bool | None:
        """Whether the values are what is required; None where nothing is, or nothing was measured."""
        if self.required is None or not len(self.values):
            return None
        judged = self.values if self.every else [statistics.median(self.values)]
        return all(each <= self.required if self.most else each >= self.required for each in judged)

    @property
    def cells(self) -> tuple[str, ...]:
        """The line as it is printed."""
        asked = "" if self.required is None else f"{'<=' if self.most else '>='} {number(self.required)}"
        said = {True: "met", False: "MISSED", None: "" if len(self.values) else "not measured"}[self.met]
        return self.measured, self.against, spread(self.values), asked, said, self.note


def spread(values: Sequence[float]) -> str:
    """The median, and the least and largest."""
    if not len(values):
        return ""
    return f"{number(statistics.median(values))} ({number(min(values))} to {number(max(values))})"


def number(value: Any) -> str:
    """Two digits after the point, or an exponent for what is small."""
    return f"{value:.1e}" if 0 < abs(value) < 0.005 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def show(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    head = ("measured", "against", "median (least to largest)", "required", "", "behind it")
    rows = [head, tuple("---" for _ in head), *(line.cells for line in lines)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
