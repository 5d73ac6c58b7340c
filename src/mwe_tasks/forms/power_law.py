"""A power law of size without an offset: for scores above 0."""

import numpy as np

from mwe_tasks.forms import Floats, Form


def curve(x: Floats, parameters: Floats) -> Floats:
    """start * 10^(exponent x): the exponent is that of size."""
    start, exponent = parameters
    return np.asarray(start * 10 ** (exponent * x))


def guess(x: Floats, means: Floats) -> Floats:
    """The least-squares line of the logarithms."""
    exponent, start = np.polyfit(x, np.log10(means), 1)
    return np.array([10**start, np.clip(exponent, -5, 5)])


FORM = Form(
    name="power-law",
    formula="start N^exponent",
    parameters=("start", "exponent"),
    curve=curve,
    guess=guess,
    low=(0.0, -5.0),
    high=(np.inf, 5.0),
    bends=True,
    suits=lambda means, bounded: bool((means > 0).all()),
)
