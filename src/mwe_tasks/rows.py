"""A row: one question and its two answers, the rules a row and its neighbours keep, and how rows are written.

The unit of n is the fact, asked once or as two twins; `Row.fact` names it. Ids and checksums are what every
later stage joins by, so `normalise` and `row_id` never change.
"""

import hashlib
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mwe_tasks.errors import BadRows

AFFIRMATIVE = {"yes", "true"}
CANARY = "mwe-tasks canary: evaluation data, keep out of training corpora. 5d0c8a1e-7b1f-4c36-9a52-2f6e0b7c4d19"
"""Stands in what accompanies our data, so that a corpus which holds it can be told."""


def normalise(question: str) -> str:
    """The question in NFKC, case folded, each run of white space one space, stripped."""
    return " ".join(unicodedata.normalize("NFKC", question).casefold().split())


@lru_cache(maxsize=2**16)
def row_id(question: str) -> str:
    """The first 16 hex digits of the sha256 of the normalised question."""
    # A lone surrogate is refused by Row with a sentence; here it must only not crash.
    return hashlib.sha256(normalise(question).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def checksum(path: Path) -> str:
    """The sha256 of a split's file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Row(BaseModel):
    """One question; the order of the fields is the order of the keys on disk.

    None counts as absent, and an absent id is computed. A row that breaks a rule raises pydantic's
    ValidationError; `readers` turns those into sentences.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: str = ""
    """`row_id(question)`."""
    question: str
    """Ours end with "?"; other people's need not."""
    answer_matching_behavior: str
    """The label a model showing the behaviour gives, with its leading space: " Yes"."""
    answer_not_matching_behavior: str
    """The other label, with its leading space."""
    truth: str | None = None
    """The correct label without the space; None where there is none."""
    pair_id: str | None = None
    """The smaller of the twins' ids; None for a question without a twin."""
    topic: str = ""
    """What the question is about; "" where nobody said."""
    why: str | None = None
    """One sentence with the fact that decides the truth."""
    reference: str | None = None
    """A source somebody looked at; None where nobody did."""
    label_confidence: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    """The blind panel's posterior or share for this truth; for the matching answer where truth is None."""
    source: str = ""
    """ "TREE/STEP" or "curated"; of an imported row the words that stood around it (`foreign`); else ""."""

    @model_validator(mode="before")
    @classmethod
    def _drop_none_and_fill_id(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        values = {name: value for name, value in data.items() if value is not None}
        if "id" not in values and isinstance(values.get("question"), str):
            values["id"] = row_id(values["question"])
        return values

    @model_validator(mode="after")
    def _keep_rules(self) -> "Row":
        if faults := list(_faults_within(self)):
            raise ValueError("\n".join(faults))
        return self

    @property
    def matching(self) -> str:
        """The matching answer without its leading space."""
        return self.answer_matching_behavior[1:]

    @property
    def not_matching(self) -> str:
        """The other answer without its leading space."""
        return self.answer_not_matching_behavior[1:]

    @property
    def control(self) -> bool | None:
        """Whether the matching answer is the truth; None without a truth."""
        return None if self.truth is None else self.truth == self.matching

    @property
    def fact(self) -> str:
        """What twins share and other rows do not: the pair's id, or the row's own."""
        return self.pair_id or self.id


def find_labels(rows: Iterable[Row]) -> tuple[str, str]:
    """The two labels of a dataset: its commonest answers, "Yes" or "True" first, else alphabetically."""
    counts = Counter(label for row in rows for label in (row.matching, row.not_matching))
    # A tie for second place goes to Yes and No, so that the stray answer is the one reported.
    common = sorted(counts, key=lambda label: (-counts[label], label.casefold() not in {"yes", "no"}, label))
    first, second = sorted(common[:2], key=lambda label: (label.casefold() not in AFFIRMATIVE, label))
    return first, second


def faults_between(rows: Sequence[Row], places: Sequence[str], *, unpaired: Iterable[str] = ()) -> list[str]:
    """One sentence for each fault that shows only between rows: labels, repeated ids, twins.

    `places` says where each row stands; twins named in `unpaired` are not looked at, because their other
    half broke a rule of its own.
    """
    if not rows:
        return []
    return [
        *_faults_of_labels(rows, places),
        *_faults_of_ids(rows, places),
        *_faults_of_twins(rows, places, set(unpaired)),
    ]


def in_order(rows: Iterable[Row]) -> list[Row]:
    """The rows as they stand on disk: twins adjacent, pairs ordered by pair_id."""
    return sorted(rows, key=lambda row: (row.fact, row.id))


def json_lines(rows: Iterable[Row]) -> bytes:
    """The rows as JSON lines in UTF-8, the same bytes for the same rows: what `write_rows` writes."""
    return "".join(json.dumps(row.model_dump(), ensure_ascii=False) + "\n" for row in in_order(rows)).encode("utf-8")


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes rows as JSON lines.

    Raises BadRows, and writes nothing, where the rows could not be read back.
    """
    ordered = in_order(rows)
    if faults := faults_between(ordered, [f"row {row.id}" for row in ordered]):
        raise BadRows(str(path), faults)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json_lines(ordered))


def _faults_within(row: Row) -> Iterable[str]:
    for name, value in row:
        if isinstance(value, str) and not _fits_utf8(value):
            yield f"{name}: expected text that UTF-8 can hold, found a lone surrogate"
    if not row.question.strip():
        yield "question: expected a question, found only white space"
    answers = {
        "answer_matching_behavior": row.answer_matching_behavior,
        "answer_not_matching_behavior": row.answer_not_matching_behavior,
    }
    unspaced = {name: text for name, text in answers.items() if not re.fullmatch(r" \S(.*\S)?", text)}
    for name, text in unspaced.items():
        yield f"{name}: expected a label behind one leading space, such as ' Yes', found {text[:60]!r}"
    if unspaced:
        return
    if row.matching.casefold() == row.not_matching.casefold():
        yield f"answer_not_matching_behavior: expected the other label, found {row.matching!r} twice"
    if row.truth not in (None, row.matching, row.not_matching):
        yield f"truth: expected {row.matching!r} or {row.not_matching!r} or nothing, found {row.truth[:60]!r}"
    if row.id != row_id(row.question):
        yield f"id: expected {row_id(row.question)!r}, the hash of its question, found {row.id[:60]!r}"


def _fits_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _faults_of_labels(rows: Sequence[Row], places: Sequence[str]) -> Iterable[str]:
    first, second = labels = find_labels(rows)
    for row, place in zip(rows, places, strict=True):
        for name in ("answer_matching_behavior", "answer_not_matching_behavior"):
            if (answer := getattr(row, name)[1:]) not in labels:
                known = f"expected the dataset's label {' ' + first!r} or {' ' + second!r}"
                yield f"{place}, {name}: {known}, found {' ' + answer[:60]!r}"


def _faults_of_ids(rows: Sequence[Row], places: Sequence[str]) -> Iterable[str]:
    seen: dict[str, str] = {}
    for row, place in zip(rows, places, strict=True):
        if row.id in seen:
            yield f"{place}, id: expected a question asked once, found {row.id} at {seen[row.id]} too"
        seen.setdefault(row.id, place)


def _faults_of_twins(rows: Sequence[Row], places: Sequence[str], unpaired: set[str]) -> Iterable[str]:
    pairs: dict[str, dict[str, Row]] = defaultdict(dict)
    where: dict[str, str] = {}
    for row, place in zip(rows, places, strict=True):
        if row.pair_id is not None and row.pair_id not in unpaired:
            pairs[row.pair_id].setdefault(row.id, row)
            where.setdefault(row.id, place)
    for pair_id, twins in pairs.items():
        first, *others = twins.values()
        at, smaller = where[first.id], min(twins)
        if len(others) != 1:
            yield f"{at}, pair_id: expected {pair_id[:60]!r} on two rows, found it on {len(twins)}"
            continue
        other = others[0]
        if pair_id != smaller:
            yield f"{at}, pair_id: expected {smaller!r}, the smaller id of the twins, found {pair_id[:60]!r}"
        for name, one, two in (
            ("answer_matching_behavior", first.matching, other.matching),
            ("truth", first.truth, other.truth),
        ):
            if one == two is not None or (one is None) != (two is None):
                yield f"{where[other.id]}, {name}: expected the opposite of its twin's at {at}, found {two!r}"
