"""What a question gives away by itself, by its words or its meaning, to a model that never saw its fact.

Multinomial naive Bayes (Manning, Raghavan and Schuetze, Introduction to Information Retrieval, 13.2) on which
words occur, with equal priors, in ten folds. A fold holds whole facts, so twins never stand on both sides.
By meaning, a ridge regression on embeddings takes the place of naive Bayes.
What chance gives is measured on the same questions with the kinds shuffled: it is wider than the textbook's
interval, and under .5 where words are balanced one by one, since a word held out in one fact then points to
the other kind.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from mwe_tasks.dedup import words

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FOLDS = 10
SMOOTHING = 0.5
SHUFFLES = 40
RIDGE = 1.0
"""Penalty of the regression on embeddings, which have length 1."""


class Guess(NamedTuple):
    """How well words alone tell two kinds of question apart, as an area under the ROC curve."""

    auc: float
    """Of the held-out scores: .5 tells nothing, 1 everything."""
    low: float
    high: float
    """Two standard deviations about the mean of shuffled kinds: what chance gives on these questions."""


def guess(
    questions: Sequence[str],
    kinds: Sequence[bool],
    facts: Sequence[str],
    *,
    strata: Sequence[object] = (),
    vectors: npt.NDArray[np.float32] | None = None,
) -> Guess | None:
    """How well words, or `vectors` of shape (questions, dimensions), tell the kinds apart across facts.

    Each fold gets its share of every stratum (the arm of a question, say), so that a word balanced between
    them is balanced in every fold too. None for fewer facts than folds, and for questions of one kind.
    """
    if len(set(facts)) < FOLDS or len(set(kinds)) < 2:
        return None
    actual = np.asarray(kinds, dtype=bool)
    columns = np.column_stack([actual, *_shuffled(actual, facts)])
    folds = _folds(facts, strata)
    if vectors is None:
        scores = _by_words(_occurrences(questions), columns, folds)
    else:
        scores = _by_meaning(vectors.astype(np.float64), columns, folds)
    first, *others = (auc(scores[:, column], columns[:, column]) for column in range(columns.shape[1]))
    middle, spread = float(np.mean(others)), float(np.std(others, ddof=1))
    return Guess(first, middle - 2 * spread, middle + 2 * spread)


def auc(scores: Floats, positive: Bools) -> float:
    """The share of (positive, negative) pairs that the scores put in order, a tie counting half."""
    from scipy.stats import rankdata  # takes half a second, and every command loads this module

    ranks = rankdata(scores)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _occurrences(questions: Sequence[str]) -> csr_matrix:
    """Which words each question holds, shape (questions, words), 1 where it does."""
    vocabulary: dict[str, int] = {}
    columns: list[int] = []
    ends = [0]
    for question in questions:
        columns += [vocabulary.setdefault(word, len(vocabulary)) for word in sorted(set(words(question)))]
        ends.append(len(columns))
    return csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(questions), max(1, len(vocabulary))))


def _folds(facts: Sequence[str], strata: Sequence[object]) -> npt.NDArray[np.int64]:
    """The fold of each question: dealt in turn by stratum, then by a hash of their names."""
    stratum_of = dict(zip(facts, map(str, strata), strict=bool(strata)))

    def place(fact: str) -> tuple[str, str]:
        return stratum_of.get(fact, ""), hashlib.sha256(f"fold/{fact}".encode()).hexdigest()

    fold_of = {fact: position % FOLDS for position, fact in enumerate(sorted(set(facts), key=place))}
    return np.array([fold_of[fact] for fact in facts])


def _shuffled(kinds: Bools, facts: Sequence[str]) -> list[Bools]:
    """The kinds dealt anew between facts; where a fact has both kinds they change places, or not."""
    members: dict[str, list[int]] = defaultdict(list)
    for position, fact in enumerate(facts):
        members[fact].append(position)
    names, number_of = sorted(members), {fact: number for number, fact in enumerate(sorted(members))}
    of_row = np.array([number_of[fact] for fact in facts])
    mixed = np.array([len({bool(kinds[row]) for row in members[name]}) == 2 for name in names])
    whole = np.array([bool(kinds[members[name][0]]) for name in names])
    shuffles = []
    for number in range(SHUFFLES):
        dice = np.random.default_rng(list(f"shuffle/{number}".encode()))
        dealt = whole.copy()
        dealt[~mixed] = dice.permutation(whole[~mixed])
        swap = dice.random(len(names)) < 0.5
        shuffles.append(np.where(mixed[of_row], kinds ^ swap[of_row], dealt[of_row]))
    return shuffles


def _by_words(seen: csr_matrix, kinds: Bools, folds: npt.NDArray[np.int64]) -> Floats:
    """The log odds of each question's being of the kind, from the words of the other folds.

    One column of kinds, and of scores, for each way to deal them out; shape (questions, ways).
    """
    scores = np.zeros(kinds.shape)
    for fold in range(FOLDS):
        held = folds == fold
        others = seen[~held].T
        positive = others @ kinds[~held].astype(float) + SMOOTHING
        negative = others @ (~kinds[~held]).astype(float) + SMOOTHING
        weights = np.log(positive / positive.sum(axis=0)) - np.log(negative / negative.sum(axis=0))
        known = np.asarray(others.sum(axis=1)) > 0  # a word of the held fold alone has no say
        scores[held] = seen[held] @ (weights * known)
    return scores


def _by_meaning(vectors: Floats, kinds: Bools, folds: npt.NDArray[np.int64]) -> Floats:
    """The value of each question's being of the kind, by ridge regression on the other folds; shapes as above."""
    scores = np.zeros(kinds.shape)
    for fold in range(FOLDS):
        held = folds == fold
        middle = vectors[~held].mean(axis=0)
        others, signs = vectors[~held] - middle, kinds[~held] * 2.0 - 1.0
        penalised = others.T @ others + RIDGE * np.eye(vectors.shape[1])
        scores[held] = (vectors[held] - middle) @ np.linalg.solve(penalised, others.T @ (signs - signs.mean(axis=0)))
    return scores
