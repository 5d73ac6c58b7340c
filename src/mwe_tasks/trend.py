"""What both levels of a verdict share: the covariance of the means over sizes, and rows of weights on them.

Sizes stand on the last axis; any number of leading axes (repeats of a simulation) may stand before. A contrast is a
row of K weights, so that its estimate is `row @ means` and its variance `row @ covariance @ row`. Formulas:
docs/verdict.md.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class Contrasts(NamedTuple):
    """Rows of weights on the means, each scaled to the fitted change over its segment of sizes."""

    full: Floats
    """Shape (K,): the least-squares slope over all sizes times their range."""
    left: Floats
    """Shape (K - 2, K): for each interior size, the fitted change from the first size to it."""
    right: Floats
    """Shape (K - 2, K): the same from it to the last size."""
    bow: Floats
    """Shape (K,): of a quadratic fit, the middle of the range less the mean of its ends; zeros for K = 2."""


def covariance(scores: npt.ArrayLike, clusters: Sequence[object] | None = None) -> Floats:
    """The covariance of the means over sizes, shape (..., K, K), which carries that the facts are the same.

    scores: shape (..., n, K). clusters: n labels of what facts are drawn within, each fact by itself where None; then
    it is CR1 (Cameron and Miller 2015, eq. 11) on the clusters' sums. Raises ValueError for fewer than two clusters.
    """
    values = np.asarray(scores, dtype=float)
    n = values.shape[-2]
    sums = values - values.mean(axis=-2, keepdims=True)
    if clusters is not None:
        number = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)[1]
        order = np.argsort(number, kind="stable")
        starts = np.flatnonzero(np.diff(number[order], prepend=-1))
        sums = np.add.reduceat(np.take(sums, order, axis=-2), starts, axis=-2)
    groups = sums.shape[-2]
    if groups < 2:
        raise ValueError("one fact, or one cluster of them, has no variance to judge a trend by: at least two")
    found: Floats = np.swapaxes(sums, -1, -2) @ sums * (groups / ((groups - 1) * n**2))
    return found


def with_ridge(found: Floats, n: int, spread: npt.ArrayLike) -> Floats:
    """A covariance with the variance (0.5 spread / n)^2 of half a fact added to its diagonal.

    spread: 1 for scores in [0, 1], else the standard deviation of all scores; one number or one a repeat.
    """
    added = (0.5 * np.asarray(spread, dtype=float)[..., None, None] / n) ** 2
    ridged: Floats = found + added * np.eye(found.shape[-1])
    return ridged


def contrasts(x: Floats) -> Contrasts:
    """The contrasts of sizes x = log10 N, shape (K,), increasing, K >= 2."""
    return _contrasts(x.astype(float).tobytes())


@lru_cache(maxsize=256)
def _contrasts(sizes: bytes) -> Contrasts:
    x = np.frombuffer(sizes)
    size = len(x)
    interior = range(1, size - 1)
    left = np.array([_change(x, 0, k) for k in interior]).reshape(-1, size)
    right = np.array([_change(x, k, size - 1) for k in interior]).reshape(-1, size)
    u = 2 * (x - x[0]) / (x[-1] - x[0]) - 1
    bow = -np.linalg.pinv(np.stack([np.ones(size), u, u**2], axis=1))[2] if size > 2 else np.zeros(size)
    return Contrasts(_change(x, 0, size - 1), left, right, bow)


def _change(x: Floats, first: int, last: int) -> Floats:
    """The weights of the least-squares slope over sizes first..last, times their range."""
    row = np.zeros(len(x))
    deviation = x[first : last + 1] - x[first : last + 1].mean()
    row[first : last + 1] = deviation / (deviation @ deviation) * (x[last] - x[first])
    return row


def variance(rows: Floats, found: Floats) -> Floats:
    """The variance of each contrast, shape (..., rows): rows has shape (rows, K), the covariance (..., K, K)."""
    values: Floats = np.einsum("ak,...kl,al->...a", rows, found, rows)
    return values


class Fit(NamedTuple):
    """A least-squares fit of a few terms to the means: what is left over is sampling error and model noise."""

    weights: Floats
    """Shape (terms, K): the rows that give each coefficient, pinv(terms)."""
    rss: Floats
    """Shape (...): the residual sum of squares."""
    expected: Floats
    """Shape (...): what of it sampling error alone would leave, tr(P S)."""
    freedom: int

    @property
    def noise(self) -> Floats:
        """The variance of a mean about the curve that sampling does not explain, shape (...); 0 where none can show."""
        found: Floats = np.maximum(0, (self.rss - self.expected) / max(self.freedom, 1))
        return found


@lru_cache(maxsize=1024)
def _projection(terms: bytes, number: int) -> tuple[Floats, Floats]:
    """The rows that give the coefficients, and what a fit leaves over, I - X pinv(X)."""
    given = np.frombuffer(terms).reshape(-1, number)
    weights = np.linalg.pinv(given).astype(float)
    return weights, np.eye(len(given)) - given @ weights


def fit(terms: Floats, means: Floats, found: Floats) -> Fit:
    """The least-squares fit of terms, shape (K, terms), to means (..., K) with covariance (..., K, K)."""
    weights, residual = _projection(terms.astype(float).tobytes(), terms.shape[1])
    rest = means @ residual
    return Fit(
        weights,
        np.einsum("...k,...k->...", rest, rest),
        np.einsum("kl,...lk->...", residual, found),
        len(terms) - terms.shape[1],
    )
