"""Findings to what a page draws: points with their numbers, lines with bands, slopes by topic."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mwe_tasks.band import band
from mwe_tasks.breakdown import FEWEST_FACTS, topic_slopes
from mwe_tasks.caveats import censored_share
from mwe_tasks.estimates import Estimate
from mwe_tasks.fit import Finding, Scored
from mwe_tasks.lineup import Run
from mwe_tasks.report_tables import interval
from mwe_tasks.results import Figures
from mwe_tasks.trend_figure import COLOURS, HEADLINES, MARKERS, caption, is_straight, title, told
from mwe_tasks.wording import AXES, size_text

BESIDE = ("coverage", "Yes-bias", "AUC")
"""The figures of a model that stand beside each of its scores."""
LEAST = 0.05
"""The axis of slopes by topic goes at least so far to both sides of 0, nats a decade."""


def charts(findings: Sequence[Finding], found: Figures) -> list[dict[str, Any]]:
    """The figure of each dataset: its title, its caption, and a panel for each score, log odds before bounded."""
    beside = {key: table.set_index(["model", "figure"]) for key, table in found.items()}
    drawn = []
    for dataset in dict.fromkeys(finding.lineup.dataset for finding in findings):
        inside = [finding for finding in findings if finding.lineup.dataset == dataset]
        by_score = {score: [f for f in inside if f.score == score] for score in dict.fromkeys(f.score for f in inside)}
        panels = [_panel(some, place, beside) for some in by_score.values() for place in (0, 1)]
        drawn.append({"title": title(inside), "caption": caption(inside), "panels": panels})
    return drawn


def styles(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Each family's name, colour and marker, as in the figure; from the eighth on a colour gets another marker."""
    names = dict.fromkeys(finding.lineup.family.name for finding in findings)
    return [
        {"name": name, "colour": COLOURS[place % 7], "marker": MARKERS[(place + place // 7) % 7]}
        for place, name in enumerate(names)
    ]


def forests(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The slope of each topic in each headline finding's log odds, the steepest first, with its 95% interval."""
    return [
        {
            "title": f"{finding.lineup.where}: {finding.score.name}",
            "unit": "nats a decade",
            "least": LEAST,
            "fewest": FEWEST_FACTS,
            "left_out": len(set(finding.log_odds.matrix.topics)) - len(slopes),
            "rows": [
                {"topic": each.name, "n": each.n, "mean": round(each.value, 6)}
                | {name: round(end, 6) for name, end in (("low", each.low), ("high", each.high)) if end is not None}
                for each in slopes
            ],
        }
        for finding in findings
        if finding.score.name in HEADLINES and not finding.lineup.ordinal
        for slopes in [topic_slopes(finding.log_odds.matrix, np.log10(finding.log_odds.verdict.sizes))]
        if len(slopes) > 1
    ]


def _panel(findings: Sequence[Finding], place: int, beside: Figures) -> dict[str, Any]:
    first = findings[0]
    scored, lineup = first.pair[place], first.lineup
    is_odds = scored.kind == "log odds"
    better = "higher: more of the behaviour" if first.score.measures == "behaviour" else "higher is better"
    return {
        "score": first.score.name,
        "title": scored.name,
        "measures": f"log odds of the {first.score.of}, nats" if is_odds else "share of facts",
        "better": better,
        "chance": 0 if is_odds else 0.5,
        "ordinal": lineup.ordinal,
        "axis": "order of size, which is not known" if lineup.ordinal else AXES[lineup.x],
        "curves": [_curve(finding, finding.pair[place], beside[finding.lineup.key]) for finding in findings],
    }


def _curve(finding: Finding, scored: Scored, beside: pd.DataFrame) -> dict[str, Any]:
    lineup, line = finding.lineup, None
    if is_straight(finding):
        around = band(scored.matrix, scored.verdict)
        line = {name: getattr(around, name).round(6).tolist() for name in ("line", "low", "high")}
        line["sizes"] = around.sizes.tolist()
    return {
        "family": lineup.family.name,
        "open": lineup.runs[0].member.role != "base",
        "told": told(finding, scored),
        "line": line,
        "points": [
            {
                "model": run.member.name,
                "short": run.member.name.rpartition("/")[2],
                "size": size,
                "label": size_text(run.size, lineup.x),
                "estimated": run.member.estimated,
                "mean": point.value,
                "low": finite(point.low),
                "high": finite(point.high),
                "told": _told(finding, scored, run, point, beside),
            }
            for run, size, point in zip(lineup.runs, scored.verdict.sizes, scored.points, strict=True)
        ],
    }


def _told(finding: Finding, scored: Scored, run: Run, point: Estimate, beside: pd.DataFrame) -> list[tuple[str, str]]:
    """What pointing at a point shows."""
    unit = " nats" if scored.kind == "log odds" else ""
    size = f"{size_text(run.size, finding.lineup.x)} {AXES[finding.lineup.x].partition(',')[0]}"
    return [
        ("size", f"{size}{' (an estimate)' if run.member.estimated else ''}"),
        (scored.name, f"{point.value:.3f}{unit}"),
        ("95% interval", "none" if finite(point.low) is None else f"{point.low:.3f} to {point.high:.3f}{unit}"),
        ("facts", str(point.n)),
        *((name, interval(*_figure(beside, run.member.name, name))) for name in BESIDE),
        ("censored", f"{censored_share(run, finding.score):.1%} of questions"),
    ]


def _figure(beside: pd.DataFrame, model: str, name: str) -> tuple[float, float, float]:
    """A figure of a model with its interval; NaN where it has none."""
    if (model, name) not in beside.index:
        return math.nan, math.nan, math.nan
    row = beside.loc[(model, name), ["value", "low", "high"]].to_numpy(dtype=float)
    return float(row[0]), float(row[1]), float(row[2])


def finite(value: float | None) -> float | None:
    """The number; None where there is none."""
    return value if value is not None and math.isfinite(value) else None
