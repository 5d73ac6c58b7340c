"""A finding broken down: the slope within each topic, and the facts whose score changed most."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from mwe_tasks.by_size import Matrix

FEWEST_FACTS = 3
"""Below this many facts a topic's slope has no interval worth drawing."""


class TopicSlope(NamedTuple):
    """The fitted change per decade of size within one topic, at these checkpoints."""

    topic: str
    n: int
    slope: float
    low: float
    high: float
    """The 95% interval by Student's t with n - 1 degrees of freedom; not adjusted for the number of topics."""


class Change(NamedTuple):
    """One fact's scores, from the smallest model to the largest."""

    fact: str
    topic: str
    values: tuple[float, ...]
    slope: float
    """The fitted change per decade of size."""


def topic_slopes(matrix: Matrix, x: npt.ArrayLike) -> list[TopicSlope]:
    """The slope of each topic with at least three facts, the steepest first; x = log10 size, shape (sizes,)."""
    slopes = _slopes(matrix, x)
    topics = np.array(matrix.topics)
    found = []
    for topic in dict.fromkeys(matrix.topics):
        inside = slopes[topics == topic]
        if len(inside) < FEWEST_FACTS:
            continue
        mean, reach = inside.mean(), stats.t.ppf(0.975, len(inside) - 1) * stats.sem(inside)
        found.append(TopicSlope(topic, len(inside), float(mean), float(mean - reach), float(mean + reach)))
    return sorted(found, key=lambda each: -each.slope)


def most_changed(matrix: Matrix, x: npt.ArrayLike, number: int) -> list[Change]:
    """The facts that rose most and those that fell most, as many of each, the steepest rise first."""
    slopes = _slopes(matrix, x)
    order = np.argsort(-slopes, kind="stable")
    picked = [*order[:number], *order[max(number, len(order) - number) :]]
    return [
        Change(matrix.facts[i], matrix.topics[i], tuple(map(float, matrix.values[i])), float(slopes[i])) for i in picked
    ]


def _slopes(matrix: Matrix, x: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Each fact's least-squares slope."""
    size = np.asarray(x, dtype=float)
    deviation = size - size.mean()
    return np.asarray(matrix.values @ deviation / (deviation @ deviation))
