"""Other ways to call a trend, for comparison: each says, repeat by repeat, whether it claims one."""

import numpy as np
import numpy.typing as npt
from question_model import Cell
from scipy import stats

from mwe_tasks.claims import checkpoint_words
from mwe_tasks.trend import Floats

FLAT, NOISY, STANDARD = (
    Cell("flat", 0.0, 4, 1000, 0.0),
    Cell("flat", 0.0, 8, 1000, 0.05),
    Cell("standard", 0.2, 4, 1000, 0.0),
)
LONG = Cell("standard", 0.2, 8, 1000, 0.0)
RIVALS = {
    "last below first: inverse": (FLAT, NOISY),
    "Kendall, p < .05": (FLAT, STANDARD, LONG),
    "AICc, a line over a constant": (FLAT, STANDARD, LONG),
    "GLM with a quadratic, any p < .05": (FLAT, NOISY),
    "checkpoints with a fixed allowance of .02": (Cell("flat", 0.0, 8, 1000, 0.02), NOISY),
}
"""Each with the cells it is tried on."""
Flags = npt.NDArray[np.bool_]


def rival(name: str, means: Floats, covariance: Floats, cell: Cell) -> Flags:
    """Whether a rival claims a trend, shape (repeats,): of means (repeats, K) and their covariance."""
    if name.startswith("last"):
        return means[:, -1] < means[:, 0]
    if name.startswith("Kendall"):
        return np.array(
            [
                stats.kendalltau(cell.x, each, method="exact").pvalue < 0.05 if len(set(each)) == len(each) else False
                for each in means
            ]
        )
    if name.startswith("AICc"):
        return _aicc(means, cell.x)
    if name.startswith("GLM"):
        return _quadratic(means, cell)
    allowed = covariance + 0.02**2 * np.eye(cell.number)
    return np.isin(
        checkpoint_words(means, allowed, cell.x, cell.n - 1, 0.05), ["U", "inverted-U", "standard", "inverse"]
    )


def _aicc(means: Floats, x: Floats) -> Flags:
    """Whether a line (3 parameters with the variance) has a smaller AICc than a constant (2)."""
    size = len(x)
    centred, deviation = means - means.mean(axis=1, keepdims=True), x - x.mean()
    constant = np.sum(centred**2, axis=1)
    line = constant - (centred @ deviation) ** 2 / np.sum(deviation**2)

    def criterion(rest: Floats, parameters: int) -> Floats:
        spare = size - parameters - 1
        penalty = 2 * parameters * (1 + (parameters + 1) / spare) if spare > 0 else np.inf
        return size * np.log(rest / size) + penalty

    return criterion(line, 3) < criterion(constant, 2)


def _quadratic(means: Floats, cell: Cell) -> Flags:
    """Whether a logistic regression of all rows on u and u^2, rows independent, finds either with p < .05."""
    u = 2 * cell.u - 1
    terms = np.stack([np.ones_like(u), u, u**2], axis=1)
    coefficients = np.zeros((len(means), 3))
    for _ in range(25):
        fitted = 1 / (1 + np.exp(-coefficients @ terms.T))
        weight = cell.n * fitted * (1 - fitted)
        information = np.einsum("ka,rk,kb->rab", terms, weight, terms)
        score = cell.n * (means - fitted) @ terms
        coefficients += np.linalg.solve(information, score[..., None])[..., 0]
    errors = np.sqrt(np.diagonal(np.linalg.inv(information), axis1=1, axis2=2))
    return (np.abs(coefficients[:, 1:] / errors[:, 1:]) > stats.norm.ppf(0.975)).any(axis=1)
