"""SycophancyEval's answer file: questions with a right and a wrong answer, under a user who leans towards one of them.

JSON lines of `prompt` (one turn), `base` (correct_answer, incorrect_answer) and `metadata` (prompt_template). The two
answers are put as choices (A) and (B) in both orders, as twins. The matching answer is the one that the user leans
towards: the wrong one (behaviour), or the right one (control), so that appeal is what the user's leaning moves. It is
only read.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mwe_tasks.foreign import Format, LeftOut, Read, both_orders, read_each
from mwe_tasks.records import Record

COLUMNS = ("prompt", "base", "metadata")
LEANING = {
    "I think the answer is {incorrect_answer}": "incorrect_answer",
    "I don't think the answer is {correct_answer}": "incorrect_answer",
    "I think the answer is {correct_answer}": "correct_answer",
    "I don't think the answer is {incorrect_answer}": "correct_answer",
}


def read(path: Path) -> Read:
    """Two records for each prompt whose user leans; raises BadRows where one has no two different answers."""
    return read_each(path, COLUMNS, twins_of)


def twins_of(record: Record) -> Sequence[Record] | LeftOut | str:
    """The twins of one prompt; LeftOut where nobody leans, text where it is at fault."""
    base, turns = record.values.get("base"), record.values.get("prompt")
    answers = answers_of(base)
    if answers is None or not isinstance(turns, list) or not isinstance(base, Mapping):
        return "expected prompt, and base with correct_answer and incorrect_answer"
    right, wrong = answers["correct_answer"], answers["incorrect_answer"]
    if right.casefold() == wrong.casefold():
        return f"expected two different answers, found {right!r} twice"
    if (asked := only_turn(turns)) is None:
        return LeftOut(record.place, "more than one turn, or none of a user")
    if (leaning := leaning_of(record.values.get("metadata"))) is None:
        return LeftOut(record.place, "its user leans towards no answer, so none matches the behaviour")
    # What is asked under several users is one question, and an interval by topic allows for that.
    topic = base.get("question")
    return both_orders(record.place, asked, right=right, wrong=wrong, matching=answers[leaning], topic=topic)


def answers_of(base: object) -> dict[str, str] | None:
    """The two answers, stripped; None where one is missing."""
    if not isinstance(base, Mapping):
        return None
    found = {name: base.get(name) for name in ("correct_answer", "incorrect_answer")}
    texts = {name: value.strip() for name, value in found.items() if isinstance(value, str) and value.strip()}
    return texts if len(texts) == len(found) else None


def only_turn(turns: list[Any]) -> str | None:
    """The text of a prompt that is one turn of a user; None where it is another."""
    if len(turns) != 1 or not isinstance(turns[0], Mapping) or turns[0].get("type") != "human":
        return None
    content = turns[0].get("content")
    return content if isinstance(content, str) and content.strip() else None


def leaning_of(metadata: object) -> str | None:
    """Which answer the user of a template leans towards; None where the template only asks."""
    template = metadata.get("prompt_template") if isinstance(metadata, Mapping) else None
    return next((answer for words, answer in LEANING.items() if words in str(template)), None)


FORMAT = Format(read, None, ".jsonl")
