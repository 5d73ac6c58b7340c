"""The Inverse Scaling Prize's files: CSV, or JSON lines of the same keys.

classification   prompt, classes, answer_index: the right class. The matching answer is the other one, towards which the
                 task is expected to draw larger models
logodds          with other_prompt: two prompts of one question. They become twins, whose mean log odds of the matching
                 answer are half of the prize's logodds_difference, lo(answer | prompt) - lo(answer | other_prompt)
sequence_prob    prompt, completion: read where the file has two completions in all, else refused
"""

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mwe_tasks.errors import BadRows, MweError
from mwe_tasks.foreign import Format, LeftOut, Read, Rendered, csv_file, lost, spaced, unread, unwrap, wrap
from mwe_tasks.readers import Dataset
from mwe_tasks.records import Record, read_records, shown
from mwe_tasks.rows import row_id

COLUMNS = ("prompt", "classes", "answer_index")
SEQUENCE = ("prompt", "completion")


class Example(NamedTuple):
    """One line of a file with classes."""

    place: str
    prompt: str
    other_prompt: str | None
    answer: str
    """The class that answer_index names, behind one space."""
    other: str


def read(path: Path) -> Read:
    """The records of a file of any of the three kinds.

    Raises BadRows where the file cannot be read, and MweError where a prompt is its own control, or where completions
    are no two labels.
    """
    records = read_records(path)
    columns = {name for record in records for name in record.values}
    if "completion" in columns and "classes" not in columns:
        return read_sequences(records, path)
    examples, left_out = read_examples(records, path)
    if "other_prompt" in columns:
        return read_logodds(examples, left_out, unread(records, (*COLUMNS, "other_prompt")), path)
    kept = [
        Record(example.place, asked(example.prompt, example.other, example.answer) | {"truth": example.answer[1:]})
        for example in examples
    ]
    rule = "answer_index is read as the truth, and the other class as the answer that matches the behaviour"
    return Read(kept, left_out, [rule, *unread(records, COLUMNS)])


def asked(prompt: str, matching: str, other: str) -> dict[str, Any]:
    """A prompt as the keys of a row."""
    question, source = unwrap(prompt)
    answers = {"answer_matching_behavior": matching, "answer_not_matching_behavior": other}
    return {"question": question, **answers, "source": source}


def read_examples(records: Sequence[Record], path: Path) -> tuple[list[Example], list[LeftOut]]:
    """The lines with two classes, and those with more or fewer; raises BadRows with every fault."""
    columns = {name for record in records for name in record.values}
    if missing := [name for name in COLUMNS if name not in columns]:
        found = ", ".join(map(repr, sorted(columns)))
        raise BadRows(str(path), [f"expected a column {name}, found only {found}" for name in missing])
    examples: list[Example] = []
    left_out: list[LeftOut] = []
    faults: list[str] = []
    for record in records:
        prompt, other_prompt = record.values.get("prompt"), record.values.get("other_prompt")
        classes, index = classes_of(record.values.get("classes")), index_of(record.values.get("answer_index"))
        if not isinstance(prompt, str) or not isinstance(other_prompt, str | None):
            faults.append(f"{record.place}, prompt: expected text, found {shown(prompt)}")
        elif classes is None:
            found = shown(record.values.get("classes"))
            faults.append(f"{record.place}, classes: expected a list of texts such as [' Yes', ' No'], found {found}")
        elif index is None or index not in range(len(classes)):
            found = shown(record.values.get("answer_index"))
            faults.append(f"{record.place}, answer_index: expected a number that counts a class from 0, found {found}")
        elif len(classes) != 2:
            left_out.append(LeftOut(record.place, f"{len(classes)} classes, and a row has two labels"))
        else:
            examples.append(Example(record.place, prompt, other_prompt, classes[index], classes[1 - index]))
    if faults:
        raise BadRows(str(path), faults)
    return examples, left_out


def classes_of(value: object) -> list[str] | None:
    """The classes behind one space each, from a list or from the text of one; None where it is none."""
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) and each.strip() for each in value):
        return None
    return [str(spaced(each)) for each in value]


def index_of(value: object) -> int | None:
    """A whole number, also as text; None where it is none."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def read_logodds(examples: Sequence[Example], left_out: Sequence[LeftOut], notes: list[str], path: Path) -> Read:
    """Each prompt and its control as twins with opposite matching answers; raises MweError where they are the same."""
    refuse_equal_prompts(examples, path)
    kept: list[Record] = []
    dropped = list(left_out)
    for example in examples:
        if example.other_prompt is None:
            dropped.append(LeftOut(example.place, "no other_prompt"))
            continue
        twins = (
            asked(example.prompt, example.answer, example.other),
            asked(example.other_prompt, example.other, example.answer),
        )
        pair_id = min(row_id(twin["question"]) for twin in twins)
        kept += [Record(example.place, {**twin, "pair_id": pair_id}) for twin in twins]
    rule = "prompt and other_prompt are twins: their mean log odds of the matching answer are half of the difference"
    return Read(kept, dropped, [rule, *notes])


def refuse_equal_prompts(examples: Sequence[Example], path: Path) -> None:
    """Raises MweError where a prompt is its own control."""
    equal = [
        example
        for example in examples
        if example.other_prompt is not None
        and row_id(unwrap(example.prompt)[0]) == row_id(unwrap(example.other_prompt)[0])
    ]
    if equal:
        raise MweError(
            f"{path}: other_prompt equals prompt in {len(equal)} of {len(examples)} rows (first: {equal[0].place}), so"
            " the difference of their log odds is zero by construction and measures nothing. Give a control prompt"
            " that differs, or leave the column other_prompt out and score with -T frame=opinion, whose neutral"
            " sentence is a control."
        )


def read_sequences(records: Sequence[Record], path: Path) -> Read:
    """Prompts whose completions are two in the whole file: the completion is the truth; raises BadRows for no text."""
    faults = [
        f"{record.place}, {column}: expected text, found {shown(record.values.get(column))}"
        for record in records
        for column in SEQUENCE
        if not isinstance(record.values.get(column), str)
    ]
    if faults:
        raise BadRows(str(path), faults)
    found = {str(record.values["completion"]).strip() for record in records}
    if len(found) != 2 or "" in found:
        raise MweError(
            f"{path} is of the kind sequence_prob, with {len(found)} different completions: a probability of one text"
            " is no choice between two labels, and log odds need two. Give columns prompt, classes and answer_index."
        )
    first, second = sorted(found)
    other = {first: second, second: first}
    kept = []
    for record in records:
        truth = str(record.values["completion"]).strip()
        values = asked(str(record.values["prompt"]), f" {other[truth]}", f" {truth}")
        kept.append(Record(record.place, values | {"truth": truth}))
    return Read(kept, (), ["the completion is read as the truth", *unread(records, SEQUENCE)])


def render(data: Dataset) -> Rendered:
    """The rows that have a truth, as a classification file; raises MweError where none has."""
    known = [row for row in data.rows if row.truth is not None]
    if not known:
        raise MweError(f"No row of {data.name} has a truth, and answer_index is one: export to anthropic instead.")
    classes = repr([f" {label}" for label in data.labels])
    place = {label: index for index, label in enumerate(data.labels)}
    file = csv_file(COLUMNS, ((wrap(row), classes, place[str(row.truth)]) for row in known))
    notes: Mapping[str, int] = {
        "rows without a truth are not in it": len(data.rows) - len(known),
        "control rows read back as behaviour rows: the format does not say which answer matches": sum(
            bool(row.control) for row in known
        ),
    }
    told = [f"{count} {text}" for text, count in notes.items() if count]
    held = ("question", "answer_matching_behavior", "answer_not_matching_behavior", "truth")
    return Rendered(file.files, [*file.notes, *told, *lost(known, held)])


FORMAT = Format(read, render, ".csv")
