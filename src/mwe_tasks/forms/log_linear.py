"""A straight line on the logarithm of size."""

import numpy as np

from mwe_tasks.forms import Floats, Form


def curve(x: Floats, parameters: Floats) -> Floats:
    """a + b x."""
    start, slope = parameters
    return np.asarray(start + slope * x)


def guess(x: Floats, means: Floats) -> Floats:
    """The least-squares line."""
    slope, start = np.polyfit(x, means, 1)
    return np.array([start, slope])


FORM = Form(
    name="log-linear",
    formula="start + slope x",
    parameters=("start", "slope"),
    curve=curve,
    guess=guess,
    low=(-np.inf, -np.inf),
    high=(np.inf, np.inf),
    bends=False,
    suits=lambda means, bounded: True,
)
