"""Logs to a report on disk: the line of `mwe fit`, each step in its own module."""

import json
from collections.abc import Sequence
from pathlib import Path

from mwe_tasks.curve_fits import Fitted
from mwe_tasks.errors import MweError
from mwe_tasks.families import Size
from mwe_tasks.fit import Finding, fit
from mwe_tasks.latex import latex
from mwe_tasks.lineup import families_of, line_up
from mwe_tasks.planned import mark_planned
from mwe_tasks.report import markdown
from mwe_tasks.report_page import report_page
from mwe_tasks.results import facts_of, figures_of, records_of, table_of
from mwe_tasks.table import another_version, read_runs
from mwe_tasks.trend_figure import FORMATS, draw_findings


def findings_of(
    logs: Sequence[str | Path],
    *,
    families: Sequence[str] = (),
    x: Size = "params",
    plan: Path | None = None,
    allow_low_coverage: bool = False,
) -> list[Finding]:
    """The findings of logs, with a warning for each log that was left out or is of another version of its dataset.

    Raises MweError where the logs are no one curve of each family and dataset, and what `read_runs` raises.
    """
    tables, left_out = read_runs(logs)
    lineups = line_up(tables, families_of(tables, families), x)
    found = [finding for lineup in lineups for finding in fit(lineup, allow_low_coverage=allow_low_coverage)]
    if plan is not None:
        found = mark_planned(found, plan)
    others = dict.fromkeys(filter(None, map(another_version, tables)))
    notes = (*(f"Left out: {reason}" for reason in left_out), *others)
    return [finding._replace(warnings=(*finding.warnings, *notes)) for finding in found]


def write_report(
    findings: Sequence[Finding], out: Path, *, command: str, curves: Sequence[Fitted] = ()
) -> dict[str, str]:
    """Writes figures, reports, tables and verdicts; gives each file's name and what it holds.

    Raises MweError where the folder cannot be written.
    """
    datasets = list(dict.fromkeys(finding.lineup.dataset for finding in findings))
    pictures, found = {}, figures_of(findings)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for old in [*out.glob("figure.*"), *out.glob("figure-*.*")]:  # of an earlier report on other datasets
            if old.suffix.removeprefix(".") in FORMATS:
                old.unlink()
        for dataset in datasets:
            inside = [finding for finding in findings if finding.lineup.dataset == dataset]
            name = "figure" if len(datasets) == 1 else f"figure-{dataset.replace('/', '-')}"
            pictures[dataset] = draw_findings(inside, out, name)[0].name
        (out / "report.html").write_text(report_page(findings, found, command, curves), encoding="utf-8")
        (out / "report.md").write_text(markdown(findings, found, pictures, command, curves), encoding="utf-8")
        (out / "table.tex").write_text(latex(findings), encoding="utf-8")
        table_of(findings).to_csv(out / "table.csv", index=False)
        facts_of(findings).to_csv(out / "facts.csv", index=False)
        verdicts = json.dumps(records_of(findings), indent=1, allow_nan=False)
        (out / "verdicts.json").write_text(verdicts + "\n", encoding="utf-8")
    except OSError as error:
        raise MweError(f"{out} cannot be written ({error.strerror or error}): name another folder in --out.") from None
    return {
        **dict.fromkeys(pictures.values(), "every headline score against size"),
        "report.html": "all of it on one page to look at and pass on, which needs no network",
        "report.md": "the sentences, tables, warnings and methods",
        "table.csv": "a row a model and score",
        "table.tex": "verdicts and scores, for a paper",
        "facts.csv": "every fact's score by every model",
        "verdicts.json": "the verdicts as data",
    }
