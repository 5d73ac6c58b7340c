"""Made-up rows that every check is content with, for tests to spoil."""

import random
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from mwe_tasks.rows import Row, row_id

WORDS = ["".join(letters) for letters in product("bdfgklmnprstvz", "aeiou", "bdgklmnprstvz")]


def make_fact(number: int) -> Iterator[Row]:
    """The twins of one made-up fact: four topics in turn, then behaviour and control in turn."""
    names = random.Random(f"river {number}")
    subject = " ".join(names.sample(WORDS, 6))
    rises, control = names.random() < 0.5, number // 4 % 2 == 0
    questions = {predicate: f"Does {subject} {predicate}?" for predicate in ("rise", "fall")}
    pair_id = min(map(row_id, questions.values()))
    for predicate, question in questions.items():
        true = (predicate == "rise") == rises
        yield Row(
            question=question,
            answer_matching_behavior=" Yes" if true == control else " No",
            answer_not_matching_behavior=" No" if true == control else " Yes",
            truth="Yes" if true else "No",
            pair_id=pair_id,
            topic=f"topic {number % 4}",
            why=f"{subject} {'rises' if rises else 'falls'}.",
            source="curated",
        )


@pytest.fixture(scope="session")
def make_rows() -> Callable[[int], list[Row]]:
    """A function from a number of facts (balanced where it divides by eight) to the rows of that many."""
    return lambda facts: [row for number in range(facts) for row in make_fact(number)]
