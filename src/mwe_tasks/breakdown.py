"""A finding broken down: the slope within each topic, the facts whose score changed most, errors by fact and topic."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mwe_tasks.by_size import Matrix
from mwe_tasks.estimates import Estimate, arm_mean, with_interval
from mwe_tasks.trend import contrasts, covariance

FEWEST_FACTS = 3
"""Below this many facts a topic's mean has no interval worth reading."""


class Change(NamedTuple):
    """One fact's scores, from the smallest model to the largest."""

    fact: str
    topic: str
    values: tuple[float, ...]
    slope: float
    """The fitted change per decade of size."""


def by_topic(values: npt.ArrayLike, topics: Sequence[str], unit: str) -> list[Estimate]:
    """The mean within each topic of at least three facts, the highest first.

    values: shape (facts,). Each with its 95% interval by Student's t with n - 1 degrees of freedom, not adjusted for
    the number of topics.
    """
    of, scores = np.array(topics), np.asarray(values, dtype=float)
    found = []
    for topic in dict.fromkeys(topics):
        inside = scores[of == topic]
        if len(inside) >= FEWEST_FACTS:
            found.append(with_interval(topic, *arm_mean(inside, ["all"] * len(inside)), len(inside), unit))
    return sorted(found, key=lambda each: -each.value)


def topic_slopes(matrix: Matrix, x: npt.ArrayLike) -> list[Estimate]:
    """The fitted change per decade of size within each topic, at these checkpoints; x = log10 size, shape (sizes,)."""
    return by_topic(_slopes(matrix, x), matrix.topics, "a decade")


def most_changed(matrix: Matrix, x: npt.ArrayLike, number: int) -> list[Change]:
    """The facts that rose most and those that fell most, as many of each, the steepest rise first."""
    slopes = _slopes(matrix, x)
    order = np.argsort(-slopes, kind="stable")
    picked = [*order[:number], *order[max(number, len(order) - number) :]]
    return [
        Change(matrix.facts[i], matrix.topics[i], tuple(map(float, matrix.values[i])), float(slopes[i])) for i in picked
    ]


class Errors(NamedTuple):
    """Standard errors of the fitted change over all sizes, in the unit of the score."""

    by_fact: float
    by_topic: float | None
    """With topics as clusters; None for one topic."""


def change_errors(matrix: Matrix, x: npt.ArrayLike) -> Errors:
    """How far facts, or whole topics, could have moved the change from the first size to the last; x = log10 size."""
    full = contrasts(np.asarray(x, dtype=float)).full
    clusters = (None, matrix.topics) if len(set(matrix.topics)) > 1 else (None,)
    found = [math.sqrt(max(0.0, float(full @ covariance(matrix.balanced, each) @ full))) for each in clusters]
    return Errors(found[0], found[1] if len(found) > 1 else None)


def mean_slope(matrix: Matrix, x: npt.ArrayLike, name: str) -> Estimate:
    """The fitted change of the mean a decade, with its 95% interval by fact, or by topic where wider."""
    slopes = _slopes(matrix, x)
    return with_interval(name, *arm_mean(slopes, matrix.controls, matrix.topics), len(slopes), "a decade")


def _slopes(matrix: Matrix, x: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Each fact's least-squares slope."""
    size = np.asarray(x, dtype=float)
    deviation = size - size.mean()
    return np.asarray(matrix.values @ deviation / (deviation @ deviation))
