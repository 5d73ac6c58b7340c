"""Any source of questions to a Dataset: every row of it, or one error that names each bad row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mwe_tasks.errors import BadRows
from mwe_tasks.records import Record, read_records, shown
from mwe_tasks.rows import Row, checksum, faults_between, find_labels
from mwe_tasks.sources import locate, split_files

REQUIRED = ("question", "answer_matching_behavior", "answer_not_matching_behavior")
EXPECTED = {
    "question": "text",
    "answer_matching_behavior": "a label behind one leading space, such as ' Yes'",
    "answer_not_matching_behavior": "a label behind one leading space, such as ' Yes'",
    "label_confidence": "a number from 0 to 1",
}


@dataclass(frozen=True)
class Dataset:
    """The rows of one split, with what joins and names them."""

    rows: tuple[Row, ...]
    name: str
    """The folder's, the file's stem, or ORG/NAME."""
    split: str
    checksum: str
    """The sha256 of the split's file as it stood on disk."""
    labels: tuple[str, str]
    """The two answers without their space; ("Yes", "No") in that order."""
    where: str
    """The path, or hf:ORG/NAME@COMMIT."""
    ignored_columns: tuple[str, ...] = ()
    """Columns of the file that are no field of a row, and so were not read."""


def read_rows(source: str | Path, split: str = "test") -> Dataset:
    """The dataset behind a file, a folder, a name in `datasets/` or hf:ORG/NAME@REVISION.

    Raises MweError where the source names nothing that can be read, and BadRows, with every fault, where
    what it names is no dataset; nothing is read partially.
    """
    found = locate(source, split)
    records = read_records(found.path)
    rows = build_rows(records, found.where)
    columns = dict.fromkeys(name for record in records for name in record.values)
    return Dataset(
        rows=rows,
        name=found.name,
        split=found.split,
        checksum=checksum(found.path),
        labels=find_labels(rows),
        where=found.where,
        ignored_columns=tuple(name for name in columns if name not in Row.model_fields),
    )


def read_splits(folder: Path) -> dict[str, Dataset]:
    """Every split of a dataset folder, by name; raises MweError (BadRows for bad rows) where one cannot be read."""
    return {split: read_rows(folder, split) for split in split_files(folder)}


def build_rows(records: Sequence[Record], where: str) -> tuple[Row, ...]:
    """The rows that records hold; raises BadRows with a sentence for each fault in and between them."""
    if faults := list(_missing_columns(records)):
        raise BadRows(where, faults)
    rows: list[Row] = []
    places: list[str] = []
    broken: set[str] = set()
    for record in records:
        known = {name: value for name, value in record.values.items() if name in Row.model_fields}
        try:
            rows.append(Row.model_validate(known))
            places.append(record.place)
        except ValidationError as error:
            faults += [f"{record.place}, {fault}" for fault in _sentences(error)]
            broken.add(str(known.get("pair_id")))
    faults += faults_between(rows, places, unpaired=broken)
    if faults:
        raise BadRows(where, faults)
    return tuple(rows)


def _missing_columns(records: Sequence[Record]) -> Iterable[str]:
    """A column that no record has is one fault, not one for each record."""
    columns = dict.fromkeys(name for record in records for name in record.values)
    for name in REQUIRED:
        if name not in columns:
            found = ", ".join(shown(column) for column in list(columns)[:20]) or "none"
            yield f"expected a column {name}, found only {found}"


def _sentences(error: ValidationError) -> Iterable[str]:
    for detail in error.errors(include_url=False):
        if detail["type"] == "value_error":  # Row's own rules, already sentences
            yield from str(detail["ctx"]["error"]).split("\n")
        else:
            name = str(detail["loc"][0])
            found = "nothing" if detail["type"] == "missing" else shown(detail["input"])
            yield f"{name}: expected {EXPECTED.get(name, 'text or nothing')}, found {found}"
