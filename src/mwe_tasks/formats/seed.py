"""The seed's files: `Question:` and `Answer:` blocks as models wrote them, and the two CSV files made from them.

Its one label mixes what is true with what sounds nice, so it is read as the matching answer, and no truth is.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mwe_tasks.errors import BadRows, MweError
from mwe_tasks.foreign import PUT_BY_US, Format, LeftOut, Read, Rendered, lost, stood_around, unread
from mwe_tasks.formats.inverse_scaling import COLUMNS, asked, read_examples, refuse_equal_prompts
from mwe_tasks.readers import Dataset
from mwe_tasks.records import Record, read_records

ONE_LABEL = "the one label is read as the matching answer: it mixes what is true with what sounds nice"
QUESTION, ANSWER = "Question:", "Answer:"
PROMPT_ENDS = "The possible class labels"
"""How the last line of the seed's prompt begins: questions above it are examples, not what a model wrote."""


class Block(NamedTuple):
    """A question and the answer under it."""

    place: str
    question: str
    answer: str


def read(path: Path) -> Read:
    """The records of a text or CSV file; what is no block of the text is counted.

    Raises MweError for a log-odds file whose prompts are their own controls, and BadRows for a file that is neither.
    """
    if path.suffix.lower() == ".txt":
        return read_text(path)
    records = read_records(path)
    examples, left_out = read_examples(records, path)
    refuse_equal_prompts(examples, path)
    kept = [Record(example.place, asked(example.prompt, example.answer, example.other)) for example in examples]
    return Read(kept, left_out, [ONE_LABEL, *unread(records, COLUMNS)])


def read_text(path: Path) -> Read:
    """Every block whose answer is one of the file's two commonest, and every line that is part of none."""
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise MweError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError as error:
        raise BadRows(str(path), [f"expected UTF-8, found another byte at {error.start + 1}"]) from None
    blocks, left_out = blocks_of([line.rstrip("\r") for line in lines])
    labels = [label for label, _ in Counter(block.answer for block in blocks).most_common(2)]
    if len(labels) < 2:
        raise BadRows(str(path), [f"expected {QUESTION} and {ANSWER} lines with two answers, found {len(labels)}"])
    other = {labels[0]: labels[1], labels[1]: labels[0]}
    kept = []
    for block in blocks:
        if block.answer in other:
            answers = {"answer_matching_behavior": block.answer, "answer_not_matching_behavior": other[block.answer]}
            kept.append(Record(block.place, {"question": block.question, **{k: f" {v}" for k, v in answers.items()}}))
        else:
            left_out.append(LeftOut(block.place, "an answer that is neither label"))
    return Read(kept, left_out, [ONE_LABEL])


def blocks_of(lines: Sequence[str]) -> tuple[list[Block], list[LeftOut]]:
    """The blocks of a text, and what is none."""
    prompt = next((number for number, line in enumerate(lines) if line.startswith(PROMPT_ENDS)), -1)
    blocks: list[Block] = []
    left_out: list[LeftOut] = []
    waiting: LeftOut | None = None
    question = ""
    for number, line in enumerate(lines):
        place = f"line {number + 1}"
        if not line.strip():
            continue
        if number <= prompt:
            left_out.append(LeftOut(place, "part of the prompt"))
        elif line.startswith(QUESTION) and line.removeprefix(QUESTION).strip():
            left_out += [waiting] if waiting else []
            waiting, question = LeftOut(place, "a question without an answer"), line.removeprefix(QUESTION).strip()
        elif line.startswith(ANSWER) and line.removeprefix(ANSWER).strip() and waiting:
            blocks.append(Block(waiting.place, question, line.removeprefix(ANSWER).strip()))
            waiting = None
        else:
            kind = "an answer without a question" if line.startswith(ANSWER) else "neither a question nor an answer"
            left_out.append(LeftOut(place, kind))
    left_out += [waiting] if waiting else []
    return blocks, left_out


def render(data: Dataset) -> Rendered:
    """The questions of one line each, with their matching answers; raises MweError where there is none."""
    fitting = [row for row in data.rows if row.question == row.question.strip() and not set(row.question) & set("\r\n")]
    if not fitting:
        raise MweError(f"No question of {data.name} is a single line, which this text needs: export to anthropic.")
    text = "\n".join(f"{QUESTION} {row.question}\n{ANSWER} {row.matching}\n" for row in fitting)
    notes = lost(fitting, ("question", "answer_matching_behavior", "answer_not_matching_behavior"))
    if other := sum(stood_around(row.source) not in (None, PUT_BY_US) for row in fitting):
        notes.append(f"the format has no place for other words or spaces around a question than its own ({other} rows)")
    if missing := len(data.rows) - len(fitting):
        notes.append(f"{missing} questions of several lines are not in it")
    return Rendered({"": text.encode("utf-8")}, notes)


FORMAT = Format(read, render, ".txt")
