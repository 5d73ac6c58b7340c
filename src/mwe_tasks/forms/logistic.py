"""A logistic curve in the logarithm of size that rises from a floor to 1: for shares of facts."""

import numpy as np
from scipy.special import expit, logit

from mwe_tasks.forms import Floats, Form


def curve(x: Floats, parameters: Floats) -> Floats:
    """floor + (1 - floor) / (1 + exp(-steepness (x - middle)))."""
    floor, middle, steepness = parameters
    return np.asarray(floor + (1 - floor) * expit(steepness * (x - middle)))


def guess(x: Floats, means: Floats) -> Floats:
    """The line of the means' log odds above a floor that lies a little below the least of them."""
    floor = max(0.0, float(means.min()) - 0.05)
    above = np.clip((means - floor) / (1 - floor), 0.01, 0.99)
    steepness, start = np.polyfit(x, logit(above), 1)
    steepness = steepness if abs(steepness) > 1e-3 else 1e-3
    return np.array([floor, np.clip(-start / steepness, -20, 20), np.clip(steepness, -50, 50)])


FORM = Form(
    name="logistic",
    formula="floor + (1 - floor) / (1 + exp(-steepness (x - middle)))",
    parameters=("floor", "middle", "steepness"),
    curve=curve,
    guess=guess,
    low=(0.0, -20.0, -50.0),
    high=(0.99, 20.0, 50.0),
    bends=True,
    suits=lambda means, bounded: bounded,
)
