"""The two levels of a verdict, "these checkpoints" and "this family", each for one score of one set of models.

means: shape (K,), higher is better, K >= 2; covariance: of them, with its ridge, (K, K); x: log10 N, (K,), increasing;
delta: how much change still counts as flat. Formulas: docs/verdict.md.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from mwe_tasks.claims import ALPHA, ALPHA_LINE, ArmTests, checkpoint_words, family_tests, family_words
from mwe_tasks.joint_t import student
from mwe_tasks.refusals import too_few_sizes
from mwe_tasks.trend import Floats, contrasts, fit, variance


class Level(NamedTuple):
    """What one level says of a trend."""

    level: str
    """checkpoints or family."""
    word: str
    """standard, inverse, U, inverted-U, flat, inconclusive or refused."""
    slope: float
    """Of the least-squares line, per decade of size."""
    low: float
    high: float
    """Its interval, of the confidence below; infinite where no degrees of freedom are left."""
    p: float
    """Of no change, two-sided."""
    tau_star: float | None
    """Checkpoints: the model noise at which what is claimed would stop being significant; None for no such claim."""
    tau1: float | None
    """Family: the standard deviation of model noise about the line."""
    tau1_low: float | None
    tau1_high: float | None
    """Its 90% interval."""
    refused: str | None
    """Why there is no word, a sentence a reason."""
    error: float
    """Standard error of the slope."""
    freedom: int
    confidence: float


class Arm(NamedTuple):
    """The fitted change from one size to another, with its interval; those of one verdict hold jointly, at 95%."""

    first: int
    last: int
    change: float
    low: float
    high: float


def arms(means: Floats, covariance: Floats, x: Floats, df: int) -> tuple[Arm, ...]:
    """The checkpoints level's arms, left then right, each from an end to an interior size; none for two sizes."""
    found = ArmTests(means, covariance, x)
    if not found.rows.size:
        return ()
    reach = found.exact(df) * found.error
    ends = [(0, k) for k in range(1, len(x) - 1)] + [(k, len(x) - 1) for k in range(1, len(x) - 1)]
    return tuple(
        Arm(first, last, float(change), float(change - half), float(change + half))
        for (first, last), change, half in zip(ends, found.change, reach, strict=True)
    )


def checkpoints(means: Floats, covariance: Floats, x: Floats, df: int, delta: float) -> Level:
    """These checkpoints: a statement about these models, without model noise.

    df: n - 1, or one less than the clusters.
    """
    full = contrasts(x).full
    span = float(x[-1] - x[0])
    change, error = float(full @ means), float(np.sqrt(full @ covariance @ full))
    c = student(1 - ALPHA / 2, df)
    refused = too_few_sizes("checkpoints", len(x))
    word = "refused" if refused else str(checkpoint_words(means, covariance, x, df, delta))
    return Level(
        level="checkpoints",
        word=word,
        slope=change / span,
        low=(change - c * error) / span,
        high=(change + c * error) / span,
        p=float(2 * stats.t.sf(abs(change) / error, df)),
        tau_star=_tau_star(word, means, covariance, x, df),
        tau1=None,
        tau1_low=None,
        tau1_high=None,
        refused=refused,
        error=error / span,
        freedom=df,
        confidence=1 - ALPHA,
    )


def _tau_star(word: str, means: Floats, covariance: Floats, x: Floats, df: int) -> float | None:
    """The noise at which |e| = c sqrt(row S row + tau^2 row row); of a U, in its place that bears most."""
    lines = contrasts(x)

    def bears(rows: Floats, c: float) -> Floats:
        rest = (rows @ means / c) ** 2 - variance(rows, covariance)
        noise: Floats = np.sqrt(np.maximum(rest, 0) / np.sum(rows**2, axis=1))
        return noise

    if word in {"standard", "inverse"}:
        return float(bears(lines.full[None], student(1 - ALPHA / 2, df))[0])
    if word in {"U", "inverted-U"}:
        c = ArmTests(means, covariance, x).exact(df)
        sign = 1 if word == "U" else -1
        turns = (sign * lines.left @ means < 0) & (sign * lines.right @ means > 0)
        return float(np.max(np.minimum(bears(lines.left, c), bears(lines.right, c)), where=turns, initial=0))
    return None


def family(means: Floats, covariance: Floats, x: Floats, delta: float) -> Level:
    """This family: robust to model noise of unknown size, independent over sizes.

    With noise that carries over from size to size its error is larger: docs/calibration.md.
    """
    size, span = len(x), float(x[-1] - x[0])
    freedom, tests = size - 2, family_tests(means, covariance, x)
    slope, error = float(tests.change) / span, float(tests.error) / span
    reach = student(1 - ALPHA_LINE / 2, freedom) * error if freedom else np.inf
    noise = _noise_interval(means, covariance, x) if freedom else None
    refused = too_few_sizes("family", size)
    return Level(
        level="family",
        word="refused" if refused else str(family_words(means, covariance, x, delta)),
        slope=slope,
        low=slope - reach,
        high=slope + reach,
        p=float(2 * stats.t.sf(abs(slope) / error, freedom)) if freedom else 1.0,
        tau_star=None,
        tau1=float(np.sqrt(tests.noise)) if noise else None,
        tau1_low=noise[0] if noise else None,
        tau1_high=noise[1] if noise else None,
        refused=refused,
        error=error,
        freedom=freedom,
        confidence=1 - ALPHA_LINE,
    )


def _noise_interval(means: Floats, covariance: Floats, x: Floats) -> tuple[float, float]:
    """The 90% interval of tau1."""
    line = fit(np.stack([np.ones_like(x), x], axis=1), means, covariance)
    quantiles = stats.chi2.ppf([0.95, 0.05], line.freedom)
    low, high = np.sqrt(np.maximum(0, line.rss / quantiles - line.expected / line.freedom))
    return float(low), float(high)
