"""Files to records: JSON lines, CSV and Parquet, each value still unjudged.

A fault of the file itself (its encoding, its syntax, its size) raises BadRows here; whether the values make
a row is for `readers` to say. Accepted without a word: a UTF-8 byte order mark, CRLF, blank lines.
"""

import contextlib
import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from mwe_tasks.errors import BadRows, MweError

MAX_LINE_BYTES = 2**20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FORMULA = "[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""What a spreadsheet may take for the beginning of a formula, full-width forms included."""


class Record(NamedTuple):
    """The values of one row as they stand in a file, and where they stand."""

    place: str
    values: Mapping[str, Any]


def read_records(path: Path) -> list[Record]:
    """Every record of a JSONL, CSV or Parquet file; raises BadRows where the file cannot be read as one."""
    try:
        records = format_of(path)(path)
    except OSError as error:
        raise MweError(f"{path} cannot be read: {error.strerror or error}.") from None
    if not records:
        found = "none" if path.stat().st_size else "an empty file"
        raise BadRows(str(path), [f"expected at least one row, found {found}"])
    return records


def format_of(path: Path) -> Callable[[Path], list[Record]]:
    """The function that reads a file with this suffix; raises MweError where there is none."""
    if path.suffix.lower() not in FORMATS:
        raise MweError(f"{path} is none of the formats read here: {', '.join(FORMATS)}.")
    return FORMATS[path.suffix.lower()]


def read_jsonl(path: Path) -> list[Record]:
    """One record for each line that is not blank."""
    faults: list[str] = []
    records: list[Record] = []
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            values = json.loads(line, parse_constant=_refuse_constant)
        except RecursionError:
            faults.append(f"line {number}: expected a JSON object, found one nested too deeply")
        except json.JSONDecodeError as error:
            found = f"{error.msg.removesuffix(' at')} at column {error.colno}"
            faults.append(f"line {number}: expected a JSON object, found a fault in it: {found}")
        except ValueError as error:  # a refused constant, or a number of thousands of digits
            faults.append(f"line {number}: expected a JSON object, found a fault in it: {error}")
        else:
            if isinstance(values, dict):
                records.append(Record(f"line {number}", values))
            else:
                faults.append(f"line {number}: expected a JSON object, found {shown(values)}")
    if faults:
        raise BadRows(str(path), faults)
    return records


def read_csv(path: Path) -> list[Record]:
    """One record for each line under the header; an empty cell is a missing value."""
    reader = csv.reader((line for _, line in _lines(path)), strict=True)
    faults: list[str] = []
    records: list[Record] = []
    header: list[str] | None = None
    first = 1
    try:
        for cells in reader:
            number, first = first, reader.line_num + 1
            if not cells:
                continue
            if header is None:
                header = cells
                if len(header) == 1 and ";" in header[0]:
                    faults.append(f"line {number}: expected commas between the columns, found semicolons")
                    break
                if repeated := sorted({name for name in header if header.count(name) > 1}):
                    faults.append(f"line {number}: expected each column once, found {repeated[0]!r} twice")
            elif len(cells) != len(header):
                faults.append(f"line {number}: expected {len(header)} cells as in the header, found {len(cells)}")
            else:
                records.append(Record(f"line {number}", _typed(zip(header, cells, strict=True))))
    except csv.Error as error:
        faults.append(f"line {first}: expected CSV, found a fault in it: {error}")
    if faults:
        raise BadRows(str(path), faults)
    return records


def read_parquet(path: Path) -> list[Record]:
    """One record for each row of the table."""
    import pyarrow
    import pyarrow.parquet

    with path.open("rb") as file:
        try:
            table = pyarrow.parquet.read_table(file).to_pylist()
        except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise BadRows(str(path), [f"expected a whole Parquet file, found a fault in it: {reason}"]) from None
    return [Record(f"row {number}", values) for number, values in enumerate(table, start=1)]


FORMATS: dict[str, Callable[[Path], list[Record]]] = {
    ".jsonl": read_jsonl,
    ".csv": read_csv,
    ".parquet": read_parquet,
}


def guarded(text: str) -> str:
    """The text as a CSV cell that no spreadsheet runs: behind an apostrophe where it begins like a formula."""
    return f"'{text}" if re.match(f"'*{FORMULA}", text) else text


def unguarded(cell: str) -> str:
    """The text that a cell stands for: without the apostrophe that `guarded` puts before what begins like a formula."""
    return cell[1:] if re.match(f"'+{FORMULA}", cell) else cell


def shown(value: object) -> str:
    """A value in an error: short, and by its kind where it is not a plain one."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "an object"
        case list():
            return "a list"
        case str() if len(value) > 60:
            return repr(value[:60]) + "..."
        case _:
            return repr(value)


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Each line with its number, its line ending kept; never holds more than `MAX_LINE_BYTES` of a line."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                found = f"line {number}: expected at most {MAX_LINE_BYTES:,} bytes on a line, found more"
                raise BadRows(str(path), [found])
            if number == 1:
                line = line.removeprefix(BYTE_ORDER_MARK)
            try:
                yield number, line.decode("utf-8")
            except UnicodeDecodeError as error:
                found = f"found 0x{line[error.start]:02x} as byte {error.start + 1}"
                raise BadRows(str(path), [f"line {number}: expected UTF-8, {found} of the line"]) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _typed(cells: Iterator[tuple[str, str]]) -> dict[str, Any]:
    """The cells that hold something, the one numeric column as a number where it is one."""
    values: dict[str, Any] = {name: unguarded(cell) for name, cell in cells if cell}
    with contextlib.suppress(KeyError, ValueError):  # absent, or text that the row's own rule will name
        values["label_confidence"] = float(values["label_confidence"])
    return values
