"""How one round's candidates are ordered, ranked and picked; pure, and the same for the same names.

A ranker prefers some positions whatever stands there. The mean over the order and its reverse takes out what is
linear in position, the mean over all cyclic shifts anything.
"""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from mwe_tasks.behaviour import Behaviour
from mwe_tasks.dedup import rouge_l, words
from mwe_tasks.judging import Fact
from mwe_tasks.labels import logsumexp
from mwe_tasks.tree import PickedBy

Steering = Literal["ranked", "first", "none"]
STEERINGS: tuple[Steering, ...] = ("ranked", "first", "none")

LETTERS = "ABCDEFGHJKLMNOPQRSTU"
"""What options are shown as; without I, which is how many a sentence begins."""
ALIKE = 0.7
"""ROUGE-L of two questions of different facts from which they ask nearly the same."""
RANKED_LOWER = "ranked lower"
FORM_WORDS = 8
"""Words that questions share, from which they have one form."""
NOVELTY = 1.0
"""What a candidate wholly unlike the accepted ones gains over a copy, in standard deviations of rank."""


class Ranked(NamedTuple):
    """What a ranker said of a round's candidates."""

    scores: list[float] | None
    """One a candidate, higher is better; None where nothing could be read."""
    by: PickedBy


def orders(count: int, *, shifts: int, name: str) -> list[list[int]]:
    """The orders in which `count` candidates are shown, each a list of their numbers.

    The first is shuffled by a seed made of names; with two shifts the other is its reverse, with more they are cyclic.
    """
    first = list(range(count))
    random.Random(name).shuffle(first)
    if shifts == 2:
        return [first, first[::-1]]
    shifts = min(shifts, count)
    steps = [number * count // shifts for number in range(shifts)]
    return [first[step:] + first[:step] for step in steps]


def rank_by_logprobs(shown: Sequence[Sequence[int]], listed: Sequence[Mapping[int, float]]) -> list[float]:
    """The mean of ln P of each candidate's letter over the orders, nats.

    listed: for each order ln P by position. A letter outside the list counts as the least probable one in it.
    """
    totals = [0.0] * len(shown[0])
    for order, logprobs in zip(shown, listed, strict=True):
        floor = min(logprobs.values())
        for position, number in enumerate(order):
            totals[number] += logprobs.get(position, floor) / len(shown)
    return totals


def rank_by_votes(shown: Sequence[Sequence[int]], named: Sequence[int | None]) -> list[float] | None:
    """How many orders named each candidate; None where none could be read."""
    if all(position is None for position in named):
        return None
    votes = [0.0] * len(shown[0])
    for order, position in zip(shown, named, strict=True):
        if position is not None:
            votes[order[position]] += 1
    return votes


def letters_in(top: Sequence[tuple[str, float]], count: int) -> dict[int, float]:
    """ln P of each option from a list of tokens, by its number; "A" and " A" are summed."""
    found: dict[int, list[float]] = {}
    for token, logprob in top:
        letter = token.strip()
        if len(letter) == 1 and letter in LETTERS[:count]:
            found.setdefault(LETTERS.index(letter), []).append(logprob)
    return {number: logsumexp(logprobs) for number, logprobs in found.items()}


def pick(
    facts: Sequence[Fact], ranked: Ranked, accepted: Sequence[Fact], *, most: int, form: frozenset[str] = frozenset()
) -> tuple[list[int], dict[int, str]]:
    """The numbers of the picked candidates, best first, and why each other one was not picked.

    Greedy: each time the candidate with the highest sum of its standardised rank and its novelty, which is what is
    missing to a copy of an accepted or picked one. A candidate that is alike to one of those is never picked.
    """
    standard = _standardised(ranked.scores) if ranked.scores else [-float(number) for number in range(len(facts))]
    nearest = [similarity(fact, accepted, form) for fact in facts]
    picked: list[int] = []
    reasons: dict[int, str] = {}
    left = list(range(len(facts)))
    while left:
        if dropped := [number for number in left if nearest[number] >= ALIKE]:
            reasons |= dict.fromkeys(dropped, "alike to an accepted or picked one")
            left = [number for number in left if number not in reasons]
            continue
        if len(picked) == most:
            reasons |= dict.fromkeys(left, RANKED_LOWER)
            break
        best = max(left, key=lambda number: (standard[number] + NOVELTY * (1 - nearest[number]), -number))
        picked.append(best)
        left.remove(best)
        for number in left:
            nearest[number] = max(nearest[number], similarity(facts[number], [facts[best]], form))
    return picked, reasons


def shared_words(behaviour: Behaviour) -> frozenset[str]:
    """The words of a form that all questions of a behaviour have, by its examples."""
    return form_of([q for facts in behaviour.examples.values() for fact in facts for q, _ in fact.wordings])


def form_of(questions: Sequence[str], *, share: float = 1.0) -> frozenset[str]:
    """The words of a form that so large a share of the questions have; none where they share only a few words."""
    counts = Counter(word for question in questions for word in set(words(question)))
    form = frozenset(word for word, count in counts.items() if count >= share * len(questions))
    return form if len(form) >= FORM_WORDS else frozenset()


def bare(question: str, form: frozenset[str]) -> list[str]:
    """A question's words without those of its form."""
    return [word for word in words(question) if word not in form]


def similarity(fact: Fact, others: Sequence[Fact], form: frozenset[str] = frozenset()) -> float:
    """The highest ROUGE-L of a question of the fact and one of the others, without the words of their form; else 0."""
    found = 0.0
    for question, _ in fact.wordings:
        for other in others:
            for asked, _ in other.wordings:
                found = max(found, likeness(question, asked, form, over=found))
    return found


def likeness(one: str, other: str, form: frozenset[str] = frozenset(), *, over: float = 0.0) -> float:
    """ROUGE-L of two questions without the words of their form; 0 where it cannot be more than `over`."""
    ours, our_counts = _counted(one, form)
    theirs, their_counts = _counted(other, form)
    # A common subsequence is no longer than what the two share in any order.
    if 2 * (our_counts & their_counts).total() <= over * (len(ours) + len(theirs)):
        return 0.0
    return rouge_l(ours, theirs)


def nearest(facts: Sequence[Fact], to: Fact | None, *, most: int) -> list[Fact]:
    """The facts nearest to one by wording, at most so many, in their order; the last ones where there is none."""
    if to is None or len(facts) <= most:
        return list(facts[-most:]) if most else []
    close = sorted(range(len(facts)), key=lambda number: (-similarity(facts[number], [to]), number))[:most]
    return [facts[number] for number in sorted(close)]


@lru_cache(maxsize=2**17)
def _counted(question: str, form: frozenset[str]) -> tuple[list[str], Counter[str]]:
    """A question's words without those of its form, in order and counted."""
    found = bare(question, form)
    return found, Counter(found)


def _standardised(scores: Sequence[float]) -> list[float]:
    mean = math.fsum(scores) / len(scores)
    spread = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))
    return [(score - mean) / spread if spread > 1e-12 else 0.0 for score in scores]
