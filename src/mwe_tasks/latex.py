"""Findings to table.tex: the verdicts, and the models' headline scores, as two tables for a paper (booktabs)."""

import re
from collections.abc import Sequence

from mwe_tasks.caveats import is_simulated
from mwe_tasks.fit import Finding, Scored
from mwe_tasks.levels import Level
from mwe_tasks.trend_figure import headline_findings
from mwe_tasks.wording import AXES, size_text

ESCAPES = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}"},
    **{"<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}"},
}
SPECIAL = re.compile(r"[\\&%$#_{}~^<>|]")


def latex(findings: Sequence[Finding]) -> str:
    """Two tables, each a `table` with a `tabular`, that \\input takes into a document with \\usepackage{booktabs}.

    Of every score both levels' verdicts, and of every headline score each model's value with its 95% interval.
    """
    return "% Needs \\usepackage{booktabs}.\n" + _verdicts(findings) + "\n" + _scores(findings)


def escaped(text: str) -> str:
    """The text as LaTeX sets it: no character of it is a command."""
    return SPECIAL.sub(lambda found: ESCAPES[found[0]], " ".join(text.split()))


def _verdicts(findings: Sequence[Finding]) -> str:
    both = ("Checkpoints", "Slope [95\\%]", "Family level", "Slope [96.5\\%]")
    head = ("Family", "Dataset", "Score", "$n$", *both, "Headline")
    rows = []
    for finding in findings:
        for scored in finding.pair:
            levels = scored.verdict.checkpoints, scored.verdict.family
            told = [cell for level in levels for cell in (level.word, _slope(finding, level))]
            where = (escaped(finding.lineup.family.name), escaped(finding.lineup.dataset), escaped(_name(scored)))
            rows.append((*where, f"${scored.verdict.n}$", *told, finding.deciding.word))
    caption = _simulated(findings) + (
        "Verdicts on change with size, of these checkpoints and of the family; slopes a decade of "
        f"{_axes(findings)}, log odds in nats. The headline is what both scores of a pair claim, of the family or, "
        "where it gets no verdict, of these checkpoints."
    )
    return _table(head, rows, caption)


def _scores(findings: Sequence[Finding]) -> str:
    shown = headline_findings(findings)
    rows = []
    for finding in shown:
        for scored in finding.pair:
            for run, point in zip(finding.lineup.runs, scored.points, strict=True):
                size = size_text(run.size, finding.lineup.x) + ("*" if run.member.estimated else "")
                where = (finding.lineup.dataset, scored.name, run.member.name, size)
                ends = "" if point.low is None or point.high is None else f"\\,[{point.low:.3f}, {point.high:.3f}]"
                rows.append((*map(escaped, where), f"${point.value:.3f}{ends}$", f"${point.n}$"))
    starred = any(run.member.estimated for finding in shown for run in finding.lineup.runs)
    caption = (
        _simulated(shown)
        + "Scores by model, with 95\\% intervals; log odds in nats."
        + (" *: an estimate." if starred else "")
    )
    return _table(("Dataset", "Score", "Model", "Size", "Mean [95\\%]", "$n$"), rows, caption)


def _simulated(findings: Sequence[Finding]) -> str:
    return "SIMULATED. " if any(is_simulated(finding.lineup) for finding in findings) else ""


def _name(scored: Scored) -> str:
    return f"{scored.name}, nats" if scored.kind == "log odds" else scored.name


def _slope(finding: Finding, level: Level) -> str:
    """A slope with its interval; a dash where sizes are unknown or nothing says how wide it is."""
    if finding.lineup.ordinal or level.freedom < 1:
        return "--"
    return f"${level.slope:+.3f}\\,[{level.low:+.3f}, {level.high:+.3f}]$"


def _axes(findings: Sequence[Finding]) -> str:
    return escaped(" and ".join(dict.fromkeys(AXES[finding.lineup.x] for finding in findings)))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    lines = [" & ".join(row) + " \\\\" for row in rows]
    return "\n".join(
        [
            "\\begin{table}",
            "\\centering",
            f"\\caption{{{caption}}}",
            f"\\begin{{tabular}}{{{'l' * len(head)}}}",
            "\\toprule",
            " & ".join(head) + " \\\\",
            "\\midrule",
            *lines,
            "\\bottomrule",
            "\\end{tabular}",
            "\\end{table}\n",
        ]
    )
