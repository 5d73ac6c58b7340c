"""Scores of facts at each size to a verdict: standard, inverse, U, inverted-U, flat, inconclusive or refused.

Formulas, error rates and limits: docs/verdict.md and docs/calibration.md.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mwe_tasks import levels
from mwe_tasks.claims import checkpoint_words, family_words
from mwe_tasks.estimates import TOPIC_CLUSTERS
from mwe_tasks.levels import Arm, Level
from mwe_tasks.refusals import NEEDED, no_variation, too_little
from mwe_tasks.trend import Floats, contrasts, covariance, with_ridge

__all__ = ["KINDS", "Arm", "Kind", "LeftOut", "Level", "Verdict", "judge"]


class Kind(NamedTuple):
    """A kind of score."""

    name: str
    delta: float
    """How much change over the range still counts as flat."""
    bounded: bool
    """Whether scores lie in [0, 1], or in [-1, 0] once turned, before arms are weighted."""


KINDS = {
    kind.name: kind
    for kind in (
        Kind("accuracy", 0.05, bounded=True),
        Kind("probability", 0.05, bounded=True),
        Kind("Brier", 0.05, bounded=True),
        Kind("loss", 0.10, bounded=False),
        Kind("log odds", 0.50, bounded=False),
    )
}
"""By name; loss and log odds are in nats."""


class LeftOut(NamedTuple):
    """The words without one size; None where fewer are left than the level needs."""

    index: int  # type: ignore[assignment]  # of the size; the method of tuples is not missed
    checkpoints: str | None
    family: str | None


class Verdict(NamedTuple):
    """What scores over sizes say, at both levels."""

    kind: str
    n: int
    """Facts."""
    sizes: tuple[float, ...]
    means: tuple[float, ...]
    errors: tuple[float, ...]
    """Standard errors of the means, without the ridge."""
    checkpoints: Level
    family: Level
    left_out: tuple[LeftOut, ...]
    covariance: tuple[tuple[float, ...], ...]
    """Of the means, with its ridge; shape (sizes, sizes)."""
    clustered_by: str
    """fact, topic or cluster."""
    clusters: int
    """How many of those."""

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Of the checkpoints level: left, then right; their joint critical value is drawn when they are asked for."""
        x = np.log10(np.asarray(self.sizes))
        return levels.arms(np.asarray(self.means), np.asarray(self.covariance), x, self.clusters - 1)


class _Evidence(NamedTuple):
    """The means over sizes with what their covariance rests on."""

    means: Floats
    covariance: Floats
    """Without its ridge."""
    ridged: Floats
    by: str
    clusters: int


def judge(
    scores: npt.ArrayLike,
    sizes: Sequence[float],
    kind: Kind,
    *,
    topics: Sequence[object] | None = None,
    clusters: Sequence[object] | None = None,
    refusals: Sequence[str] = (),
    ranks: bool = False,
) -> Verdict:
    """The verdict at both levels on scores of the same facts at each size.

    scores: shape (n facts, K sizes), turned so that higher is better, none missing. sizes: of the models, above 0 and
    increasing, in parameters or whatever the axis is. topics: one a fact; from 30 up they cluster where that gives the
    full change the larger variance. clusters: one a fact, where facts are surely drawn within them (paraphrases of one
    question); fewer than 30 are refused. refusals: reasons found elsewhere, one sentence each. ranks: whether
    sizes are an order alone, which has no range to be too short. A refused level keeps its slope, interval and noise.
    Raises ValueError for scores, sizes or labels that are not that.
    """
    values, x = _checked(scores, sizes)
    for labels in (topics, clusters):
        if labels is not None and len(labels) != len(values):
            raise ValueError(f"{len(labels)} topics or clusters for {len(values)} facts: one a fact")
    evidence = _evidence(values, x, kind, topics, clusters)
    checkpoints, family = _both(values, x, kind, evidence, refusals, ranks)

    def without(index: int) -> LeftOut:
        left = len(x) - 1
        if left < NEEDED["checkpoints"]:
            return LeftOut(index, None, None)
        fewer, apart = np.delete(values, index, axis=1), np.delete(x, index)
        found = _evidence(fewer, apart, kind, topics, clusters)
        refused = bool([*refusals, *_reasons(fewer, apart, kind, found, ranks)])
        one = checkpoint_words(found.means, found.ridged, apart, found.clusters - 1, kind.delta)
        other = family_words(found.means, found.ridged, apart, kind.delta) if left >= NEEDED["family"] else None
        words = [None if word is None else "refused" if refused else str(word) for word in (one, other)]
        return LeftOut(index, *words)

    return Verdict(
        kind=kind.name,
        n=len(values),
        sizes=tuple(float(size) for size in sizes),
        means=tuple(evidence.means.tolist()),
        errors=tuple(np.sqrt(np.diag(evidence.covariance)).tolist()),
        checkpoints=checkpoints,
        family=family,
        left_out=tuple(without(index) for index in range(len(x))),
        covariance=tuple(map(tuple, evidence.ridged.tolist())),
        clustered_by=evidence.by,
        clusters=evidence.clusters,
    )


def _checked(scores: npt.ArrayLike, sizes: Sequence[float]) -> tuple[Floats, Floats]:
    """The scores and log10 of the sizes."""
    values, given = np.asarray(scores, dtype=float), np.asarray(sizes, dtype=float)
    if values.ndim != 2 or values.shape[1:] != given.shape:
        raise ValueError(f"scores of shape {values.shape} for {given.shape} sizes: one row a fact, one column a size")
    if len(given) < 2:
        raise ValueError("one size has nothing to be compared with: at least two")
    if not (np.isfinite(given).all() and (given > 0).all() and (np.diff(given) > 0).all()):
        raise ValueError(f"sizes {given.tolist()}: each above 0, no two equal, from small to large")
    if len(values) < 2:
        raise ValueError(f"{len(values)} facts: at least two, or nothing says how much chance there is in a mean")
    if not np.isfinite(values).all():
        raise ValueError("a score is missing or infinite: leave that fact out at every size, and count it")
    return values, np.log10(given)


def _evidence(
    values: Floats, x: Floats, kind: Kind, topics: Sequence[object] | None, clusters: Sequence[object] | None
) -> _Evidence:
    """The means, with the covariance of facts or of topics that gives the full change the larger variance."""
    if clusters is None:
        found = [(covariance(values), "fact", len(values))]
    else:
        found = [(covariance(values, clusters), "cluster", _distinct(clusters))]
    if topics is not None and _distinct(topics) >= TOPIC_CLUSTERS:
        found.append((covariance(values, topics), "topic", _distinct(topics)))
    full = contrasts(x).full
    larger, by, number = max(found, key=lambda each: float(full @ each[0] @ full))
    spread = 1.0 if kind.bounded else float(values.std()) or 1.0
    return _Evidence(values.mean(axis=0), larger, with_ridge(larger, len(values), spread), by, number)


def _distinct(labels: Sequence[object]) -> int:
    return len({str(label) for label in labels})


def _both(
    values: Floats, x: Floats, kind: Kind, evidence: _Evidence, reasons: Sequence[str], ranks: bool
) -> tuple[Level, Level]:
    """Both levels, refused where there are reasons."""
    every = [*reasons, *_reasons(values, x, kind, evidence, ranks)]
    means, found = evidence.means, evidence.ridged
    return (
        _refused(levels.checkpoints(means, found, x, evidence.clusters - 1, kind.delta), every),
        _refused(levels.family(means, found, x, kind.delta), every),
    )


def _reasons(values: Floats, x: Floats, kind: Kind, evidence: _Evidence, ranks: bool) -> list[str]:
    """Why these scores themselves bear no verdict."""
    return [
        *no_variation(values, bounded=kind.bounded),
        *too_little(len(values), evidence.clusters, None if ranks else x),
    ]


def _refused(level: Level, reasons: Sequence[str]) -> Level:
    every = [*reasons, *([level.refused] if level.refused else [])]
    return level._replace(word="refused", refused=" ".join(every), tau_star=None) if every else level
