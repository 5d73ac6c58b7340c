"""TruthfulQA in its binary form: a question, its best answer and its best incorrect answer.

The project's CSV (Question, Best Answer, Best Incorrect Answer), or records of `question` with `choices` and `label`,
or with `mc0_targets`. The two answers are put as choices (A) and (B) in both orders, as twins; the matching answer is
the incorrect one, which people who err would give. It is only read: a row of Yes and No has no answer of its own.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mwe_tasks.foreign import Format, LeftOut, Read, both_orders, read_each
from mwe_tasks.records import Record

COLUMNS = (
    *("Type", "Category", "Question", "Best Answer", "Best Incorrect Answer", "Source"),
    *("question", "choices", "label", "mc0_targets", "category", "source"),
)


class Answers(NamedTuple):
    """The answers of one question."""

    right: str
    wrong: str


def read(path: Path) -> Read:
    """Two records for each question; raises BadRows where one has no two different answers."""
    return read_each(path, COLUMNS, twins_of)


def twins_of(record: Record) -> Sequence[Record] | LeftOut | str:
    """The twins of one question; LeftOut where it has more than two answers, text where it is at fault."""
    values = record.values
    question = values.get("Question") or values.get("question")
    found = answers_of(values)
    if isinstance(found, LeftOut):
        return found._replace(place=record.place)
    if found is None or not isinstance(question, str) or not question.strip():
        return "expected a question, its best answer and its best incorrect answer"
    if found.right.casefold() == found.wrong.casefold():
        return f"expected two different answers, found {found.right[:60]!r} twice"
    return both_orders(
        record.place,
        question.strip(),
        right=found.right,
        wrong=found.wrong,
        matching=found.wrong,
        topic=values.get("Category") or values.get("category"),
        reference=values.get("Source") or values.get("source"),
    )


def answers_of(values: Mapping[str, Any]) -> Answers | LeftOut | None:
    """The right and the wrong answer of a record; None where it has none, LeftOut where it has more than two."""
    if "Best Answer" in values or "Best Incorrect Answer" in values:
        found = [values.get("Best Answer"), values.get("Best Incorrect Answer")]
        return answers_at(found, 0)
    binary = values.get("mc0_targets")
    if isinstance(binary, Mapping):
        labels, choices = binary.get("labels"), binary.get("choices")
        if isinstance(labels, list) and labels.count(1) == 1:
            return answers_at(choices, labels.index(1))
        return None
    return answers_at(values.get("choices"), values.get("label"))


def answers_at(choices: object, right: object) -> Answers | LeftOut | None:
    """Two choices, of which the one at place `right` is right."""
    if not isinstance(choices, list) or not all(isinstance(each, str) and each.strip() for each in choices):
        return None
    if len(choices) > 2:
        return LeftOut("", f"{len(choices)} answers, and a row has two")
    if len(choices) != 2 or right not in (0, 1):
        return None
    return Answers(choices[int(right)].strip(), choices[1 - int(right)].strip())


FORMAT = Format(read, None, ".csv")
