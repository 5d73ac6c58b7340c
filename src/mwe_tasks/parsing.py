"""Generated text to the answer it gives, or the reason why it gives none."""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

Missing = Literal["refusal", "no_response", "invalid_response_format", "cut_by_length"]

REFUSALS = re.compile(
    r"^\W*(i['’]?m sorry|i am sorry|sorry\b|i can['’]?t\b|i cannot\b|i['’]?m (not able|unable)|"
    r"i am (not able|unable)|i won['’]?t\b|as an ai\b)",
    re.IGNORECASE,
)


class Answer(NamedTuple):
    """The label that a text gives, or why it gives none; one of the two is None."""

    label: str | None
    missing: Missing | None


def read_answer(text: str, labels: Sequence[str], *, refused: bool = False, cut: bool = False) -> Answer:
    """The label a reply gives: the one it begins with, else the only one that it names with its capitals, else the
    one that its first sentence ends with ("I would say no.").

    `refused` and `cut` are what the provider says of the reply: held back, or stopped by max_tokens.
    """
    if refused:
        return Answer(None, "refusal")
    if not text.strip():
        return Answer(None, "cut_by_length" if cut else "no_response")
    sentence = re.split(r"[.!?\n]", text.strip(), maxsplit=1)[0]
    for label in labels:
        others = (each for each in labels if each != label)
        if re.match(rf"[\W_]*{_whole(label)}", text, re.IGNORECASE):
            both = any(re.search(_whole(other), sentence, re.IGNORECASE) for other in others)
            return Answer(None, "invalid_response_format") if both else Answer(label, None)
    if REFUSALS.match(text):
        return Answer(None, "refusal")
    named = [label for label in labels if re.search(_whole(label), text)]
    if len(named) == 1:
        return Answer(named[0], None)
    named = [label for label in labels if re.search(_whole(label), sentence, re.IGNORECASE)]
    if len(named) == 1 and not cut and re.search(rf"{_whole(named[0])}\W*$", sentence, re.IGNORECASE):
        return Answer(named[0], None)
    return Answer(None, "cut_by_length" if cut else "invalid_response_format")


def _whole(label: str) -> str:
    """A pattern for the label that is no part of a longer word ("No" in "Now", "No." yes)."""
    return rf"(?<![^\W_]){re.escape(label)}(?![^\W_]|['’]\w)"
