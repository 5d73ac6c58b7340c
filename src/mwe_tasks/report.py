"""Findings to report.md: a sentence and a figure first, then verdicts, models, warnings and methods."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mwe_tasks.curve_fits import Fitted
from mwe_tasks.fit import Finding, Scored
from mwe_tasks.lineup import Lineup
from mwe_tasks.many import NOT_INDEPENDENT, among_many
from mwe_tasks.results import Figures
from mwe_tasks.wording import AXES, detectable, lead, of_level, size_text, slope, smallest, standing

BESIDE = ("appeal", "matching share", "knowledge", "pair accuracy", "accuracy", "AUC", "Yes-bias", "coverage", "shift")
"""The figures of a model that the table by model shows."""

METHODS = """\
The unit is the fact: its score is the mean of its questions', and behaviour and control facts weigh the same. The same
facts stand at every size; one that some size has no score of is left out at all of them. Each finding rests on two
scores, mean log odds and the share of facts whose log odds are above 0, and claims a change only where both claim it.

Checkpoints, a statement about these models on questions like these: contrasts of the means with the covariance of the
paired scores; the full change by t at 95%, the arms by their joint max-|t|. tau\\* is the noise from model to model at
which the claim would no longer be significant.

Family: least squares on log10 of size, with noise from model to model of unknown size (its standard deviation tau1) and
K - 2 degrees of freedom; the full change at 96.5%, a U by the best line of two arms. Noise is taken as independent over
sizes; where neighbouring sizes err alike (autocorrelation .5) the error rises from .05 to .07 (5 sizes) or .15 (8
sizes), which so few sizes cannot show.

The words, the same for every score: standard rises with size, inverse falls, and of appeal, matching share and shift a
rise is more of the behaviour, not better. Flat means that the 90% intervals of the full change and of the bow lie
inside the smallest change that counts. Error rates of all words, measured: docs/calibration.md of mwe-tasks."""

PACKAGES = ("mwe-tasks", "inspect-ai", "numpy", "scipy", "pandas")
"""Whose versions a report names."""


class Table(NamedTuple):
    """A table as text."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


class Source(NamedTuple):
    """What one family's numbers on one dataset were made from."""

    dataset: str
    checksum: str
    asked: str
    """Split, style, template, frame, solved examples, estimator."""
    logs: Sequence[tuple[str, str]]
    """Model and log."""


def markdown(
    findings: Sequence[Finding],
    found: Figures,
    pictures: Mapping[str, str],
    command: str,
    curves: Sequence[Fitted] = (),
) -> str:
    """The report; found: what `figures_of` gives; pictures: each dataset's figure's file name; command: as typed."""
    parts = ["# How answers change with size", *(f"- {lead(finding)}" for finding in findings)]
    parts[1:] = ["\n".join(parts[1:])]
    parts += [f"![Scores against size on {name}, with 95% intervals]({file})" for name, file in pictures.items()]
    parts += ["## Verdicts", pipe_table(verdict_table(findings))]
    if len(lineups_of(findings)) > 1:
        parts += ["### Among many", pipe_table(many_table(findings)), NOT_INDEPENDENT]
    if curves:
        parts += ["### Curves", pipe_table(curve_table(curves))]
    parts += ["## Models"]
    for lineup in lineups_of(findings):
        parts += [f"### {lineup.where}", pipe_table(model_table(lineup, found[lineup.key]))]
    told = "\n".join(f"- {line}" for line in warning_list(findings)) or "None."
    parts += ["## Warnings", told, "## With each size left out", pipe_table(left_out_table(findings))]
    parts += ["## Methods", METHODS, provenance(findings, command)]
    return "\n\n".join(parts) + "\n"


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
    shown = [name for name in BESIDE if (found["figure"] == name).any()]
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


def warning_list(findings: Sequence[Finding]) -> list[str]:
    """Every reason for no verdict and every warning, once, with the scores that it holds for."""
    told: dict[str, list[str]] = {}
    for finding in findings:
        where = finding.lineup.where
        for scored in finding.pair:
            for name in ("checkpoints", "family"):
                if refused := of_level(scored, name).refused:
                    told.setdefault(f"No verdict on {where}, {name}: {refused}", []).append(scored.name)
        for warning in finding.warnings:
            told.setdefault(f"{where}: {warning}", []).append(finding.score.name)
    return [f"{text} ({', '.join(dict.fromkeys(scores))})" for text, scores in told.items()]


def provenance(findings: Sequence[Finding], command: str) -> str:
    """What the numbers were made from: command, versions, dataset, logs."""
    lines = [f"- Made with `{command}`, {versions()}"]
    for source in sources(findings):
        lines.append(f"- {source.dataset}, checksum `{source.checksum}`; {source.asked}")
        lines += [f"  - {model}: `{log}`" for model, log in source.logs]
    return "\n".join([*lines, f"- Smallest change over the range that counts: {deltas(findings)}"])


def versions() -> str:
    """The versions of what computed the numbers."""
    return ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def sources(findings: Sequence[Finding]) -> list[Source]:
    """Of each family on each dataset what its numbers were made from."""
    found = []
    for lineup in lineups_of(findings):
        head = lineup.runs[0].table.iloc[0]
        template = f"template {head['template']} (wording {head['prompts']}), frame {head['frame']}"
        how = "as the imported file was made" if pd.isna(head["template"]) else f"{template}, {head['shots']} examples"
        asked = f"split {head['split']}, {head['style']} style, {how}, {head['estimator']}"
        logs = [(run.member.name, name_of_log(str(run.table["log"].iloc[0]))) for run in lineup.runs]
        found.append(Source(lineup.dataset, str(head["checksum"]), asked, logs))
    return found


def name_of_log(log: str) -> str:
    """The log's path from where the command ran, or its name alone where it lies elsewhere: a report is passed on."""
    path = Path(log)
    if not path.is_absolute():
        return log
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name


def deltas(findings: Sequence[Finding]) -> str:
    """The smallest change over the range that counts, of each kind of score."""
    return ", ".join(dict.fromkeys(smallest(scored) for finding in findings for scored in finding.pair))


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


def pipe_table(table: Table) -> str:
    """A table in Markdown."""
    lines = [table.head, ["---"] * len(table.head), *table.rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
