"""`mwe show`: the figures of a log, the sentence first."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mwe_tasks.errors import MweError

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@click.argument("logs", nargs=-1, required=True)
@click.option("--details", is_flag=True, help="Print every figure, not only the headline ones.")
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the log odds of one log's questions, by arm and matching answer, into this .png, .svg or .pdf file.",
)
@click.option("--dataset", help="The dataset whose version logs must have; by default the one that each log names.")
@click.option("--any-version", is_flag=True, help="Show logs of another version of their dataset too, with a warning.")
def show(logs: tuple[str, ...], details: bool, figure: Path | None, dataset: str | None, any_version: bool) -> None:
    """Print the figures of logs, one table a model, the sentence first.

    LOGS are files that `inspect eval` wrote, or folders of them.

    \b
    Examples:
      mwe show logs/
      mwe show logs/2026-11-24T10-00-00_sycophantic-yesno_abc.eval --details
      mwe show logs/sycophantic_yesno/smollm2-135m.eval --figure run.png
      mwe show logs/ --dataset sycophantic_yesno
    """
    from mwe_tasks.summary import print_run
    from mwe_tasks.table import read_runs

    if figure is not None and figure.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise MweError(f"{figure} is no name for a figure: end it in .png, .svg or .pdf.")
    runs, left_out = read_runs(logs)
    if figure is not None and len(runs) > 1:
        raise MweError(f"A figure shows one log, and there are {len(runs)}: name one.")
    for run in runs:
        if not any_version:
            refuse_another_version(run, dataset)
        print_run(run, details=details)
        if len(runs) > 1:
            click.echo(f"Log: {run['log'].iloc[0]}")
    for reason in left_out:
        click.echo(f"Left out: {reason}")
    if figure is not None:
        from mwe_tasks.plot import draw_run

        draw_run(runs[0], figure)
        click.echo(f"Figure: {figure}")


def refuse_another_version(run: "pd.DataFrame", dataset: str | None) -> None:
    """Raises MweError where a run was made with other rows than the dataset has now."""
    from mwe_tasks.table import another_version

    if differs := another_version(run, dataset):
        raise MweError(
            f"{differs}: score the model again, check out the version that the log was made with, or show it all the "
            "same with --any-version."
        )
