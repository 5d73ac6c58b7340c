"""Made-up scores whose shape over sizes is known."""

import numpy as np

SIZES = {
    2: (1e9, 1e11),
    3: (1e8, 1e9, 1e10),
    4: (0.35e9, 1.3e9, 6.7e9, 175e9),
    5: (0.7e8, 1.6e8, 4.1e8, 14e8, 69e8),
    6: (0.49e9, 1.54e9, 3.09e9, 7.61e9, 14.7e9, 72.7e9),
    8: (0.7e8, 1.6e8, 4.1e8, 10.1e8, 14.1e8, 27.8e8, 68.6e8, 118.5e8),
}


def scores(curve, sizes, n=400, seed=1, spread=0.3):
    """Normal scores, shape (n, K), around a curve over u in [0, 1]; what a fact has of its own is at every size."""
    draw = np.random.default_rng(seed)
    x = np.log10(sizes)
    u = (x - x[0]) / (x[-1] - x[0])
    own = draw.normal(size=(n, 1))
    return 0.5 + np.vectorize(curve)(u) + spread * (own + draw.normal(size=(n, len(x)))) / 2


def rising(u):
    return 0.3 * u


def falling(u):
    return -0.3 * u


def valley(u):
    return -0.4 * min(u, 1 - u) / 0.5


def hill(u):
    return 0.4 * min(u, 1 - u) / 0.5


def level(u):
    return 0.0
