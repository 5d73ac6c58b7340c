"""What repeats a fact, or contradicts it: found by words and by meaning without looking at all that was taken."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from itertools import combinations
from typing import NamedTuple

import numpy as np

from mwe_tasks.dedup import words
from mwe_tasks.judging import Fact
from mwe_tasks.meaning import SAME, Meanings, Vectors, embed
from mwe_tasks.rows import row_id
from mwe_tasks.steering import ALIKE, likeness, similarity

AT_ONCE = 1024
"""Facts whose meanings are looked up together."""


class Near:
    """Questions by pairs of their rarer words, so that those alike to another are found without looking at all.

    Two questions of n and m words with ROUGE-L of ALIKE share ALIKE * (n + m) / 2 words or more. In whichever order all
    words stand, two of those are then among the first of both: prefix filtering (Wang, Li and Feng 2012). They stand
    by how often they came up, rare ones first, and are put in order anew whenever the facts have doubled.
    """

    def __init__(self, form: frozenset[str]) -> None:
        self.form = form
        self._questions: dict[int, list[list[str]]] = {}
        """The words of each question of a fact, by its number."""
        self._counts: Counter[str] = Counter()
        self._order: Counter[str] = Counter()
        """The counts that the order goes by."""
        self._ordered = 0
        """How many facts those are of."""
        self._by_pair: dict[tuple[int, str, str], list[int]] = {}
        """The facts by the number of words of a question, and two of its rarest."""
        self._lengths: set[int] = set()

    def add(self, fact: Fact, number: int) -> None:
        """Takes a fact in under a number, which rises from fact to fact."""
        self._questions[number] = [_marked(question, self.form) for question, _ in fact.wordings]
        for found in self._questions[number]:
            self._counts.update(found)
            self._file(number, found)
        if len(self._questions) > 2 * self._ordered:
            self._order, self._ordered = self._counts.copy(), len(self._questions)
            self._by_pair.clear()
            for of, asked in self._questions.items():
                for found in asked:
                    self._file(of, found)

    def to(self, fact: Fact) -> list[int]:
        """The numbers of the facts with a question that shares as many words as one alike would, in their order."""
        near: set[int] = set()
        for question, _ in fact.wordings:
            found = set(_marked(question, self.form))
            for number in self.looked_at(found) - near:
                others = self._questions[number]
                if any(len(found.intersection(other)) >= _shared(len(found), len(other)) for other in others):
                    near.add(number)
        return sorted(near)

    def looked_at(self, found: Set[str]) -> set[int]:
        """The numbers of the facts whose words `to` counts: two of the rarest are among those of a question."""
        ranked, facts = self._rarest_first(found), set[int]()
        for length in self._lengths:
            shared = _shared(len(ranked), length)
            if shared <= min(len(ranked), length):
                for pair in _pairs(ranked[: len(ranked) - shared + 2]):
                    facts.update(self._by_pair.get((length, *pair), ()))
        return facts

    def _file(self, number: int, found: Sequence[str]) -> None:
        length = len(found)
        self._lengths.add(length)
        fewest = min((shared for n in range(1, length + 1) if (shared := _shared(n, length)) <= n), default=length)
        for pair in _pairs(self._rarest_first(found)[: length - fewest + 2]):
            facts = self._by_pair.setdefault((length, *pair), [])
            if facts[-1:] != [number]:
                facts.append(number)

    def _rarest_first(self, found: Iterable[str]) -> list[str]:
        return sorted(found, key=lambda word: (self._order[word], word))


class Meant(NamedTuple):
    """What a fact means, and how near that is to what was taken in before it was looked up."""

    vectors: Vectors
    """Of its questions."""
    closest: float
    """The highest cosine; -1 where there was nothing to compare."""


class Asked:
    """The facts that are taken, by their words and their meaning, so that what repeats one is found."""

    def __init__(self, form: frozenset[str] = frozenset()) -> None:
        self.form = form
        """Words that every question has, and that make none alike."""
        self._near = Near(form)
        self._facts: list[Fact] = []
        self._numbers: dict[Fact, int] = {}
        """The place of each of them."""
        self._claimed: set[int] = set()
        """All that passed, taken or not: what they claim can be contradicted."""
        self._taken: set[int] = set()
        self._ids: set[str] = set()
        self._meanings = Meanings()
        self._expected: list[Fact] = []
        self._places: dict[Fact, int] = {}
        """The place of each of those among them."""
        self._looked_up: dict[Fact, Meant] = {}
        self._when = 0
        """How many meanings there were when they were looked up."""

    def expect(self, facts: Iterable[Fact]) -> None:
        """Takes in which facts will be asked about, in their order: their meanings are then looked up together."""
        self._expected = list(dict.fromkeys(facts))
        self._places = {fact: place for place, fact in enumerate(self._expected)}

    def claim(self, fact: Fact) -> None:
        """Takes in that a fact passed, whether it is taken or not."""
        self._claimed.add(self._number(fact))

    def add(self, fact: Fact) -> None:
        """Takes a fact in."""
        self._taken.add(self._number(fact))
        self._ids |= {row_id(question) for question, _ in fact.wordings}
        self._meanings.add(self._meant(fact).vectors)

    def repeats(self, fact: Fact) -> str | None:
        """Why the fact repeats one that was taken in: word for word, nearly (ROUGE-L), or in other words; else None."""
        if self._ids & {row_id(question) for question, _ in fact.wordings}:
            return "asked already, word for word"
        taken = [self._facts[number] for number in self._near.to(fact) if number in self._taken]
        if similarity(fact, taken, self.form) >= ALIKE:
            return "asked already, in nearly the same words"
        vectors, closest = self._meant(fact)
        if max(closest, float((self._meanings.since(self._when) @ vectors.T).max(initial=-1.0))) >= SAME:
            return "asked already, in other words"
        return None

    def contradicted(self, fact: Fact) -> Fact | None:
        """The first fact that passed and gives the other answer to nearly the same question; None where none does.

        Twins with the same matching answer are compared. Where questions share a form, near words tell nothing.
        """
        near = () if self.form else (self._facts[number] for number in self._near.to(fact) if number in self._claimed)
        for other in near:
            if other.arm == fact.arm:
                continue
            for question, matching in fact.wordings:
                for asked, answer in other.wordings:
                    if matching == answer and likeness(question, asked, over=ALIKE - 1e-9) >= ALIKE:
                        return other
        return None

    def _meant(self, fact: Fact) -> Meant:
        """What a fact means; those that are expected after it are looked up with it."""
        if fact not in self._looked_up:
            place = self._places.get(fact)
            facts = [fact] if place is None else self._expected[place : place + AT_ONCE]
            vectors = _embedded(facts)
            closest = self._meanings.closest(vectors)
            self._looked_up = dict(zip(facts, map(Meant, vectors, closest), strict=True))
            self._when = len(self._meanings)
        return self._looked_up[fact]

    def _number(self, fact: Fact) -> int:
        if fact not in self._numbers:
            self._numbers[fact] = len(self._facts)
            self._near.add(fact, len(self._facts))
            self._facts.append(fact)
        return self._numbers[fact]


def _marked(question: str, form: frozenset[str]) -> list[str]:
    """A question's words without those of its form; one that comes up again is another word."""
    seen: Counter[str] = Counter()
    found = []
    for word in words(question):
        if word not in form:
            found.append(f"{word} {seen[word]}" if word in seen else word)
            seen[word] += 1
    return found


def _shared(one: int, other: int) -> int:
    """The words that two questions of so many share at least where their ROUGE-L is ALIKE or more."""
    return math.ceil(ALIKE * (one + other) / 2 - 1e-9)


def _pairs(found: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Each two of some words, the same way round whatever their order; of a single one, it alone."""
    if len(found) == 1:
        return [(found[0], "")]
    return [(one, other) if one < other else (other, one) for one, other in combinations(found, 2)]


def _embedded(facts: Sequence[Fact]) -> list[Vectors]:
    """The embeddings of each fact's questions."""
    vectors = embed([question for fact in facts for question, _ in fact.wordings])
    return np.split(vectors, np.cumsum([len(fact.wordings) for fact in facts])[:-1])
