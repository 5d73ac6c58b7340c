"""How like each other questions are: pairs that ask nearly the same, and how diverse a sample of them is.

Pairs are found as `mwe build` finds repeats, by shared words and by an index of meanings, without looking at every
pair. Diversity is of one number of facts, because each of its measures changes with that number.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from mwe_tasks.dedup import rouge_l, words
from mwe_tasks.meaning import Meanings, embed
from mwe_tasks.repeats import sharing
from mwe_tasks.rows import Row
from mwe_tasks.steering import ALIKE, bare, form_of

FACTS = 200
SAME_MEANING = 0.9
"""Cosine over which questions of different facts may ask the same."""
FORM_SHARE = 0.95
"""Share of the questions that hold a word, from which it belongs to their form and tells nothing."""


class TooMany(Exception):
    """There are more pairs than the `most` that were asked for."""


class Alike(NamedTuple):
    """Two questions of different facts, by their places, and how like each other they are."""

    first: int
    second: int
    similarity: float


def alike_pairs(questions: Sequence[str], facts: Sequence[object], *, most: float = math.inf) -> list[Alike]:
    """Pairs of questions of different facts that share ROUGE-L of ALIKE or more.

    Raises TooMany where more than so many share as many words as that takes.
    """
    form = form_of(questions, share=FORM_SHARE)
    texts = [bare(question, form) for question in questions]
    compared: set[tuple[int, int]] = set()
    for second, first in sharing([[question] for question in questions], form):
        if facts[first] != facts[second]:
            compared.add((first, second))
        if len(compared) > most:
            raise TooMany
    found = ((i, j, rouge_l(texts[i], texts[j])) for i, j in sorted(compared))
    return [Alike(*each) for each in found if each[-1] >= ALIKE]


def same_pairs(questions: Sequence[str], facts: Sequence[object], *, most: float = math.inf) -> list[Alike]:
    """Pairs of questions of different facts that have a cosine over SAME_MEANING; raises TooMany of more."""
    form = form_of(questions, share=FORM_SHARE)
    index = Meanings()
    index.add(embed([" ".join(bare(question, form)) or " " for question in questions]))
    numbers: dict[object, int] = {}
    of = np.array([numbers.setdefault(fact, len(numbers)) for fact in facts])
    found: dict[tuple[int, int], float] = {}
    for first, second, cosines in index.pairs(SAME_MEANING):
        apart = of[first] != of[second]
        places = zip(first[apart].tolist(), second[apart].tolist(), strict=True)
        found |= zip(places, cosines[apart].tolist(), strict=True)
        if len(found) > most:
            raise TooMany
    return [Alike(*places, cosine) for places, cosine in sorted(found.items())]


def drawn(rows: Sequence[Row], *, most: int = FACTS) -> list[str]:
    """One question of each of at most so many facts; drawn by a hash of the facts' names."""
    first: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row.id):
        first.setdefault(row.fact, row.question)
    names = sorted(first, key=lambda fact: hashlib.sha256(f"diversity/{fact}".encode()).hexdigest())[:most]
    return [first[name] for name in names]


def distinct_2(questions: Sequence[str]) -> float:
    """Distinct-2 (Li et al. 2016): the share of pairs of neighbouring words that are different ones; NaN of none."""
    pairs = [pair for text in map(words, questions) for pair in pairwise(text)]
    return len(set(pairs)) / len(pairs) if pairs else math.nan


def self_bleu(questions: Sequence[str]) -> float:
    """Self-BLEU (Zhu et al. 2018): the mean BLEU-4 of each question against all others.

    As NLTK with its smoothing method 1 (.1 phrases where none is shared), whose import takes longer than this.
    """
    texts = [words(question) for question in questions]
    scores = [_bleu(text, texts[:place] + texts[place + 1 :]) for place, text in enumerate(texts)]
    return math.fsum(scores) / len(scores)


def _bleu(text: Sequence[str], others: Sequence[Sequence[str]]) -> float:
    """BLEU-4 of a text against others; 0 where they share no word."""
    shares = []
    for size in range(1, 5):
        phrases, most = _phrases(text, size), Counter[tuple[str, ...]]()
        for other in others:
            most |= phrases & _phrases(other, size)
        shared = most.total()
        if size == 1 and not shared:
            return 0.0
        shares.append((shared or 0.1) / max(1, phrases.total()))
    _, nearest = min((abs(len(other) - len(text)), len(other)) for other in others)
    brevity = min(1.0, math.exp(1 - nearest / len(text)))
    return brevity * math.prod(shares) ** 0.25


def _phrases(text: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(text[start:] for start in range(size)), strict=False))


def vendi(questions: Sequence[str]) -> float:
    """Vendi score (Friedman and Dieng 2023): how many questions wholly unlike each other would be as diverse.

    exp of the entropy of the eigenvalues of K / n, K the cosines of their embeddings, shape (n, n).
    """
    vectors = embed(questions).astype(np.float64)
    values = np.linalg.eigvalsh(vectors @ vectors.T / len(vectors))
    found = values[values > 1e-12]
    return float(np.exp(-(found * np.log(found)).sum()))
