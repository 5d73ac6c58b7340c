"""Estimates with their 95% intervals: what is clustered by fact, and by topic where there are many.

Scores of one fact, and of one topic, are not independent, so an error is never that of rows.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]

TOPIC_CLUSTERS = 30
"""From so many topics up an interval also allows for what questions of one topic share."""


ROUNDING = 1e-12
"""A standard error below this is that of equal values, which sums do not always round to the same."""


class Estimate(NamedTuple):
    """A figure of one run."""

    name: str
    value: float
    low: float | None
    high: float | None
    """The 95% interval; None where the figure comes without one."""
    n: int
    note: str = ""


def arm_mean(
    values: npt.ArrayLike, arms: Sequence[object], topics: Sequence[object] = ()
) -> tuple[float, float, float]:
    """The mean of the arms' means, its standard error, and the degrees of freedom.

    values: shape (facts,), one score a fact; arms and topics: what each fact belongs to. The error is the
    larger of the one by fact and, from 30 topics up, the one by topic (CR1: Cameron and Miller 2015,
    eq. 11, on the scores' influence on the mean). NaN with fewer than two facts in an arm.
    """
    scores = np.asarray(values, dtype=float)
    names, arm = np.unique(np.asarray(arms, dtype=str), return_inverse=True)
    sizes = np.bincount(arm)
    means = np.bincount(arm, weights=scores) / sizes
    influence = (scores - means[arm]) / (len(names) * sizes[arm])
    if sizes.min() < 2:
        return float(means.mean()), float("nan"), 0
    variances = np.bincount(arm, weights=influence**2) * sizes / (sizes - 1)
    error, freedom = float(np.sqrt(variances.sum())), float(len(scores) - len(names))
    if error > 0:  # Welch and Satterthwaite: a small arm that varies much leaves few degrees of freedom
        freedom = float(variances.sum() ** 2 / np.sum(variances**2 / (sizes - 1)))
    if len(set(topics)) >= TOPIC_CLUSTERS:
        error, freedom = max((error, freedom), _cluster_error(influence, topics))
    return float(means.mean()), error, freedom


def larger_error(influence: Floats, facts: Sequence[object], topics: Sequence[object]) -> tuple[float, float]:
    """The cluster-robust standard error by fact, or by topic where those are many and it is larger."""
    found = [_cluster_error(influence, facts)]
    if len(set(topics)) >= TOPIC_CLUSTERS:
        found.append(_cluster_error(influence, topics))
    return max(found)


def _cluster_error(influence: Floats, clusters: Sequence[object]) -> tuple[float, float]:
    """CR1 (Cameron and Miller 2015, eq. 11) of a sum of influences, and its degrees of freedom."""
    names, number = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    if len(names) < 2:
        return float("nan"), 0
    sums = np.bincount(number, weights=influence)
    return float(np.sqrt(len(names) / (len(names) - 1) * np.sum(sums**2))), len(names) - 1


def with_interval(
    name: str, value: float, error: float, freedom: float, n: int, note: str, *, share: bool = False
) -> Estimate:
    """A figure with its 95% interval by Student's t; without one where there are no degrees of freedom.

    A share, which lies in [0, 1], gets Wilson's interval on its effective sample size value (1 - value) / error^2,
    with t in place of z (Dean and Pagano 2015): it never leaves [0, 1], nor is it a point where all are alike.
    """
    if not freedom:
        return Estimate(name, value, None, None, n, note)
    reach = float(stats.t.ppf(0.975, freedom))
    if not share:
        return Estimate(name, value, value - reach * error, value + reach * error, n, note)
    size = value * (1 - value) / error**2 if error > ROUNDING else n
    centre = (value + reach**2 / (2 * size)) / (1 + reach**2 / size)
    half = reach / (1 + reach**2 / size) * math.sqrt(value * (1 - value) / size + reach**2 / (4 * size**2))
    return Estimate(name, value, max(0.0, centre - half), min(1.0, centre + half), n, note)


def tenth(name: str, values: npt.ArrayLike, note: str) -> Estimate:
    """The 10th percentile, with the interval of order statistics that holds for any distribution."""
    ordered = np.sort(np.asarray(values, dtype=float))
    if not len(ordered):
        return Estimate(name, float("nan"), None, None, 0, note)
    low, high = stats.binom.ppf([0.025, 0.975], len(ordered), 0.1).astype(int)
    return Estimate(
        name,
        float(np.quantile(ordered, 0.1)),
        float(ordered[low - 1]) if low else None,
        float(ordered[high]) if low else None,
        len(ordered),
        note,
    )
