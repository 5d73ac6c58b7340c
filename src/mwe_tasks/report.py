"""Findings to report.md: a sentence and a figure first, then verdicts, models, warnings and methods."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from mwe_tasks.curve_fits import Fitted
from mwe_tasks.fit import Finding
from mwe_tasks.many import NOT_INDEPENDENT
from mwe_tasks.report_tables import (
    Table,
    coverage_change,
    curve_table,
    detectable_table,
    left_out_table,
    lineups_of,
    many_table,
    model_table,
    verdict_table,
)
from mwe_tasks.results import Figures
from mwe_tasks.wording import lead, of_level, smallest

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
        parts += [f"### {lineup.where}", pipe_table(model_table(lineup, found[lineup.key])), coverage_change(lineup)]
    parts += ["## Smallest change that would be found", pipe_table(detectable_table(findings))]
    told = "\n".join(f"- {line}" for line in warning_list(findings)) or "None."
    parts += ["## Warnings", told, "## With each size left out", pipe_table(left_out_table(findings))]
    parts += ["## Methods", METHODS, provenance(findings, command)]
    return "\n\n".join(filter(None, parts)) + "\n"


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
        dtypes = ", ".join(sorted({str(run.table["dtype"].iloc[0]) for run in lineup.runs} - {"None", "nan"}))
        asked = f"split {head['split']}, {head['style']} style, {how}, {head['estimator']}" + (dtypes and f", {dtypes}")
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


def pipe_table(table: Table) -> str:
    """A table in Markdown."""
    lines = [table.head, ["---"] * len(table.head), *table.rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
