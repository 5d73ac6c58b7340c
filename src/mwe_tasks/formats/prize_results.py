"""What the Inverse Scaling Prize's pipeline writes of one model on a classification task: CSV, a line a question.

index            counts the questions; their text is not in the file
loss             -ln of the label's share of the two classes' probability, nats
correct          1 where the likelier class is the label, else 0
predicted        the likelier class: " Yes"
total_logprob    ln of the two classes' probability together, nats

A class is read as it stands in the prompt's continuation (" Yes"), no other spelling of it.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from mwe_tasks.errors import BadRows
from mwe_tasks.records import read_records, shown

COLUMNS = ("index", "loss", "correct", "predicted", "total_logprob")
ROUNDING = 1e-6
"""Of the pipeline's 32-bit numbers near 1."""
FLOOR = 24 * math.log(2)
"""32 bits round a loss to 0 where the log odds are above this, nats."""


class Line(NamedTuple):
    """One question."""

    number: int
    """Its index."""
    loss: float
    correct: bool
    predicted: str
    """Without its space."""
    total_logprob: float


def read(path: Path) -> list[Line]:
    """The lines of a file in the order of their index; raises BadRows with every fault of it."""
    records = read_records(path)
    columns = {name for record in records for name in record.values}
    if missing := [name for name in COLUMNS if name not in columns]:
        found = ", ".join(sorted(columns)) or "none"
        raise BadRows(str(path), [f"expected a column {name}, found only {found}" for name in missing])
    faults: list[str] = []
    lines: list[Line] = []
    for record in records:
        if found_here := list(_faults(record.values)):
            faults += [f"{record.place}, {fault}" for fault in found_here]
        else:
            lines.append(_line(record.values))
    counts = Counter(line.number for line in lines)
    faults += [f"index: expected each once, found {index} {n} times" for index, n in counts.items() if n > 1]
    if faults:
        raise BadRows(str(path), faults)
    return sorted(lines)


def logodds_of_label(loss: float) -> tuple[float, float | None]:
    """The interval of ln P(label) - ln P(other) of a loss, nats: -ln(expm1(loss)), open above where the loss is 0."""
    if loss == 0:
        return FLOOR, None
    # ln(expm1(loss)), which alone would overflow
    value = -(loss + math.log(-math.expm1(-loss)))
    return value, value


def label_of(line: Line, labels: tuple[str, str]) -> str:
    """The label that a line implies: the predicted one where that is correct, else the other of the two."""
    other = labels[1] if line.predicted == labels[0] else labels[0]
    return line.predicted if line.correct else other


def _line(values: Mapping[str, Any]) -> Line:
    return Line(
        number=int(values["index"]),
        loss=float(values["loss"]),
        correct=float(values["correct"]) == 1,
        predicted=values["predicted"].strip(),
        total_logprob=float(values["total_logprob"]),
    )


def _faults(values: Mapping[str, Any]) -> Iterable[str]:
    """A sentence for each value that is none of those the pipeline writes."""
    index, predicted = values.get("index"), values.get("predicted")
    loss, correct, total = (_number(values.get(name)) for name in ("loss", "correct", "total_logprob"))
    if not (isinstance(index, str) and index.strip().isdecimal() and len(index) < 10):
        yield f"index: expected a whole number, found {shown(index)}"
    if loss is None or loss < 0:
        yield f"loss: expected a number of nats, 0 or more, found {shown(values.get('loss'))}"
    if correct not in (0, 1):
        yield f"correct: expected 0 or 1, found {shown(values.get('correct'))}"
    elif loss is not None and abs(loss - math.log(2)) > ROUNDING and (loss < math.log(2)) != bool(correct):
        yield f"correct: expected {1 - correct:.0f} with a loss of {loss:.6g} (ln 2 is a tie), found {correct:.0f}"
    if not isinstance(predicted, str) or not predicted.strip() or _number(predicted) is not None:
        yield f"predicted: expected a label such as ' Yes', found {shown(predicted)}"
    if total is None or total > ROUNDING:
        found = shown(values.get("total_logprob"))
        yield f"total_logprob: expected the ln of a probability, 0 or less, found {found}"


def _number(value: object) -> float | None:
    """A finite number from a cell; None where it is none."""
    try:
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
