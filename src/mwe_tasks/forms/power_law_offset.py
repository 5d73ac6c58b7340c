"""A power law of size towards an asymptote."""

import numpy as np

from mwe_tasks.forms import Floats, Form


def curve(x: Floats, parameters: Floats) -> Floats:
    """asymptote + distance * 10^(-exponent x): the distance is that of the smallest size."""
    asymptote, distance, exponent = parameters
    return np.asarray(asymptote + distance * 10 ** (-exponent * x))


def guess(x: Floats, means: Floats) -> Floats:
    """An asymptote a little past the last mean, approached at a middling pace."""
    beyond = means[-1] + 0.25 * (means[-1] - means[0])
    return np.array([beyond, means[0] - beyond, 0.5])


FORM = Form(
    name="power-law-offset",
    formula="asymptote + distance N^-exponent",
    parameters=("asymptote", "distance", "exponent"),
    curve=curve,
    guess=guess,
    low=(-np.inf, -np.inf, 1e-3),
    high=(np.inf, np.inf, 5.0),
    bends=True,
    suits=lambda means, bounded: True,
)
