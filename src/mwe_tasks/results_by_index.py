"""Results of the Inverse Scaling Prize pipeline, which name a question by its index alone, to readings of questions.

The label of each follows from `correct` and `predicted`, its text only from a dataset with the same labels.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mwe_tasks.errors import MweError, printable
from mwe_tasks.exchange import as_dataset, import_rows
from mwe_tasks.families import Family, Member
from mwe_tasks.foreign_results import Answered, Results, by_hand, find_member, refuse_two_of_one, stem_of
from mwe_tasks.formats import inverse_scaling
from mwe_tasks.formats.prize_results import Line, label_of, logodds_of_label, read
from mwe_tasks.readers import Dataset, read_rows
from mwe_tasks.records import read_records
from mwe_tasks.rows import AFFIRMATIVE, Row, row_id
from mwe_tasks.scoring import Reading

ARRANGEMENTS = 10**6
"""Of labels, that there have to be for equal labels to say that two files are of the same questions."""


def read_results(files: Sequence[Path], family: Family, dataset: str | None, model: str | None) -> list[Results]:
    """The results in the prize's files, each of the member that its stem, or --model, names.

    Without a dataset the checksum is of indices and labels, the same for every model that was asked the same. Raises
    MweError and BadRows where a file cannot be read, names no member, or is of another dataset than the one given.
    """
    members = {file: _member_of(file, family, model) for file in files}
    refuse_two_of_one(members)
    lines = {file: read(file) for file in files}
    words = {line.predicted for each in lines.values() for line in each}
    if dataset is None:
        labels = two_labels(words, files)
        joined = [of_unknown_questions(lines[file], labels) for file in files]
    else:
        data, rows = in_file_order(dataset)
        labels = data.labels
        if unknown := sorted(words - set(labels)):
            raise MweError(
                f"{dataset} has the labels {' and '.join(labels)}, and {printable(unknown[0])} is predicted."
            )
        joined = [of_dataset(lines[file], data, rows, file, dataset) for file in files]
    return [
        Results(
            file=file,
            format="prize",
            family=family.name,
            member=member,
            labels=labels,
            answered=tuple(
                Answered(of.rows[line.number], reading_of(line, of.rows[line.number]["truth"], labels))
                for line in lines[file]
            ),
            in_dataset=len(of.rows),
            dataset=of.dataset,
            where=of.where,
            split=of.split,
            checksum=of.checksum,
        )
        for (file, member), of in zip(members.items(), joined, strict=True)
    ]


def _member_of(file: Path, family: Family, model: str | None) -> Member:
    if model is not None:
        return find_member(family, model, by_hand, "--model")
    return find_member(family, file.stem, lambda member: [stem_of(member)], str(file))


class Questions(NamedTuple):
    """What results by position are of: the keys of each row by its index, and what names and joins them."""

    rows: Mapping[int, Mapping[str, Any]]
    dataset: str
    where: str
    split: str
    checksum: str


def two_labels(words: Collection[str], files: Sequence[Path]) -> tuple[str, str]:
    """The labels that are predicted, Yes or True first; raises MweError where they are not two."""
    if len(words) != 2:
        named = printable(", ".join(sorted(words)[:5]))
        raise MweError(
            f"{', '.join(map(str, files))}: expected two labels in all, predicted are {len(words)} ({named}): give "
            "--dataset, or the files of more models."
        )
    first, second = sorted(words, key=lambda word: (word.casefold() not in AFFIRMATIVE, word))
    return first, second


def of_unknown_questions(lines: Sequence[Line], labels: tuple[str, str]) -> Questions:
    """Questions of which the index and the truth alone are known."""
    truths = {line.number: label_of(line, labels) for line in lines}
    told = hashlib.sha256(repr(sorted(truths.items())).encode()).hexdigest()
    nothing = {**dict.fromkeys(Row.model_fields), "topic": ""}
    rows = {number: {**nothing, "id": f"{number:05}", "truth": truth} for number, truth in truths.items()}
    return Questions(rows, f"unknown-{told[:8]}", "inverse-scaling-prize:results", "test", told)


def of_dataset(lines: Sequence[Line], data: Dataset, rows: Sequence[Row], file: Path, dataset: str) -> Questions:
    """The rows of a dataset, by their position in its file; raises MweError where labels do not show that they are."""
    refuse_another_dataset({line.number: label_of(line, data.labels) for line in lines}, rows, file, dataset)
    keyed = dict(enumerate(row.model_dump() for row in rows))
    return Questions(keyed, data.name, data.where, data.split, data.checksum)


def in_file_order(source: str) -> tuple[Dataset, list[Row]]:
    """A dataset and its rows in the order of its file; the prize's own files too (prompt, classes, answer_index).

    Raises MweError where records of such a file are no rows, so that positions do not count rows.
    """
    path = Path(source)
    if path.suffix.lower() != ".csv" or not path.is_file() or "answer_index" not in read_records(path)[0].values:
        data = read_rows(source)
        return data, list(data.rows)
    imported = import_rows(path, "inverse-scaling")
    records = inverse_scaling.read(path).records
    if imported.left_out or len(records) != len(imported.rows):
        count = len(imported.left_out)
        raise MweError(f"{count} records of {path} are no rows of a dataset, so results cannot be joined by position.")
    by_id = {row.id: row for row in imported.rows}
    data = as_dataset(imported, name=path.stem, where=f"inverse-scaling:{source}")
    return data, [by_id[row_id(record.values["question"])] for record in records]


def refuse_another_dataset(implied: Mapping[int, str], rows: Sequence[Row], file: Path, dataset: str) -> None:
    """Raises MweError where results by position are not those of a dataset's rows, or where labels cannot show it."""
    if sorted(implied) != list(range(len(rows))):
        raise MweError(f"{file} holds {len(implied)} questions up to index {max(implied)}, {dataset} {len(rows)} rows.")
    if differ := sum(rows[index].truth != label for index, label in implied.items()):
        raise MweError(
            f"{file} implies other labels than {dataset} at {differ} of {len(rows)} positions, so it is of another "
            "version or order of it: leave --dataset out, and its questions stay without text."
        )
    counts = Counter(implied.values())
    if math.comb(len(rows), min(counts.values()) if len(counts) > 1 else 0) < ARRANGEMENTS:
        raise MweError(
            f"{len(rows)} labels ({', '.join(f'{count} {label}' for label, count in counts.items())}) are too few or "
            f"too alike to show that {file} is of the questions of {dataset}: leave --dataset out."
        )


def reading_of(line: Line, truth: str, labels: tuple[str, str]) -> Reading:
    """What a line says of its question: log odds of the first label (nats) from the loss, coverage from the total."""
    of_truth, at_most = logodds_of_label(line.loss)
    logprob = None
    if at_most is not None:
        other = labels[1] if truth == labels[0] else labels[0]
        found = line.total_logprob - line.loss
        logprob = {truth: found, other: found - of_truth}
    low, high = (of_truth, at_most) if truth == labels[0] else (None if at_most is None else -at_most, -of_truth)
    return Reading(
        prompt=None,
        estimator="exact",
        spellings="canonical",
        text=None,
        logprob=None if logprob is None else {label: logprob[label] for label in labels},
        low=low,
        high=high,
        canonical=low if low == high else None,
        coverage=math.exp(min(0.0, line.total_logprob)),
    )
