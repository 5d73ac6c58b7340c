"""What repeats a fact, or contradicts it: found by words and by meaning without looking at all that was taken."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix

from mwe_tasks.dedup import words
from mwe_tasks.judging import Fact
from mwe_tasks.meaning import SAME, Meanings, Places, Vectors, embed
from mwe_tasks.rows import row_id
from mwe_tasks.steering import ALIKE, likeness, similarity

AT_ONCE = 1024
"""Facts whose meanings are looked up together."""
CHUNK = 2**18
"""Pairs of questions whose words are counted together."""


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
        self._facts: list[Fact] = []
        self._numbers: dict[Fact, int] = {}
        """The place of each of them."""
        self._near: defaultdict[int, set[int]] = defaultdict(set)
        """The places of those whose questions share as many words as ones alike would."""
        self._claimed: dict[int, int] = {}
        """All that passed, taken or not, in their order: what they claim can be contradicted."""
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

    def compare(self, facts: Iterable[Fact]) -> None:
        """Takes in which facts will be asked about or added: those near each other in words are found at once."""
        first = len(self._facts)
        self._facts += [fact for fact in dict.fromkeys(facts) if fact not in self._numbers]
        self._numbers |= {fact: number for number, fact in enumerate(self._facts[first:], first)}
        asked = [[question for question, _ in fact.wordings] for fact in self._facts]
        for one, other in sharing(asked, self.form, since=first) if len(asked) > first else ():
            self._near[one].add(other)
            self._near[other].add(one)

    def claim(self, fact: Fact) -> None:
        """Takes in that a fact passed, whether it is taken or not."""
        self._claimed.setdefault(self._number(fact), len(self._claimed))

    def add(self, fact: Fact) -> None:
        """Takes a fact in."""
        self._taken.add(self._number(fact))
        self._ids |= {row_id(question) for question, _ in fact.wordings}
        self._meanings.add(self._meant(fact).vectors)

    def repeats(self, fact: Fact) -> str | None:
        """Why the fact repeats one that was taken in: word for word, nearly (ROUGE-L), or in other words; else None."""
        if self._ids & {row_id(question) for question, _ in fact.wordings}:
            return "asked already, word for word"
        taken = [self._facts[number] for number in self._near_to(fact) & self._taken]
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
        near = () if self.form else sorted(self._near_to(fact) & self._claimed.keys(), key=self._claimed.__getitem__)
        for other in map(self._facts.__getitem__, near):
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
            self.compare([fact])
        return self._numbers[fact]

    def _near_to(self, fact: Fact) -> set[int]:
        return self._near.get(self._number(fact), set())


def sharing(questions: Sequence[Sequence[str]], form: frozenset[str], *, since: int = 0) -> Iterator[tuple[int, int]]:
    """Pairs of places of facts with questions that share as many words as ones alike do; one is from `since` on.

    `questions`: those of each fact. The smaller place comes second; a pair comes up for each way in which it is found.
    """
    asked = [
        (place, found)
        for place, each in enumerate(questions)
        for question in each
        if (found := _marked(question, form))
    ]
    if not asked:
        return
    counts = Counter(word for _, found in asked for word in found)
    ranks = {word: rank for rank, word in enumerate(sorted(counts, key=lambda word: (counts[word], word)))}
    at = np.cumsum([0, *(len(found) for _, found in asked)])
    ranked = np.array([ranks[word] for _, found in asked for word in found], dtype=np.int32)
    table = csr_matrix((np.ones_like(ranked), ranked, at), shape=(len(asked), len(ranks)))
    table.sort_indices()
    of = np.array([place for place, _ in asked])
    for one, other in candidates(table, of, since):
        shared = table[one].multiply(table[other]).sum(axis=1).A1
        enough = shared >= np.ceil(ALIKE * (np.diff(at)[one] + np.diff(at)[other]) / 2 - 1e-9)
        yield from zip(of[one[enough]].tolist(), of[other[enough]].tolist(), strict=True)


def candidates(table: csr_matrix, of: Places, since: int) -> Iterator[tuple[Places, Places]]:
    """Pairs of questions of different facts that may share as many words as ones alike do, some at a time.

    Two questions of n and m words with ROUGE-L of ALIKE share ALIKE * (n + m) / 2 words or more. In whichever order all
    words stand, two of those are then among the first of both: prefix filtering (Wang, Li and Feng 2012).
    `table`: 1 for each word of each question, shape (questions, words), rare words first; `of`: each one's fact.
    """
    lengths = np.diff(table.indptr)
    by_length = {length: np.flatnonzero(lengths == length) for length in np.unique(lengths).tolist()}
    for n, m in product(by_length, repeat=2):
        shared, ours = _shared(n, m), by_length[n][of[by_length[n]] >= since]
        if shared > min(n, m) or not len(ours):
            continue
        codes, others = _pairs(table, ours, n - shared + 2), _pairs(table, by_length[m], m - shared + 2)
        order = np.argsort(others, axis=None, kind="stable")
        ranked = others.ravel()[order]
        first = np.searchsorted(ranked, codes.ravel())
        ends = np.cumsum(np.searchsorted(ranked, codes.ravel(), side="right") - first)
        for start in range(0, int(ends[-1]), CHUNK):
            each = np.arange(start, min(start + CHUNK, ends[-1]))
            code = np.searchsorted(ends, each, side="right")
            one = ours[code // codes.shape[1]]
            other = by_length[m][order[first[code] + each - np.append(0, ends)[code]] // others.shape[1]]
            earlier = of[other] < of[one]
            yield one[earlier], other[earlier]


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


def _pairs(table: csr_matrix, questions: Places, most: int) -> Places:
    """A number for each two of the first words of questions of one length; for the only word of one, it twice."""
    length = int(table.indptr[questions[0] + 1] - table.indptr[questions[0]])
    places = table.indptr[questions][:, None] + np.minimum(np.arange(most), length - 1)
    found = table.indices[places].astype(np.int64)
    one, other = np.triu_indices(most, 1)
    pairs: Places = found[:, one] * table.shape[1] + found[:, other]
    return pairs


def _embedded(facts: Sequence[Fact]) -> list[Vectors]:
    """The embeddings of each fact's questions."""
    vectors = embed([question for fact in facts for question, _ in fact.wordings])
    return np.split(vectors, np.cumsum([len(fact.wordings) for fact in facts])[:-1])
