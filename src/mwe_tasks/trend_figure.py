"""Findings to a figure: every score against size, a point a model, with what is claimed written beside it."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mwe_tasks.band import band
from mwe_tasks.caveats import is_simulated
from mwe_tasks.errors import MweError
from mwe_tasks.fit import Finding, Scored
from mwe_tasks.lineup import Lineup, Run
from mwe_tasks.wording import AXES, predicate, size_text, slope, smallest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The palette of Okabe and Ito (2008), which colour-blind readers can tell apart, without its pale yellow."""
MARKERS = "osD^vPX"
GREY = "#555555"
FORMATS = ("png", "svg", "pdf")
UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""What keeps the date out of a file, so that the same findings make the same bytes."""
CAPTION = 170
"""Characters of the caption that stand in a line."""
HEADLINES = ("appeal", "knowledge", "shift")


def draw_findings(findings: Sequence[Finding], folder: Path, name: str) -> list[Path]:
    """Writes NAME.png, .svg and .pdf: the headline scores of one dataset, log odds left and bounded partner right.

    Raises MweError where a file cannot be written. A family's points are joined by a line with its 95% band only where
    a straight line is claimed, else by dots that guide the eye; nothing is drawn past its last size.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    shown = headline_findings(findings)
    scores = list(dict.fromkeys(finding.score for finding in shown))
    families = list(dict.fromkeys(finding.lineup.family.name for finding in shown))
    figure, grid = plt.subplots(
        len(scores), 2, figsize=(11, 3.6 * len(scores) + 0.6), squeeze=False, layout="constrained"
    )
    for score, pair in zip(scores, grid, strict=True):
        for column, axes in enumerate(pair):
            of_score = [finding for finding in shown if finding.score == score]
            for finding in of_score:
                style = families.index(finding.lineup.family.name)
                _draw(axes, finding, finding.pair[column], COLOURS[style % 7], MARKERS[style % 7])
            _dress(axes, of_score, [finding.pair[column] for finding in of_score])
    figure.suptitle(title(shown), x=0.01, ha="left", fontsize=11)
    figure.supxlabel(wrapped(caption(shown)), x=0.01, ha="left", fontsize=8, color=GREY)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{name}.{suffix}" for suffix in FORMATS]
        with mpl.rc_context({"svg.hashsalt": name}):
            for path in paths:
                figure.savefig(path, dpi=150, metadata=UNDATED.get(path.suffix))
    except OSError as error:
        raise MweError(f"{folder} cannot be written ({error.strerror or error}): name another one.") from None
    finally:
        plt.close(figure)
    return paths


def headline_findings(findings: Sequence[Finding]) -> list[Finding]:
    """Those of the headline scores; all of them where there are none."""
    return [finding for finding in findings if finding.score.name in HEADLINES] or list(findings)


def _draw(axes: "Axes", finding: Finding, scored: Scored, colour: str, marker: str) -> None:
    x = np.array(scored.verdict.sizes)
    points = scored.points
    y = np.array([point.value for point in points])
    ends = np.array([(point.low, point.high) for point in points], dtype=float)
    axes.errorbar(x, y, yerr=np.abs(ends.T - y), fmt="none", ecolor=colour, capsize=3, linewidth=1)
    base = finding.lineup.runs[0].member.role == "base"
    axes.plot(
        *(x, y, marker),
        color=colour,
        markerfacecolor=colour if base else "white",
        markersize=6,
        zorder=3,
        label=f"{finding.lineup.family.name}, {told(finding, scored)}".replace("; ", "\n", 1),
    )
    if not is_straight(finding):
        axes.plot(x, y, ":", color=colour, linewidth=1)
        return
    around = band(scored.matrix, scored.verdict)
    axes.plot(around.sizes, around.line, "-", color=colour, linewidth=1.5)
    axes.fill_between(around.sizes, around.low, around.high, color=colour, alpha=0.15, linewidth=0)


def is_straight(finding: Finding) -> bool:
    """Whether both scores claim a straight line over all sizes."""
    return finding.deciding.word in ("standard", "inverse", "flat")


def told(finding: Finding, scored: Scored) -> str:
    """What both scores say at the level that the headline rests on, and where sizes are known this one's slope."""
    if finding.lineup.ordinal:
        return "the sizes are not known: no trend"
    both = finding.deciding
    who = "these checkpoints" if both.level == "checkpoints" else "family"
    return f"{who}: {predicate(finding, both.word)}; {slope(scored, both.level)}"


def _dress(axes: "Axes", findings: Sequence[Finding], scored: Sequence[Scored]) -> None:
    lineup = findings[0].lineup
    score = findings[0].score
    sizes = sorted({size for each in scored for size in each.verdict.sizes})
    names = {
        size: tick(run, lineup) if len(findings) == 1 else size_text(run.size, lineup.x)
        for finding in findings
        for size, run in zip(finding.pair[0].verdict.sizes, finding.lineup.runs, strict=True)
    }
    if not lineup.ordinal:
        axes.set_xscale("log")
    axes.set_xticks(_apart(sizes), [names[size] for size in _apart(sizes)], rotation=30, ha="right", fontsize=8)
    axes.minorticks_off()
    axes.axhline(0 if scored[0].kind == "log odds" else 0.5, color=GREY, linewidth=0.8, linestyle="--")
    better = "higher: more of the behaviour" if score.measures == "behaviour" else "higher is better"
    if scored[0].kind == "log odds":
        axes.set_ylabel(f"{score.name}, nats ({better})\nlog odds of the {score.of}", fontsize=9)
    else:
        axes.set_ylabel(f"{scored[0].name}\nshare of facts ({better})", fontsize=9)
    axes.set_xlabel("order of size, which is not known" if lineup.ordinal else AXES[lineup.x], fontsize=9)
    axes.legend(fontsize=7.5, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _apart(sizes: Sequence[float]) -> list[float]:
    """Those sizes whose names do not run into each other on a logarithmic axis."""
    found: list[float] = []
    room = (np.log10(sizes[-1]) - np.log10(sizes[0])) / 14
    for size in sizes:
        if not found or np.log10(size) - np.log10(found[-1]) >= room:
            found.append(size)
    return found


def tick(run: Run, lineup: Lineup) -> str:
    """A model's name and, where the name does not tell it, its size; starred where that is an estimate."""
    name, size = run.member.name.rpartition("/")[2], size_text(run.size, lineup.x)
    shown = name if lineup.ordinal or size.lower() in name.lower() else f"{name} ({size})"
    return shown + ("*" if run.member.estimated else "")


def wrapped(text: str) -> str:
    """The text in lines that are no wider than the figure."""
    return "\n".join(line for part in text.split("\n") for line in textwrap.wrap(part, CAPTION))


def title(findings: Sequence[Finding]) -> str:
    """The families and their dataset, and whether they are simulated."""
    simulated = "SIMULATED " if any(is_simulated(finding.lineup) for finding in findings) else ""
    families = ", ".join(dict.fromkeys(finding.lineup.family.name for finding in findings))
    return f"{simulated}{families} on {findings[0].lineup.dataset}"


def caption(findings: Sequence[Finding]) -> str:
    """How many facts and sizes there are, and what bars, lines, bands and dots stand for."""
    first = findings[0]
    counts = "; ".join(
        f"{finding.lineup.family.name}: n = {finding.log_odds.verdict.n} facts, the same at each of "
        f"{len(finding.lineup.runs)} sizes"
        for finding in findings
        if finding.score == first.score
    )
    starred = any(run.member.estimated for finding in findings for run in finding.lineup.runs)
    return (
        f"{counts}. Bars: 95% intervals (log odds: t; shares: Wilson's), by fact, or by topic where wider.\n"
        "Solid line and band: least squares and 95%, drawn where a straight line is claimed; dots only guide the eye. "
        f"Dashed: chance. Smallest change that counts: {smallest(first.log_odds)}, {smallest(first.bounded)} of facts."
        + (" *: the size is an estimate." if starred else "")
    )
