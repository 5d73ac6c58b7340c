"""What is claimed of a trend at each level, from the means over sizes and their covariance.

means: shape (..., K), higher is better; covariance: of them, with its ridge, (..., K, K); x: log10 N, (K,), increasing;
delta: how much change still counts as flat. Any number of repeats at once, which the calibration needs.
Formulas: docs/verdict.md.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mwe_tasks.joint_t import bounds, critical, student
from mwe_tasks.refusals import NEEDED, SHAPED
from mwe_tasks.trend import Floats, contrasts, fit, variance

Words = npt.NDArray[np.str_]
Flags = npt.NDArray[np.bool_]

ALPHA, ALPHA_LINE, ALPHA_U = 0.05, 0.035, 0.04
"""Two-sided: of checkpoints; of a family's full change; of its U, shared by the K - 2 places where it may turn."""
WORDS = ("U", "inverted-U", "standard", "inverse", "flat")
"""In the order in which they are claimed; else inconclusive."""


class ArmTests:
    """The checkpoints level's arms, left then right: estimates, errors, and what of them is significant."""

    def __init__(self, means: Floats, covariance: Floats, x: Floats) -> None:
        lines = contrasts(x)
        self.rows = np.concatenate([lines.left, lines.right])
        self.covariance = covariance
        self.change = means @ self.rows.T
        self.error = np.sqrt(variance(self.rows, covariance))
        self.left, self.right = np.split(self.change / self.error, 2, axis=-1)

    def exact(self, df: int) -> float:
        """The joint critical value, for one repeat."""
        return critical(self.rows @ self.covariance @ self.rows.T / np.outer(self.error, self.error), df, ALPHA)

    def flags(self, value: float) -> Flags:
        """Shape (..., 4): a U, an inverted U, any arm down, any arm up. None of them comes with a larger value."""
        down, up = (self.left < -value, self.right < -value), (self.left > value, self.right > value)
        found = (down[0] & up[1], up[0] & down[1], down[0] | down[1], up[0] | up[1])
        return np.stack([each.any(axis=-1) for each in found], axis=-1)


def _within(change: Floats, reach: Floats, delta: float) -> Flags:
    return np.abs(change) + reach < delta


def checkpoint_words(means: Floats, covariance: Floats, x: Floats, df: int, delta: float) -> Words:
    """The word of each repeat at the checkpoints level, shape (...); K >= 3, and no U for K = 3.

    The arms' joint critical value is drawn only where its bounds lead to different words.
    """
    lines = contrasts(x)
    rows = np.stack([lines.full, lines.bow])
    change, error = means @ rows.T, np.sqrt(variance(rows, covariance))
    t, c = change[..., 0] / error[..., 0], student(1 - ALPHA / 2, df)
    flat = _within(change, student(0.95, df) * error, delta).all(axis=-1)
    shaped = len(x) >= SHAPED["checkpoints"]

    def words(flags: Flags) -> Words:
        u, inverted, down, up = np.moveaxis(flags, -1, 0)
        u, inverted = u & shaped, inverted & shaped
        claims = [u & ~inverted, inverted & ~u, (t > c) & ~down, (t < -c) & ~up, flat]
        return np.select([u & inverted, *claims], ["inconclusive", *WORDS], "inconclusive")

    arms = ArmTests(means, covariance, x)
    low, high = (arms.flags(bound) for bound in bounds(ALPHA, len(arms.rows), df))
    unsure = (words(low) != words(high)) | low[..., :2].all(axis=-1)
    for where in np.argwhere(unsure):
        one = ArmTests(means[tuple(where)], covariance[tuple(where)], x)
        low[tuple(where)] = one.flags(one.exact(df))
    return words(low)


class FamilyTests(NamedTuple):
    """The statistics of the family level, each of shape (...)."""

    change: Floats
    error: Floats
    noise: Floats
    """tau1^2, the variance of the means about the line that sampling does not explain."""
    left: Floats
    right: Floats
    """The t statistics of the best two-arm line; NaN for K < 5."""


def family_tests(means: Floats, covariance: Floats, x: Floats) -> FamilyTests:
    """The statistics of the family level, for K >= 2."""
    line = fit(np.stack([np.ones_like(x), x], axis=1), means, covariance)
    full = (x[-1] - x[0]) * line.weights[1:]
    error = np.sqrt(variance(full, covariance)[..., 0] + line.noise * np.sum(full**2))
    left, right = _best_two_arms(means, covariance, x) if len(x) >= NEEDED["family"] else (error * np.nan,) * 2
    return FamilyTests((means @ full.T)[..., 0], error, line.noise, left, right)


def _best_two_arms(means: Floats, covariance: Floats, x: Floats) -> tuple[Floats, Floats]:
    """The t statistics of the left and right arm that turn at the interior size which leaves the least over."""
    found = []
    for k in range(1, len(x) - 1):
        turn = x - x[k]
        two = fit(np.stack([np.ones_like(x), np.minimum(turn, 0), np.maximum(turn, 0)], axis=1), means, covariance)
        arms = two.weights[1:] * np.array([[-turn[0]], [turn[-1]]])
        error = np.sqrt(variance(arms, covariance) + two.noise[..., None] * np.sum(arms**2, axis=1))
        found.append((two.rss, means @ arms.T / error))
    best = np.argmin([rss for rss, _ in found], axis=0)
    t = np.take_along_axis(np.array([t for _, t in found]), best[None, ..., None], axis=0)[0]
    return t[..., 0], t[..., 1]


def family_words(means: Floats, covariance: Floats, x: Floats, delta: float) -> Words:
    """The word of each repeat at the family level, shape (...); K >= 5, and no U for K = 5."""
    size, tests = len(x), family_tests(means, covariance, x)
    c1 = student(1 - ALPHA_LINE / 2, size - 2)
    c2 = student(1 - ALPHA_U / 2 / (size - 2), size - 3) if size >= SHAPED["family"] else np.inf
    c3, q = student(0.95, size - 3), student(0.95, size - 2)
    t, left, right = tests.change / tests.error, tests.left, tests.right
    bow = contrasts(x).bow[None]
    bow_error = np.sqrt(variance(bow, covariance)[..., 0] + tests.noise * np.sum(bow**2))
    bent = (means @ bow.T)[..., 0]
    flat = _within(tests.change, q * tests.error, delta) & _within(bent, q * bow_error, delta)
    claims = [
        (left < -c2) & (right > c2),
        (left > c2) & (right < -c2),
        (t > c1) & (left >= -c3) & (right >= -c3),
        (t < -c1) & (left <= c3) & (right <= c3),
        flat,
    ]
    return np.select(claims, WORDS, "inconclusive")
