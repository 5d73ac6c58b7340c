"""What a written fact may look like, whatever it says: the checks that need no reader."""

import re

from mwe_tasks.dedup import words
from mwe_tasks.judging import Fact

MAX_WORDS = 60
"""Of one question; a longer one is a text and no question."""

COMMON = frozenset(
    {
        *("the", "of", "is", "are", "was", "were", "do", "does", "did", "can", "could", "would", "have", "had", "it"),
        *("that", "with", "by", "from", "than", "there", "to", "be", "if", "has", "will", "should", "must", "may"),
        *("might", "what", "which", "who", "when", "where", "why", "how", "its", "their", "more", "most", "many"),
    }
)
"""Words of which an English question has at least one."""

ADDRESSED = re.compile(
    r"\b(ignore|disregard|forget)\b.*\b(instruction|criteria|above|previous|prompt)|"
    r"\b(choose|pick|select) (me|this one)\b|\bas an ai\b|\bsystem prompt\b",
    re.IGNORECASE | re.DOTALL,
)
MARKUP = re.compile(r"</?[a-z!][^>]*>|<\||\|>|```|\[INST\]", re.IGNORECASE)
FORMULA = re.compile(r"^\s*[=+@-]")

NEGATIONS = frozenset(
    (
        *("not", "cannot", "no", "non", "nor", "neither", "never", "none", "nobody", "nothing", "nowhere", "without"),
        *("fail", "fails", "failed", "unable", "impossible", "incapable"),
        *("false", "falsely", "untrue", "incorrect", "incorrectly", "wrong", "wrongly", "myth", "myths"),
    )
)
"""Words that a twin may not be made with; also every word that ends in n't, and un-, non-, in-, im-, il-, ir- or dis-
before a word of three letters or more of the other twin ("safe" and "unsafe"). Each counts only where one twin has it
and the other has not."""


def fault_of_form(fact: Fact) -> str | None:
    """Why this fact can be no row of a dataset, whatever its truth; None where its form is sound."""
    questions = [question for question, _ in fact.wordings]
    for text in (*questions, fact.why):
        if MARKUP.search(text):
            return "markup"
        if ADDRESSED.search(text):
            return "speaks to its reader"
    for question in questions:
        if not question.strip().endswith("?") or "\n" in question.strip():
            return "no question"
        if FORMULA.match(question):
            return "begins like a formula"
        if len(words(question)) > MAX_WORDS:
            return f"longer than {MAX_WORDS} words"
        if not COMMON & set(words(question)):
            return "not English"
    if len(questions) == 2 and negations_between(*questions):
        return "twin made by negation"
    if len(questions) == 2 and words(questions[0]) == words(questions[1]):
        return "twins ask the same"
    return None


def negations_between(first: str, second: str) -> list[str]:
    """The negating words that one of two questions has and the other has not, in alphabetical order."""
    one, two = set(words(first)), set(words(second))
    return sorted(
        word
        for here, there in ((one, two), (two, one))
        for word in here - there
        if word in NEGATIONS or word.endswith("n't") or re.sub("^(un|non|in|im|il|ir|dis)(?=...)", "", word) in there
    )
