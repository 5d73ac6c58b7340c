"""Scaling curves fitted to the means of a score over sizes, with intervals by a bootstrap that keeps facts paired."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from mwe_tasks.forms import Floats, Form, known_forms

SIZES, DECADES = 8, 2.5
"""Below either, asymptotes, exponents and break points are not told: at four sizes a fitted exponent spans .13 to .53
over repeats of one truth."""
DRAWS, SEED = 200, 7
STARTS = 6


class Curve(NamedTuple):
    """One form fitted to one score."""

    form: Form
    parameters: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    """95% intervals of the parameters: percentiles over resampled facts."""
    rss: float
    """The residual sum of squares of the means."""


def refused(x: npt.ArrayLike) -> str | None:
    """Why no curve that bends is fitted to sizes x = log10 N; None where it is."""
    sizes = np.asarray(x, dtype=float)
    decades = float(np.ptp(sizes))
    if len(sizes) >= SIZES and decades >= DECADES - 1e-9:
        return None
    return (
        f"Asymptotes, exponents and break points are not fitted to {len(sizes)} sizes over {decades:.1f} decades: "
        f"that takes {SIZES} sizes and {DECADES} decades."
    )


def fit_curves(scores: npt.ArrayLike, x: npt.ArrayLike, *, bounded: bool) -> list[Curve]:
    """Every form that suits a score and its sizes, those that fit best first.

    scores: shape (facts, sizes); x: log10 of sizes, shape (sizes,). Fitted by least squares on the means.
    """
    values, sizes = np.asarray(scores, dtype=float), np.asarray(x, dtype=float)
    sizes = sizes - sizes[0]
    means = values.mean(axis=0)
    few = refused(x) is not None
    forms = [form for form in known_forms() if form.suits(means, bounded) and not (form.bends and few)]
    resampled = list(_resampled_means(values))
    return sorted((_fit(form, sizes, means, resampled) for form in forms), key=lambda curve: curve.rss)


def _fit(form: Form, x: Floats, means: Floats, resampled: list[Floats]) -> Curve:
    best = fit_form(form, x, means, np.random.default_rng(SEED))
    suitable = [each for each in resampled if form.suits(each, True)]
    draws = np.array([_solve(form, x, each, best) for each in suitable])
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    rss = float(np.sum((form.curve(x, best) - means) ** 2))
    return Curve(form, tuple(map(float, best)), tuple(map(float, low)), tuple(map(float, high)), rss)


def fit_form(form: Form, x: Floats, means: Floats, draw: np.random.Generator) -> Floats:
    """The parameters with the least sum of squares, from the form's guess and five starts around it."""
    guess = form.guess(x, means)
    starts = [
        guess,
        *(guess + draw.normal(size=len(guess)) * np.maximum(0.3, np.abs(guess)) for _ in range(STARTS - 1)),
    ]
    found = [_solve(form, x, means, start) for start in starts]
    return min(found, key=lambda each: float(np.sum((form.curve(x, each) - means) ** 2)))


def _solve(form: Form, x: Floats, means: Floats, start: Floats) -> Floats:
    low, high = np.array(form.low), np.array(form.high)
    inside = np.clip(start, low + 1e-9, high - 1e-9)
    found = least_squares(lambda each: form.curve(x, each) - means, inside, bounds=(low, high), x_scale="jac")
    return np.asarray(found.x)


def _resampled_means(values: Floats) -> Iterator[Floats]:
    """The means over facts drawn with replacement, each fact with its scores at every size."""
    draw = np.random.default_rng(SEED)
    for _ in range(DRAWS):
        yield values[draw.integers(len(values), size=len(values))].mean(axis=0)
