"""Scaling curves fitted to the means of a score over sizes, with intervals by a bootstrap that keeps facts paired."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from mwe_tasks.forms import Floats, Form

SIZES, DECADES = 8, 2.5
"""Below either, asymptotes, exponents and break points are not told: at four sizes a fitted exponent spans .13 to .53
over repeats of one truth."""
DRAWS, SEED = 200, 7
STARTS = 6
AT_BOUND = 1e-3
"""This near to a bound a parameter stands at it."""


class Curve(NamedTuple):
    """One form fitted to one score."""

    form: Form
    parameters: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    """95% intervals of the parameters: percentiles over resampled facts."""
    rss: float
    """The residual sum of squares of the means."""

    @property
    def at_bound(self) -> list[str]:
        """The parameters that ran into a bound of the form: the means do not fix them, nor those beside them."""
        near = zip(self.form.parameters, self.parameters, self.form.low, self.form.high, strict=True)
        return [name for name, value, low, high in near if min(abs(value - low), abs(high - value)) < AT_BOUND]


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


def fit_curve(form: Form, scores: npt.ArrayLike, x: npt.ArrayLike) -> Curve:
    """A form fitted to scores, by least squares on their means.

    scores: shape (facts, sizes); x: log10 of sizes, shape (sizes,). The form has to suit the means.
    """
    values, sizes = np.asarray(scores, dtype=float), np.asarray(x, dtype=float)
    sizes, means = sizes - sizes[0], values.mean(axis=0)
    best = fit_form(form, sizes, means, np.random.default_rng(SEED))
    draws = np.array([_solve(form, sizes, each, best) for each in _resampled_means(values)])
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    rss = float(np.sum((form.curve(sizes, best) - means) ** 2))
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
