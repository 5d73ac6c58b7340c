"""`mwe show`: the figures of a log, the sentence first."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mwe_tasks.errors import MweError

if TYPE_CHECKING:
    import pandas as pd

    from mwe_tasks.estimates import Estimate

HEADLINES = ("shift", "appeal", "matching share", "knowledge", "pair accuracy", "Yes-bias", "coverage")


@click.command()
@click.argument("logs", nargs=-1, required=True)
@click.option("--details", is_flag=True, help="Print every figure, not only the headline ones.")
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the log odds of one log's questions, by arm and matching answer, into this PNG file.",
)
@click.option("--dataset", help="Refuse logs of another version of this dataset.")
def show(logs: tuple[str, ...], details: bool, figure: Path | None, dataset: str | None) -> None:
    """Print the figures of logs, one table a model, the sentence first.

    LOGS are files that `inspect eval` wrote, or folders of them.

    \b
    Examples:
      mwe show logs/
      mwe show logs/2026-11-24T10-00-00_sycophantic-yesno_abc.eval --details
      mwe show logs/sycophantic_yesno/smollm2-135m.eval --figure run.png
      mwe show logs/ --dataset sycophantic_yesno
    """
    from mwe_tasks.table import read_runs

    if figure is not None and figure.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise MweError(f"{figure} is no name for a figure: end it in .png, .svg or .pdf.")
    runs, left_out = read_runs(logs)
    if figure is not None and len(runs) > 1:
        raise MweError(f"A figure shows one log, and there are {len(runs)}: name one.")
    for run in runs:
        if dataset is not None:
            refuse_another_version(run, dataset)
        print_run(run, details=details)
    for reason in left_out:
        click.echo(f"Left out: {reason}")
    if figure is not None:
        from mwe_tasks.plot import draw_run

        draw_run(runs[0], figure)
        click.echo(f"Figure: {figure}")


def refuse_another_version(run: "pd.DataFrame", dataset: str) -> None:
    """Raises MweError where a run was made with other rows than the dataset has now."""
    from mwe_tasks.readers import read_rows

    head = run.iloc[0]
    expected = read_rows(dataset, str(head["split"])).checksum
    if head["checksum"] != expected:
        raise MweError(
            f"The log's dataset has checksum {head['checksum'][:12]}, {dataset} here has {expected[:12]}: "
            "score the model again, or check out the version that the log was made with."
        )


def print_run(run: "pd.DataFrame", *, details: bool) -> None:
    """Prints one run: a sentence, its warnings, and a table of figures."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from mwe_tasks.contrasts import figures

    found = figures(run)
    click.echo(f"\n{sentence(run, found)}")
    for line in notes(run, found):
        click.echo(line)
    table = Table("figure", "value", "95% interval", "facts", "", box=SIMPLE_HEAD)
    for column in table.columns[1:4]:
        column.justify = "right"
    shown = [each for each in found if details or each.name in HEADLINES]
    for each in shown:
        digits = "+.3f" if each.note.startswith("nats") else ".3f"
        interval = "" if each.low is None else f"{each.low:{digits}} to {each.high:{digits}}"
        value = f"{each.value:{digits}}" if each.n else "not scored"
        table.add_row(Text(each.name), value, interval, str(each.n), Text(each.note))
    Console().print(table)
    if not details:
        click.echo(f"{len(found) - len(shown)} more figures with --details.")


def sentence(run: "pd.DataFrame", found: "list[Estimate]") -> str:
    """What was scored and the headline figures, in one sentence."""
    by_name = {each.name: each for each in found}
    head = run.iloc[0]

    def said(name: str, unit: str = "") -> str:
        each = by_name[name]
        if not each.n:
            return f"{name} not scored"
        interval = "" if each.low is None else f" [{each.low:.3f}, {each.high:.3f}]"
        return f"{name} {each.value:.3f}{unit}{interval}"

    parts = [said("shift", " nats")] if "shift" in by_name else []
    parts.append(said("appeal", " nats"))
    if "knowledge" in by_name:
        parts += [said("knowledge", " nats"), said("pair accuracy")]
    frame = "" if head["frame"] == "plain" else f", frame {head['frame']}"
    return (
        f"{head['model']} on {head['dataset']} ({len(run)} questions, {run['fact'].nunique()} facts, "
        f"{head['style']} style{frame}): {', '.join(parts)}."
    )


def notes(run: "pd.DataFrame", found: "list[Estimate]") -> list[str]:
    """How the run was estimated, and what is missing from it, one line each."""
    from mwe_tasks.contrasts import is_whole

    head = run.iloc[0]
    how = {
        "exact": f"exact log probabilities, each label's within {run['tolerance'].max():.1g} nats",
        "top_logprobs": f"{head['probe']}; a label outside them gives a bound, spellings outside them may move log "
        f"odds by up to {run['tolerance'].max():.1g} nats",
        "sampled": f"sampled answers ({head['probe']}): shares, bounded log odds, no verdict from them",
    }
    lines = [f"Estimator: {how[head['estimator']]}."]
    if str(head["model"]).startswith("sim/"):
        lines.append("SIMULATED: this is no language model but a formula, a control for the tools.")
    if censored := int(run["censored"].sum()):
        lines.append(
            f"Censored: {censored} of {len(run)} questions, scored by their bound; a fact whose twins' sum could have "
            "either sign counts in neither pair accuracy nor matching share."
        )
    if run["id"].nunique() + head["failed"] < (head["in_dataset"] or 0):
        lines.append(f"Asked: {run['id'].nunique()} of the dataset's {head['in_dataset']} questions.")
    if run["control"].nunique() == 1:
        lines.append("Warning: only one arm was asked, so that appeal and knowledge cannot be told apart.")
    if head["failed"]:
        lines.append(f"Failed: {head['failed']} more questions ended in an error or at a limit, and have no row here.")
    if halves := run.loc[~is_whole(run), "fact"].nunique():
        lines.append(f"Dropped: {halves} facts of which only one twin was asked.")
    for column, name in (("missing", "log odds"), ("missing_answer", "the answer in the text")):
        counts = run[column].dropna().value_counts()
        if len(counts):
            reasons = ", ".join(f"{reason} {count}" for reason, count in counts.items())
            lines.append(f"Unscored, {name}: {int(counts.sum())} of {len(run)} ({reasons}).")
    coverage = next(each.value for each in found if each.name == "coverage")
    if coverage < 0.5:
        lines.append(f"Warning: coverage is {coverage:.2f}; the model mostly says something other than the two labels.")
    return lines
