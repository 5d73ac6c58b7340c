"""Findings to tables: a row a model and score, a row a fact, a row a model's every figure, and verdicts as records."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from mwe_tasks.caveats import censored_share
from mwe_tasks.contrasts import figures
from mwe_tasks.fit import Finding, Scored
from mwe_tasks.levels import Level
from mwe_tasks.lineup import Lineup
from mwe_tasks.wording import standing

Figures = Mapping[tuple[str, str], pd.DataFrame]
"""By `Lineup.key`: what `models_of` gives."""
AS_SCORED = ("split", "style", "template", "frame", "shots", "estimator", "checksum")
"""Columns of a run's table that every row of a result repeats."""


def table_of(findings: Sequence[Finding]) -> pd.DataFrame:
    """One row for each dataset, family, model and score.

    Columns: dataset, family, model, role, x, size (NaN where unknown), score, mean (nats, or a share),
    standard_error, low and high (95%), n (facts), dropped (facts left out), censored (share of questions), and how the
    model was asked.
    """
    return pd.DataFrame([row for finding in findings for scored in finding.pair for row in _rows(finding, scored)])


def facts_of(findings: Sequence[Finding]) -> pd.DataFrame:
    """The matrix behind each score: one row a fact, a column a model, beside dataset, family, score, topic, control."""
    frames = []
    for finding in findings:
        models = [run.member.name for run in finding.lineup.runs]
        for scored in finding.pair:
            matrix = scored.matrix
            head = {
                "dataset": finding.lineup.dataset,
                "family": finding.lineup.family.name,
                "score": scored.name,
                "fact": matrix.facts,
                "topic": matrix.topics,
                "control": matrix.controls,
            }
            frames.append(pd.DataFrame(head | dict(zip(models, matrix.values.T, strict=True))))
    return pd.concat(frames, ignore_index=True)


def models_of(lineup: Lineup) -> pd.DataFrame:
    """Every figure of each model by itself (`contrasts.figures`): model, size, figure, value, low, high, n, note."""
    return pd.DataFrame(
        [
            {"model": run.member.name, "size": run.size, "figure": each.name}
            | {"value": each.value, "low": each.low, "high": each.high, "n": each.n, "note": each.note}
            for run in lineup.runs
            for each in figures(run.table)
        ]
    )


def figures_of(findings: Sequence[Finding]) -> Figures:
    """Every figure of each model of each lineup, computed once for all that shows it."""
    return {key: models_of(lineup) for key, lineup in {f.lineup.key: f.lineup for f in findings}.items()}


def records_of(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The verdicts as plain JSON values: one a score and level.

    Keys: model_family, dataset, score, level ("checkpoints" or "family"), verdict (one of the six words, or
    "refused"), slope_per_decade, interval (95%, at the family level 96.5%), tau_star, tau1, n, warnings. What is not
    known is null.
    """
    return [
        _record(finding, scored, level)
        for finding in findings
        for scored in finding.pair
        for level in (scored.verdict.checkpoints, scored.verdict.family)
    ]


def _record(finding: Finding, scored: Scored, level: Level) -> dict[str, Any]:
    both = finding.checkpoints if level.level == "checkpoints" else finding.family
    refused = [level.refused] if level.refused else []
    return {
        "model_family": finding.lineup.family.name,
        "dataset": finding.lineup.dataset,
        "score": scored.name,
        "level": level.level,
        "verdict": level.word,
        "slope_per_decade": None if finding.lineup.ordinal else level.slope,
        "interval": None if finding.lineup.ordinal or not math.isfinite(level.low) else [level.low, level.high],
        "tau_star": level.tau_star,
        "tau1": None if finding.lineup.ordinal else level.tau1,
        "n": scored.verdict.n,
        "warnings": [
            *refused,
            f"{finding.score.name}, both scores: {both.word}.",
            f"{standing(finding).capitalize()}: {'a' if finding.planned else 'no'} plan named this beforehand.",
            *finding.warnings,
        ],
    }


def _rows(finding: Finding, scored: Scored) -> Iterator[dict[str, Any]]:
    for run, point, error in zip(finding.lineup.runs, scored.points, scored.verdict.errors, strict=True):
        yield {
            "dataset": finding.lineup.dataset,
            "family": finding.lineup.family.name,
            "model": run.member.name,
            "role": run.member.role,
            "x": finding.lineup.x,
            "size": run.size,
            "score": scored.name,
            "mean": point.value,
            "standard_error": error,
            "low": point.low,
            "high": point.high,
            "n": point.n,
            "dropped": scored.matrix.dropped,
            "censored": censored_share(run, finding.score),
            **{column: run.table[column].iloc[0] for column in AS_SCORED},
        }
