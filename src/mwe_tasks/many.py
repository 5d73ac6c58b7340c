"""Many verdicts at once: which of their changes stand, and intervals that hold for those that were selected."""

from collections.abc import Sequence
from typing import NamedTuple

from scipy import stats

from mwe_tasks.joint_t import student
from mwe_tasks.levels import Level

RATE = 0.05
NOT_INDEPENDENT = "Datasets scored by the same models are not independent findings: one odd model moves all of them."


class Chosen(NamedTuple):
    """One slope among many, and whether it stands."""

    adjusted: float
    """Its p value adjusted by Benjamini and Hochberg; at most .05 where it is selected."""
    selected: bool
    low: float | None
    high: float | None
    """Of a selected one, the interval of its slope per decade; None else."""
    confidence: float | None
    """Of that interval."""


def among_many(levels: Sequence[Level]) -> tuple[Chosen, ...]:
    """Which of M slopes differ from 0 at a false discovery rate of .05, one finding a level.

    The R selected have intervals of level 1 - .05 R / M, so that the expected share of those that miss is at most .05
    (Benjamini and Yekutieli 2005). Every slope that was judged counts, whatever the word was.
    """
    if not levels:
        return ()
    adjusted = stats.false_discovery_control([level.p for level in levels])
    selected = adjusted <= RATE
    alpha = RATE * selected.sum() / len(levels)
    return tuple(
        _selected(level, float(p), alpha) if chosen else Chosen(float(p), False, None, None, None)
        for level, p, chosen in zip(levels, adjusted, selected, strict=True)
    )


def _selected(level: Level, adjusted: float, alpha: float) -> Chosen:
    reach = student(1 - alpha / 2, level.freedom) * level.error
    return Chosen(adjusted, True, level.slope - reach, level.slope + reach, float(1 - alpha))
