"""Findings to report.html: one self-contained page, sentences and figure first, the rest folded."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mwe_tasks.breakdown import most_changed
from mwe_tasks.curve_fits import Fitted
from mwe_tasks.fit import Finding
from mwe_tasks.headline import Headline
from mwe_tasks.many import NOT_INDEPENDENT
from mwe_tasks.page import fill
from mwe_tasks.report import METHODS, deltas, sources, versions, warning_list
from mwe_tasks.report_charts import charts, forests, styles
from mwe_tasks.report_tables import (
    Table,
    coverage_change,
    curve_table,
    detectable_table,
    interval,
    left_out_table,
    lineups_of,
    many_table,
    model_table,
    number,
)
from mwe_tasks.results import Figures
from mwe_tasks.trend_figure import HEADLINES
from mwe_tasks.wording import lead, of_level, predicate, slope

CHANGED = 10
"""How many facts that rose most are shown, and how many that fell."""


def report_page(findings: Sequence[Finding], found: Figures, command: str, curves: Sequence[Fitted] = ()) -> str:
    """The page, as `page.fill` makes it; found as `figures_of` gives it; command is what was typed."""
    return fill("report.html", title="How answers change with size", data=data_of(findings, found, command, curves))


def data_of(findings: Sequence[Finding], found: Figures, command: str, curves: Sequence[Fitted] = ()) -> str:
    """What the page shows, as JSON."""
    shown = dict.fromkeys(finding.score.name for finding in findings)
    several = len(lineups_of(findings)) > 1
    data = {
        "findings": [_sentence(finding) for finding in findings],
        "families": styles(findings),
        "scores": [{"name": name, "shown": name in HEADLINES or not shown.keys() & HEADLINES} for name in shown],
        "charts": charts(findings, found),
        "models": [
            {
                "title": lineup.where,
                "note": coverage_change(lineup),
                **model_table(lineup, found[lineup.key])._asdict(),
            }
            for lineup in lineups_of(findings)
        ],
        "verdicts": slim(verdicts(findings))._asdict(),
        "many": slim(many_table(findings))._asdict() if several else None,
        "curves": slim(curve_table(curves))._asdict() if curves else None,
        "left_out": slim(left_out_table(findings))._asdict(),
        "shared": NOT_INDEPENDENT if several else "",
        "forests": forests(findings),
        "changed": [each for finding in findings if (each := changed(finding))],
        "warnings": warning_list(findings),
        "detectable": slim(detectable_table(findings))._asdict(),
        "methods": METHODS.replace("\\*", "*").split("\n\n"),
        "made": {"command": command, "versions": versions(), "deltas": deltas(findings)},
        "sources": [source._asdict() for source in sources(findings)],
    }
    return json.dumps(data, allow_nan=False, separators=(",", ":"))


def _sentence(finding: Finding) -> dict[str, Any]:
    said = lead(finding)
    return {
        "said": said,
        "shown": finding.score.name in HEADLINES,
        "family": _level(finding, finding.family, said),
        "checkpoints": _level(finding, finding.checkpoints, said),
    }


def _level(finding: Finding, headline: Headline, said: str) -> str:
    """What a level says, or that it says nothing, with every reason that the sentence has not said."""
    if headline.refused is None:
        return f"{predicate(finding, headline.word)}."
    return "no verdict." if headline.refused in said else f"no verdict. {headline.refused}"


def verdicts(findings: Sequence[Finding]) -> Table:
    """Every score's verdict, a row a level, with the headline of both scores beside it."""
    head = (
        *("family", "dataset", "score", "facts", "level", "verdict", "with its partner", "slope a decade", "p"),
        *("tau*", "tau1 [90%]"),
    )
    rows = []
    for finding in findings:
        for scored in finding.pair:
            for both in (finding.checkpoints, finding.family):
                level = of_level(scored, both.level)
                has_slope = math.isfinite(level.low) and not finding.lineup.ordinal
                rows.append(
                    (
                        *(finding.lineup.family.name, finding.lineup.dataset, scored.name, str(scored.verdict.n)),
                        *(both.level, level.word, both.word),
                        f"{slope(scored, both.level)} ({level.confidence:.1%})" if has_slope else "-",
                        p_value(level.p) if has_slope else "-",
                        number(level.tau_star),
                        "-"
                        if level.tau1 is None or finding.lineup.ordinal
                        else interval(level.tau1, level.tau1_low, level.tau1_high),
                    )
                )
    return Table(head, rows)


def slim(table: Table) -> Table:
    """The table without family and dataset where there is but one, which the page's head names."""
    kept = [
        place
        for place, name in enumerate(table.head)
        if name not in ("family", "dataset") or len({row[place] for row in table.rows}) > 1
    ]
    return Table([table.head[i] for i in kept], [[row[i] for i in kept] for row in table.rows])


def p_value(p: float) -> str:
    """A p value to three decimals; below that its bound."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def changed(finding: Finding) -> dict[str, Any] | None:
    """The facts of a headline finding whose log odds changed most; None for other findings, and without sizes."""
    if finding.score.name not in HEADLINES or finding.lineup.ordinal:
        return None
    scored = finding.log_odds
    questions = _questions(finding.lineup.runs[0].table)
    return {
        "title": f"{finding.lineup.where}: {finding.score.name}",
        "models": [run.member.name.rpartition("/")[2] for run in finding.lineup.runs],
        "rows": [
            {
                "slope": f"{each.slope:+.3f}",
                "topic": each.topic,
                "questions": questions[each.fact],
                "values": [f"{value:+.2f}" for value in each.values],
            }
            for each in most_changed(scored.matrix, np.log10(scored.verdict.sizes), CHANGED)
        ],
    }


def _questions(table: pd.DataFrame) -> dict[str, list[dict[str, str | None]]]:
    """Each fact's questions with truth and matching answer, where they are known; by its id where the text is not."""
    found: dict[str, list[dict[str, str | None]]] = {}
    for row in table.drop_duplicates("id").to_dict("records"):
        asked = {
            "asked": f"question {row['id']}" if pd.isna(row["question"]) else str(row["question"]),
            "truth": None if pd.isna(row["truth"]) else str(row["truth"]),
            "matching": None if pd.isna(row["matching_answer"]) else str(row["matching_answer"]),
        }
        found.setdefault(str(row["fact"]), []).append(asked)
    return found
