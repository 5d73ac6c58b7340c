"""Findings to tables of text, for a report on paper and on a page."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from mwe_tasks.breakdown import change_errors, mean_slope
from mwe_tasks.by_size import coverage
from mwe_tasks.curve_fits import Fitted
from mwe_tasks.fit import Finding, Scored
from mwe_tasks.lineup import Lineup
from mwe_tasks.many import among_many
from mwe_tasks.wording import AXES, detectable, size_text, slope, smallest, standing

BESIDE = ("appeal", "matching share", "knowledge", "pair accuracy", "accuracy", "AUC", "Yes-bias", "coverage", "shift")
"""The figures of a model that the table by model shows."""


class Table(NamedTuple):
    """A table as text."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def lineups_of(findings: Sequence[Finding]) -> list[Lineup]:
    """Each lineup once, in order."""
    return list({finding.lineup.key: finding.lineup for finding in findings}.values())


def verdict_table(findings: Sequence[Finding]) -> Table:
    """Every score's verdict at both levels."""
    head = (
        *("family", "dataset", "score", "facts", "checkpoints", "slope a decade [95%]", "tau*"),
        *(
            "family level",
            "slope a decade [96.5%]",
            "tau1 [90%]",
            "both, checkpoints",
            "both, family",
            "found in 80%",
            "standing",
        ),
    )
    rows = [
        (
            *(finding.lineup.family.name, finding.lineup.dataset, scored.name, str(scored.verdict.n)),
            *(
                scored.verdict.checkpoints.word,
                slope(scored, "checkpoints") if has_size else "-",
                number(scored.verdict.checkpoints.tau_star),
            ),
            *(scored.verdict.family.word, slope(scored, "family") if has_size else "-"),
            *(noise(scored) if has_size else "-", finding.checkpoints.word, finding.family.word),
            *(detectable(scored) if has_size else "-", standing(finding)),
        )
        for finding in findings
        for has_size in [not finding.lineup.ordinal]
        for scored in finding.pair
    ]
    return Table(head, rows)


def many_table(findings: Sequence[Finding]) -> Table:
    """Which slopes stand among all scores of all families and datasets (`many.among_many`).

    Of each the family level, where there is one, else the checkpoints; what gets no verdict is not among them.
    """
    every = [
        (finding, scored)
        for finding in findings
        for scored in finding.pair
        if scored.verdict.checkpoints.word != "refused"
    ]
    deciding = [
        scored.verdict.checkpoints if scored.verdict.family.word == "refused" else scored.verdict.family
        for _, scored in every
    ]
    rows = [
        (
            *(finding.lineup.family.name, finding.lineup.dataset, scored.name, level.level, f"{chosen.adjusted:.2g}"),
            f"{level.slope:+.3f} [{chosen.low:+.3f}, {chosen.high:+.3f}], {chosen.confidence:.1%}"
            if chosen.low is not None and chosen.high is not None and chosen.confidence is not None
            else "not selected",
        )
        for (finding, scored), level, chosen in zip(every, deciding, among_many(deciding), strict=True)
    ]
    return Table(("family", "dataset", "score", "level", "adjusted p", "slope a decade [adjusted interval]"), rows)


def curve_table(curves: Sequence[Fitted]) -> Table:
    """Each curve's parameters with their 95% intervals; x is decades from the smallest size."""
    rows = []
    for fitted in curves:
        where = (fitted.finding.lineup.family.name, fitted.finding.lineup.dataset, fitted.scored.name)
        if fitted.curve is None:
            rows.append((*where, fitted.form.name, fitted.refused or "does not suit this score", "", ""))
            continue
        curve = fitted.curve
        numbers = zip(fitted.form.parameters, curve.parameters, curve.low, curve.high, strict=True)
        told = "; ".join(f"{name} {interval(value, low, high)}" for name, value, low, high in numbers)
        told += "".join(f"; {name} at its bound: these sizes do not fix this curve" for name in curve.at_bound)
        rows.append((*where, fitted.form.name, fitted.form.formula, told, f"{curve.rss:.2g}"))
    head = ("family", "dataset", "score", "curve", "formula", "parameters [95%, facts resampled]", "residual squares")
    return Table(head, rows)


def model_table(lineup: Lineup, found: pd.DataFrame) -> Table:
    """Each model's size, its source, and its figures, found as `models_of` gives them, with their 95% intervals."""
    shown = [name for name in BESIDE if (found.loc[found["figure"] == name, "n"] > 0).any()]
    rows = []
    for run in lineup.runs:
        own = found[found["model"] == run.member.name].set_index("figure")
        size = size_text(run.size, lineup.x) + (" (estimate)" if run.member.estimated else "")
        cells = [interval(*map(float, own.loc[name, ["value", "low", "high"]])) for name in shown]
        censored = f"{run.table['censored'].mean():.1%}"
        rows.append(
            (run.member.name, size, run.member.source or "", str(run.table["fact"].nunique()), *cells, censored)
        )
    return Table(("model", AXES[lineup.x], "source of size", "facts", *shown, "censored"), rows)


def coverage_change(lineup: Lineup) -> str:
    """How the probability of both labels changes with size; nothing where sizes are not known."""
    if lineup.ordinal:
        return ""
    sizes = [run.size for run in lineup.runs if run.size is not None]
    found = mean_slope(coverage([run.table for run in lineup.runs]), np.log10(sizes), "coverage")
    return f"Coverage changes by {interval(found.value, found.low, found.high)} a decade ({found.n} facts)."


def detectable_table(findings: Sequence[Finding]) -> Table:
    """Of each score the smallest change that would be found, beside the smallest that counts, and the errors behind."""
    rows = []
    for finding in findings:
        for scored in finding.pair:
            where = (finding.lineup.family.name, finding.lineup.dataset, scored.name, str(scored.verdict.n))
            if finding.lineup.ordinal:
                rows.append((*where, "-", smallest(scored), "-", "-"))
                continue
            errors = change_errors(scored.matrix, np.log10(scored.verdict.sizes))
            rows.append((*where, detectable(scored), smallest(scored), number(errors.by_fact), number(errors.by_topic)))
    errors_head = ("standard error by fact", "by topic")
    return Table(("family", "dataset", "score", "facts", "found in 80%", "counts from", *errors_head), rows)


def left_out_table(findings: Sequence[Finding]) -> Table:
    """The word that remains with each model left out, checkpoints / family; a dash where the level needs more sizes."""
    rows = []
    for finding in findings:
        models = [run.member.name for run in finding.lineup.runs]
        for scored in finding.pair:
            where = (finding.lineup.family.name, finding.lineup.dataset, scored.name)
            told = [
                (models[each.index], each.checkpoints or "-", each.family or "-") for each in scored.verdict.left_out
            ]
            for words, names in grouped(told).items():
                whom = f"any one of the {len(models)}" if len(names) == len(models) else ", ".join(names)
                rows.append((*where, whom, *words))
    return Table(("family", "dataset", "score", "left out, one at a time", "checkpoints", "family level"), rows)


def grouped(told: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str], list[str]]:
    """The models of each pair of words."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, *words in told:
        found.setdefault((words[0], words[1]), []).append(name)
    return found


def noise(scored: Scored) -> str:
    """tau1 with its 90% interval; a dash where there are too few sizes to tell."""
    level = scored.verdict.family
    return "-" if level.tau1 is None else interval(level.tau1, level.tau1_low, level.tau1_high)


def interval(value: float, low: float | None, high: float | None) -> str:
    """A number with its interval, to three decimals; a dash for none."""
    if value != value:
        return "-"
    return f"{value:.3f}" if low is None or low != low else f"{value:.3f} [{low:.3f}, {high:.3f}]"


def number(value: float | None) -> str:
    """A number to three decimals; a dash for none."""
    return "-" if value is None else f"{value:.3f}"
