"""What is refused before a verdict, each reason one sentence; a refused level still gives its slope and interval."""

import math

import numpy as np

from mwe_tasks.trend import Floats

FACTS, CLUSTERS, DECADES = 100, 30, 1.0
CENSORED, COVERAGE = 0.05, 0.1
NEEDED = {"checkpoints": 3, "family": 5}
"""From how many sizes a level has words."""
SHAPED = {"checkpoints": 4, "family": 6}
"""From how many sizes a level tells a U."""


def too_few_sizes(level: str, number: int) -> str | None:
    """Why a level has no word for so few sizes; None where it has."""
    if number >= NEEDED[level]:
        return None
    if level == "checkpoints":
        return "Two sizes give a difference and no trend: a verdict on these checkpoints needs 3 sizes."
    return (
        f"{number} sizes cannot tell a trend of the family from noise between models: a verdict on it needs 5 sizes, "
        "and a U needs 6."
    )


def too_little(n: int, clusters: int, x: Floats | None) -> list[str]:
    """Why so few facts or clusters, or sizes x = log10 N (None for an order alone) over so short a range, bear none."""
    found = []
    if n < FACTS:
        found.append(f"{n} facts are too few: a verdict needs {FACTS}.")
    elif clusters < CLUSTERS:
        found.append(f"{clusters} clusters of facts are too few: a verdict needs {CLUSTERS}.")
    if x is not None and (decades := x[-1] - x[0]) < DECADES - 1e-9:
        found.append(f"The sizes span {math.floor(100 * decades) / 100} decades: a trend needs one decade.")
    return found


def no_variation(scores: Floats, *, bounded: bool) -> list[str]:
    """Why scores of shape (n, K) that no fact sets apart at any size bear no verdict.

    All right or all wrong is a finding, with the error of half a fact; one other number for every fact is not.
    """
    if np.ptp(scores, axis=0).max() > 1e-9 * max(1.0, float(np.abs(scores).max())):
        return []
    if bounded and np.array_equal(scores[0], scores[0].round()):
        return []
    return ["Every fact has the same score: nothing varies that a trend could be measured against."]
