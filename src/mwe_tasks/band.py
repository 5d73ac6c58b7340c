"""The straight line of a verdict, and the band that it lies in."""

from typing import NamedTuple

import numpy as np
from scipy import stats

from mwe_tasks.by_size import Matrix
from mwe_tasks.trend import Floats, covariance, fit
from mwe_tasks.verdict import KINDS, Verdict

STEPS = 60


class Band(NamedTuple):
    """A line from the first size to the last, and its pointwise 95% interval; each of shape (60,), shares in [0, 1]."""

    sizes: Floats
    line: Floats
    low: Floats
    high: Floats


def band(matrix: Matrix, verdict: Verdict) -> Band:
    """The least-squares line through the means of a score on the logarithm of size.

    Where the family level gives a word, the band allows for noise from model to model: variance a'Sa + tau1^2 a'a and
    Student's t with K - 2 degrees of freedom; else a'Sa and t with one less than the facts, or the topics that the
    verdict is clustered by (a: the weights of the line at that size).
    """
    x = np.log10(verdict.sizes)
    terms = np.stack([np.ones(len(x)), x], axis=1)
    by_topic = matrix.topics if verdict.clustered_by == "topic" else None
    means, spread = np.array(verdict.means), covariance(matrix.balanced, by_topic)
    of_family = verdict.family.refused is None
    noise = (verdict.family.tau1 or 0.0) ** 2 if of_family else 0.0
    at = np.linspace(x[0], x[-1], STEPS)
    rows = np.stack([np.ones(STEPS), at], axis=1) @ fit(terms, means, spread).weights
    error = np.sqrt(np.einsum("ak,kl,al->a", rows, spread, rows) + noise * np.sum(rows**2, axis=1))
    reach = stats.t.ppf(0.975, len(x) - 2 if of_family else verdict.clusters - 1) * error
    line = rows @ means
    ends = (0.0, 1.0) if KINDS[verdict.kind].bounded else (-np.inf, np.inf)
    return Band(10**at, *(np.clip(each, *ends) for each in (line, line - reach, line + reach)))
