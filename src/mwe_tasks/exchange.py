"""Datasets of other projects to rows, and rows to their formats; nothing is dropped without being counted."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mwe_tasks.errors import MweError, UnknownName, printable
from mwe_tasks.foreign import Format, LeftOut, Read, other_words
from mwe_tasks.formats import anthropic, inverse_scaling, lm_eval, plain_csv, seed, sycophancy_eval, truthfulqa
from mwe_tasks.readers import Dataset, build_rows
from mwe_tasks.records import Record
from mwe_tasks.rows import Row, find_labels, in_order, json_lines, row_id, write_rows
from mwe_tasks.sources import split_files

FORMATS: Mapping[str, Format] = {
    "anthropic": anthropic.FORMAT,
    "csv": plain_csv.FORMAT,
    "inverse-scaling": inverse_scaling.FORMAT,
    "lm-eval": lm_eval.FORMAT,
    "seed": seed.FORMAT,
    "sycophancy-eval": sycophancy_eval.FORMAT,
    "truthfulqa": truthfulqa.FORMAT,
}
READ = [name for name, each in FORMATS.items() if each.read]
WRITTEN = [name for name, each in FORMATS.items() if each.render]


class Imported(NamedTuple):
    """The rows of a foreign file, in the order in which they are written, and what became of the rest."""

    rows: Sequence[Row]
    left_out: Sequence[LeftOut]
    notes: Sequence[str]

    @property
    def reasons(self) -> dict[str, int]:
        """How many records each reason left out, most first."""
        return dict(Counter(each.reason for each in self.left_out).most_common())


def import_rows(path: Path, format: str, *, labels: Sequence[str] | None = None) -> Imported:
    """The rows of a file in a foreign format.

    A dataset has two labels: `labels` where they are given, else the commonest pair of answers. Rows with others, and
    questions asked again, are left out, with their twins. Raises MweError and BadRows where the file cannot be read.
    """
    read = FORMATS[format].read if format in READ else None
    if read is None:
        raise UnknownName("format that is read", format, known=READ)
    found = read(path)
    wanted = wanted_labels(found, labels, path)
    kept, left_out = fitting(found.records, wanted)
    everything = [*found.left_out, *left_out]
    if not kept:
        reasons = ", ".join(sorted({each.reason for each in everything})) or "it is empty"
        raise MweError(f"{path} holds no row that can be read as {format}: {reasons}.")
    rows = in_order(build_rows(kept, str(path)))
    return Imported(rows, everything, [*found.notes, *other_words(rows)])


def as_dataset(imported: Imported, *, name: str, where: str) -> Dataset:
    """Imported rows as a dataset; its checksum is that of the file that `mwe import` writes of them."""
    return Dataset(
        rows=tuple(imported.rows),
        name=name,
        split="test",
        checksum=hashlib.sha256(json_lines(imported.rows)).hexdigest(),
        labels=find_labels(imported.rows),
        where=where,
    )


def write_import(imported: Imported, out: Path) -> Path:
    """Writes the rows to a .jsonl file, or to data/test.jsonl in a new dataset folder; gives back the file."""
    if out.suffix.lower() in (".csv", ".parquet"):
        raise MweError(f"{out} should end in .jsonl, or be a new dataset folder.")
    path = out if out.suffix.lower() == ".jsonl" else out / "data" / "test.jsonl"
    try:
        if path != out and split_files(out):
            raise MweError(f"{out} holds a dataset already: name a new folder, or a .jsonl file.")
        write_rows(path, imported.rows)
    except OSError as error:
        raise MweError(f"{path} cannot be written: {error.strerror or error}.") from None
    return path


def export_rows(data: Dataset, format: str, out: Path) -> Sequence[str]:
    """Writes a dataset in a foreign format; gives back what that cannot hold, a sentence each.

    Raises MweError for a target that does not fit the format, or that cannot be written.
    """
    render = FORMATS[format].render if format in WRITTEN else None
    if render is None:
        raise UnknownName("format that is written", format, known=WRITTEN)
    suffix = FORMATS[format].suffix
    if suffix and out.suffix.lower() != suffix:
        raise MweError(f"{out} should end in {suffix}, as files of the format {format} do.")
    rendered = render(data)
    try:
        for name, content in rendered.files.items():
            path = out / name if name else out
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise MweError(f"{out} cannot be written: {error.strerror or error}.") from None
    return rendered.notes


def answers_of(record: Record) -> frozenset[str] | None:
    """The two answers of a record; None where it has no two different ones, which is for `build_rows` to tell."""
    found = [record.values.get(f"answer_{which}_behavior") for which in ("matching", "not_matching")]
    answers = frozenset(each.strip() for each in found if isinstance(each, str))
    return answers if len(answers) == 2 else None


def wanted_labels(found: Read, labels: Sequence[str] | None, path: Path) -> frozenset[str]:
    """The labels asked for, else the commonest pair; raises MweError where no row has those asked for."""
    pairs = Counter(answers for record in found.records if (answers := answers_of(record)))
    if labels is None:
        return min(pairs, key=lambda pair: (-pairs[pair], sorted(pair)), default=frozenset())
    wanted = frozenset(label.strip() for label in labels)
    if len(wanted) != 2 or wanted not in pairs:
        known = "; ".join(f"{' and '.join(sorted(pair))} ({count} rows)" for pair, count in pairs.most_common(10))
        raise MweError(f"No row of {path} has the two labels {' and '.join(labels)}. There are: {printable(known)}.")
    return wanted


def by_fact(records: Sequence[Record]) -> Iterable[list[Record]]:
    """The records of each fact: twins share a pair_id, and where one record was made into two, their place as well."""
    # repr, because a file may hold anything at all here; what is no text is for `build_rows` to tell.
    pairs = [None if (pair := record.values.get("pair_id")) is None else repr(pair) for record in records]
    together = Counter((pair, record.place) for pair, record in zip(pairs, records, strict=True))
    facts: dict[object, list[Record]] = defaultdict(list)
    for number, (pair, record) in enumerate(zip(pairs, records, strict=True)):
        made = together[pair, record.place] > 1
        facts[number if pair is None else (pair, record.place if made else None)].append(record)
    return facts.values()


def fitting(records: Sequence[Record], wanted: frozenset[str]) -> tuple[list[Record], list[LeftOut]]:
    """The records with the wanted labels whose questions are asked once; a twin never goes alone."""
    said: dict[str, set[str]] = defaultdict(set)
    for record in records:
        answers = [record.values.get(name) for name in ("answer_matching_behavior", "truth")]
        said[asked(record)].add(repr(answers))
    kept: list[Record] = []
    left_out: list[LeftOut] = []
    seen: set[str] = set()
    for fact in by_fact(records):
        found: dict[str, Record] = {}
        for record in fact:
            if found.setdefault(asked(record), record) is not record:
                left_out.append(LeftOut(record.place, "asked already"))
        twins, questions = list(found.values()), list(found)
        if any(answers_of(twin) not in (None, wanted) for twin in twins):
            reason = f"other answers than the labels {' and '.join(sorted(wanted))}"
        elif any(len(said[question]) > 1 for question in questions):
            reason = "asked again with another answer, so that neither is sure"
        elif seen.intersection(questions):
            reason = "asked already"
        else:
            seen.update(questions)
            kept += twins
            continue
        left_out += [LeftOut(twin.place, reason) for twin in twins]
    return kept, left_out


def asked(record: Record) -> str:
    """What makes a record's question the same as another's."""
    question = record.values.get("question")
    return row_id(question) if isinstance(question, str) else record.place
