"""What can be found before it is looked for: the smallest detectable linear change, and the facts it needs.

Change is the fitted change over the whole range of sizes, in units of the score; scores of one fact at two sizes have
a correlation, and one size's scores a variance (accuracy around .60: .24). The checkpoints level has a formula; the
family's noise is estimated from K means, so its power comes from 4,000 repeats of those means with a fixed seed.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from scipy import optimize, stats

from mwe_tasks.claims import ALPHA, family_words
from mwe_tasks.refusals import too_few_sizes
from mwe_tasks.trend import Floats, contrasts

VARIANCE = 0.24
POWER = 0.8
REPEATS, SEED = 4_000, 5
MOST_FACTS = 1_000_000


def smallest_change(sizes: Sequence[float], n: int, correlation: float, *, variance: float = VARIANCE) -> float:
    """The linear change that the checkpoints level calls significant with 80% power from n facts.

    By the normal approximation: (z_.975 + z_.80) times the standard error of the full change.
    """
    return standard_errors() * math.sqrt(_one_fact(sizes, correlation, variance) / n)


def facts_needed(sizes: Sequence[float], change: float, correlation: float, *, variance: float = VARIANCE) -> int:
    """How many facts the checkpoints level needs to call this linear change significant with 80% power."""
    return math.ceil(_one_fact(sizes, correlation, variance) * (standard_errors() / change) ** 2)


def standard_errors() -> float:
    """How many standard errors a change must have to be found in 80% of repeats: z_.975 + z_.80."""
    return float(stats.norm.ppf(1 - ALPHA / 2) + stats.norm.ppf(POWER))


def _one_fact(sizes: Sequence[float], correlation: float, variance: float) -> float:
    """The variance of one fact's full change: its weights sum to 0, so what sizes share drops out."""
    full = contrasts(np.log10(np.asarray(sizes, dtype=float))).full
    return variance * (1 - correlation) * float(full @ full)


def family_power(
    sizes: Sequence[float],
    n: int,
    change: float,
    correlation: float,
    *,
    tau: float,
    delta: float,
    variance: float = VARIANCE,
) -> float:
    """How often the family level calls this linear change standard, at model noise tau (standard deviation).

    delta: that of the kind of score. Raises ValueError for fewer than 5 sizes, from which it claims nothing.
    """
    if refused := too_few_sizes("family", len(sizes)):
        raise ValueError(refused)
    x = np.log10(np.asarray(sizes, dtype=float))
    covariance: Floats = variance / n * ((1 - correlation) * np.eye(len(x)) + correlation)
    draws = np.random.default_rng(SEED).standard_normal((REPEATS, len(x)))
    noise = draws @ np.linalg.cholesky(covariance + tau**2 * np.eye(len(x))).T
    line = change * (x - x[0]) / (x[-1] - x[0])
    words = family_words(noise + line, np.broadcast_to(covariance, (REPEATS, *covariance.shape)), x, delta)
    return float(np.mean(words == "standard"))


def family_smallest_change(
    sizes: Sequence[float], n: int, correlation: float, *, tau: float, delta: float, variance: float = VARIANCE
) -> float:
    """The linear change that the family level calls standard with 80% power from n facts at model noise tau."""
    found = partial(family_power, sizes, n, correlation=correlation, tau=tau, delta=delta, variance=variance)
    scale = math.sqrt(variance / n + tau**2)
    return _where(lambda change: found(change=change), 0, 50 * scale)


def family_facts_needed(
    sizes: Sequence[float], change: float, correlation: float, *, tau: float, delta: float, variance: float = VARIANCE
) -> int | None:
    """How many facts the family level needs for 80% power; None where no number would do, for the noise of models."""
    found = partial(
        family_power, sizes, change=change, correlation=correlation, tau=tau, delta=delta, variance=variance
    )
    if found(n=MOST_FACTS) < POWER:
        return None
    return math.ceil(10 ** _where(lambda log_n: found(n=round(10**log_n)), 0, math.log10(MOST_FACTS)))


def _where(power: Callable[[float], float], low: float, high: float) -> float:
    """Where power, which grows from low to high, reaches 80%; low where it does there already."""
    if power(low) >= POWER:
        return low
    return float(optimize.bisect(lambda value: power(value) - POWER, low, high, xtol=1e-4 * (high - low)))
