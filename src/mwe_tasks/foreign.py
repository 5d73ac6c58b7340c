"""What formats of other projects share: how one is read and written, and how prompts become questions and back.

A module in `formats/` that reads or writes datasets has a constant FORMAT; `exchange` lists them.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mwe_tasks.errors import BadRows
from mwe_tasks.readers import Dataset
from mwe_tasks.records import Record, guarded, read_records
from mwe_tasks.rows import Row, row_id

PUT_BY_US = ("Question: ", "\nAnswer:")
"""What completion template 0 puts around a question, and so what an export puts around one of ours."""
MARK = "in "
"""Begins a row's source that holds the words which stood around its question: in ["Question: ", "\\nAnswer:"]."""
CHOICES = ("(A)", "(B)")


class LeftOut(NamedTuple):
    """A sound record that is no row, and why; the reason names no place, so that reasons can be counted."""

    place: str
    reason: str


class Read(NamedTuple):
    """What a foreign file holds: records with the keys of a row, what is left out, and what a row cannot hold."""

    records: Sequence[Record]
    left_out: Sequence[LeftOut] = ()
    notes: Sequence[str] = ()
    """Sentences without a full stop."""


class Rendered(NamedTuple):
    """Rows in a foreign format: file names under the target and their bytes ("" is the target), and what is lost."""

    files: Mapping[str, bytes]
    notes: Sequence[str] = ()


class Format(NamedTuple):
    """How a foreign format is read and written; None where it is not. `suffix` is "" for a folder."""

    read: Callable[[Path], Read] | None
    render: Callable[[Dataset], Rendered] | None
    suffix: str


def read_each(
    path: Path, columns: Iterable[str], read_one: Callable[[Record], Sequence[Record] | LeftOut | str]
) -> Read:
    """What a file's records are as those of rows, one by one; text is a fault, and BadRows is raised with them all."""
    records = read_records(path)
    kept: list[Record] = []
    left_out: list[LeftOut] = []
    faults: list[str] = []
    for record in records:
        found = read_one(record)
        if isinstance(found, str):
            faults.append(f"{record.place}: {found}")
        elif isinstance(found, LeftOut):
            left_out.append(found)
        else:
            kept += found
    if faults:
        raise BadRows(str(path), faults)
    return Read(kept, left_out, unread(records, columns))


def unwrap(prompt: str) -> tuple[str, str]:
    """The question in a prompt and, for the row's source, what stood around it: "Question: " and "Answer:".

    Our templates put such words themselves; `wrap` puts back what was there.
    """
    before = next((words for words in ("Question: ", "Q: ") if prompt.startswith(words)), "")
    rest = prompt[len(before) :]
    question = rest
    for word in ("Answer:", "A:"):
        body = rest.rstrip().removesuffix(word)
        if body != rest.rstrip() and "\n" in body[len(body.rstrip()) :]:
            question = body.rstrip()
            break
    if not question.strip():
        return prompt, f'{MARK}["", ""]'
    return question, MARK + json.dumps([before, rest[len(question) :]])


def wrap(row: Row, around: tuple[str, str] = PUT_BY_US) -> str:
    """The prompt that a row's question was taken from; where its source does not say, the question inside `around`."""
    before, after = stood_around(row.source) or around
    return f"{before}{row.question}{after}"


def stood_around(source: str) -> tuple[str, str] | None:
    """The words before and after a question that a row's source holds; None where it says something else."""
    if not source.startswith(MARK):
        return None
    try:
        found = json.loads(source.removeprefix(MARK))
    except ValueError:
        return None
    if not isinstance(found, list) or len(found) != 2 or not all(isinstance(words, str) for words in found):
        return None
    return found[0], found[1]


def other_words(rows: Sequence[Row]) -> list[str]:
    """One sentence on the prompts of a file that no template of ours asks as they stood there, if there are any."""
    found = Counter(around for row in rows if (around := stood_around(row.source)) not in (None, PUT_BY_US))
    if not found:
        return []
    before, after = found.most_common(1)[0][0]
    told = f"mostly {before!r} before and {after!r} after the question"
    return [f"{found.total()} prompts are asked in our templates' words; their own ({told}) are only kept in source"]


def spaced(label: object) -> object:
    """A label behind one space, whether or not the file has the space; anything but text as it is."""
    return f" {label.strip()}" if isinstance(label, str) and label.strip() else label


def both_orders(
    place: str, question: str, *, right: str, wrong: str, matching: str, **fields: Any
) -> tuple[Record, Record]:
    """A question with two answers of its own as twins: the same two choices, (A) and (B), in both orders.

    `matching` is the answer, `right` or `wrong`, of a model that shows the behaviour. Over the twins a leaning
    towards a letter cancels.
    """
    asked = []
    for first, second in ((right, wrong), (wrong, right)):
        letters = {first: CHOICES[0], second: CHOICES[1]}
        other = wrong if matching == right else right
        asked.append(
            {
                "question": f"{question}\n\nChoices:\n {CHOICES[0]} {first}\n {CHOICES[1]} {second}",
                "answer_matching_behavior": f" {letters[matching]}",
                "answer_not_matching_behavior": f" {letters[other]}",
                "truth": letters[right],
                **fields,
            }
        )
    pair_id = min(row_id(each["question"]) for each in asked)
    one, two = (Record(place, {**each, "pair_id": pair_id}) for each in asked)
    return one, two


def unread(records: Iterable[Record], known: Iterable[str]) -> list[str]:
    """One sentence on the columns that a row has no place for, if there are any."""
    columns = dict.fromkeys(name for record in records for name in record.values)
    foreign = [name for name in columns if name not in set(known)]
    return [f"columns that a row has no place for were not read: {', '.join(map(repr, foreign))}"] if foreign else []


def lost(rows: Iterable[Row], held: Iterable[str]) -> list[str]:
    """One sentence on what the target format has no place for, by the number of rows that have it."""
    kept = {"id", *held}
    counts = Counter(
        name
        for row in rows
        for name, value in row
        if name not in kept and value not in (None, "") and not (name == "source" and stood_around(value))
    )
    told = ", ".join(f"{name} ({count} rows)" for name, count in counts.items())
    return [f"the format has no place for {told}"] if told else []


def csv_file(header: Sequence[str], lines: Iterable[Sequence[object]]) -> Rendered:
    """A CSV file in which no cell is a spreadsheet formula; says how many cells stand behind an apostrophe for that."""
    text = [csv_line(header)]
    behind = 0
    for line in lines:
        cells = ["" if value is None else str(value) for value in line]
        safe = [guarded(cell) for cell in cells]
        behind += sum(one != two for one, two in zip(cells, safe, strict=True))
        text.append(csv_line(safe))
    notes = [f"{behind} cells begin like a spreadsheet formula and stand behind an apostrophe"] if behind else []
    return Rendered({"": "".join(text).encode("utf-8")}, notes)


def csv_line(cells: Iterable[str]) -> str:
    """Cells as a line of CSV; in quotes where they hold a line feed or a carriage return, which ends a line too."""
    line = io.StringIO()
    # Before Python 3.13 a carriage return is quoted only by a writer whose own line ending has one.
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().removesuffix("\r\n") + "\n"
