"""Made-up answers of a family of models to questions, whose trend is known, many repeats at once.

Log odds of the right answer are mu_k + 1.5 a_i + 0.5 b_i u_k + e_ik plus a logistic error, so that a question is
answered rightly with probability sigmoid of the rest; a, b, e are standard normal, u is the log size, centred, scaled.
mu_k is solved so that the population's accuracy at size k is the truth's curve around .60, plus noise between models.
"""

import hashlib
from functools import cache
from typing import NamedTuple

import numpy as np

from mwe_tasks.trend import Floats

SIZES = {
    4: (0.35, 1.3, 6.7, 175),
    5: (0.0704, 0.162, 0.405, 1.01, 6.857),
    6: (0.49, 1.54, 3.09, 7.61, 14.7, 72.7),
    8: (0.0704, 0.162, 0.405, 1.01, 1.41, 2.775, 6.857, 11.85),
}
"""Billions of parameters: GPT-3; five of Pythia's; Qwen2.5 without its 32B; Pythia from 70M."""
CENTRE = 0.60
DISCRIMINATION, DRIFT = 1.5, 0.5


def _turn(u: Floats) -> float:
    """The interior size nearest to the middle, where what turns, turns."""
    return float(u[1 + np.argmin(np.abs(u[1:-1] - 0.5))])


def _valley(u: Floats) -> Floats:
    turn = _turn(u)
    return np.maximum((turn - u) / turn, (u - turn) / (1 - turn))


TRUTHS = {
    "flat": lambda u: 0 * u,
    "standard": lambda u: u - 0.5,
    "inverse": lambda u: 0.5 - u,
    "U": lambda u: _valley(u) - 0.5,
    "inverted-U": lambda u: 0.5 - _valley(u),
    "hinge": lambda u: np.maximum(u - _turn(u), 0) / (1 - _turn(u)) - 0.5,
    "plateau": lambda u: np.minimum(u, _turn(u)) / _turn(u) - 0.5,
    "step": lambda u: (u > 0.5) - 0.5,
}
"""Accuracy less its centre over u, from 0 at the smallest size to 1 at the largest, for an effect of 1."""


class Cell(NamedTuple):
    """One setting of the simulation; its name seeds it."""

    truth: str
    effect: float
    number: int
    """K, how many sizes."""
    n: int
    """Facts."""
    tau: float
    """Standard deviation of noise between models, in accuracy."""
    carried: float = 0.0
    """Correlation of that noise from one size to the next."""
    copies: int = 1
    """Paraphrases: rows that have the same a, b and e."""
    twins: bool = False
    """Whether a fact is two rows, which share a and b, and is scored by their mean."""
    scale: float = 1.0
    """By how much all log odds of the largest size are multiplied, growing evenly in log size from 1."""
    bias: float = 0.0
    """Nats towards Yes at the largest size, growing from 0; only twins are asked both ways round."""

    @property
    def x(self) -> Floats:
        """Log10 of the sizes."""
        return np.log10(SIZES[self.number])

    @property
    def u(self) -> Floats:
        """From 0 at the smallest size to 1 at the largest."""
        return (self.x - self.x[0]) / (self.x[-1] - self.x[0])


def generator(cell: Cell) -> np.random.Generator:
    """Seeded by the cell's name."""
    name = " ".join(f"{key}={value}" for key, value in cell._asdict().items())
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))


def log_odds(cell: Cell, repeats: int, draw: np.random.Generator) -> Floats:
    """Log odds of the right answer of each fact, shape (repeats, n x copies, K); copies stand side by side."""
    centred = (cell.x - cell.x.mean()) / cell.x.std()
    mu = _mu(_targets(cell, repeats, draw), centred)[:, None, :]

    def normal(*shape: int) -> Floats:
        return draw.standard_normal((repeats, *shape), dtype=np.float32)

    shared = DISCRIMINATION * normal(cell.n, 1) + DRIFT * centred.astype(np.float32) * normal(cell.n, 1)
    rows = []
    for sign in (1, -1) if cell.twins else (1,):
        eta = np.repeat(mu.astype(np.float32) + shared + normal(cell.n, cell.number), cell.copies, axis=1)
        chance = draw.random(eta.shape, dtype=np.float32).clip(1e-7, 1 - 1e-7)
        rows.append(eta + np.log(chance / (1 - chance)) + sign * (cell.bias * cell.u).astype(np.float32))
    return np.mean(rows, axis=0) * cell.scale**cell.u


def _targets(cell: Cell, repeats: int, draw: np.random.Generator) -> Floats:
    """The population's accuracy at each size, shape (repeats, K)."""
    gap = np.abs(np.subtract.outer(np.arange(cell.number), np.arange(cell.number)))
    correlation = cell.carried**gap if cell.carried else np.eye(cell.number)
    noise = draw.standard_normal((repeats, cell.number)) @ np.linalg.cholesky(correlation).T
    return CENTRE + cell.effect * TRUTHS[cell.truth](cell.u) + cell.tau * noise


def _mu(targets: Floats, centred: Floats) -> Floats:
    """The mu at which a population of questions has this accuracy."""
    found = np.empty_like(targets)
    for k, drift in enumerate(centred):
        grid, accuracy = _accuracies(float(np.sqrt(DISCRIMINATION**2 + (DRIFT * drift) ** 2 + 1)))
        found[:, k] = np.interp(targets[:, k].clip(0.01, 0.99), accuracy, grid)
    return found


@cache
def _accuracies(spread: float) -> tuple[Floats, Floats]:
    """Values of mu, and the accuracy of a population at each, by Gauss and Hermite's quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    grid = np.linspace(-12, 12, 4001)
    return grid, (1 / (1 + np.exp(-(grid[:, None] + spread * nodes)))) @ weights / weights.sum()
