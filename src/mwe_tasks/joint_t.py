"""The joint critical value of several t statistics that share their degrees of freedom."""

from functools import lru_cache

import numpy as np
from scipy import stats

from mwe_tasks.trend import Floats

DRAWS, CHUNK, SEED = 400_000, 8_000, 20_240_229


@lru_cache(maxsize=4096)
def student(probability: float, df: float) -> float:
    """The quantile of Student's t; kept, since SciPy's takes longer than all else in a verdict."""
    return float(stats.t.ppf(probability, df))


def bounds(alpha: float, number: int, df: float) -> tuple[float, float]:
    """Between which values the joint critical value of so many statistics lies, whatever their correlation.

    The lower is that of one statistic, the upper Bonferroni's.
    """
    return student(1 - alpha / 2, df), student(1 - alpha / 2 / number, df)


def critical(correlation: Floats, df: float, alpha: float) -> float:
    """The value that the largest |t| of a multivariate t exceeds with probability alpha.

    correlation: shape (a, a), singular or not; df: the degrees of freedom. From 400,000 draws with a fixed seed (its
    Monte Carlo standard error is about .003), held between the bounds that are true of any correlation. Source:
    Hothorn, Bretz and Westfall 2008, section 3.
    """
    low, high = bounds(alpha, len(correlation), df)
    return float(np.clip(_drawn(correlation.round(9).tobytes(), len(correlation), df, alpha), low, high))


@lru_cache(maxsize=4096)
def _drawn(correlation: bytes, number: int, df: float, alpha: float) -> float:
    """The quantile over the draws; the symmetric root makes it the same whatever order and sign the rows have."""
    values, vectors = np.linalg.eigh(np.frombuffer(correlation).reshape(number, number))
    root = ((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T).astype(np.float32)
    normal, largest = _normal(number), np.empty(DRAWS, dtype=np.float32)
    for start in range(0, DRAWS, CHUNK):  # what stays in a processor's cache is several times faster
        part = slice(start, start + CHUNK)
        drawn = root @ normal[:, part]
        largest[part] = np.abs(drawn, out=drawn).max(axis=0)
    rank = round(DRAWS * (1 - alpha))
    return float(np.partition(largest / _scale(df), rank)[rank])


@lru_cache(maxsize=2)
def _normal(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(SEED).standard_normal((number, DRAWS), dtype=np.float32)


@lru_cache(maxsize=8)
def _scale(df: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The square root of a chi-squared over its degrees of freedom, one a draw."""
    return np.sqrt(np.random.default_rng(SEED + 1).chisquare(df, DRAWS) / df).astype(np.float32)
