"""`mwe build`: the dataset that was written in some logs."""

import json
from pathlib import Path

import click

from mwe_tasks.errors import MweError


@click.command()
@click.argument("logs", nargs=-1, required=True)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The dataset's folder; where it holds one already, the logs add to it.",
)
@click.pass_context
def build(context: click.Context, logs: tuple[str, ...], out: Path) -> None:
    """Build a dataset folder from the logs of write tasks: rows, trees, what was rejected, card.

    LOGS are files that `inspect eval mwe_tasks/write_...` wrote, or folders of them. The exit code is 1 where
    `mwe check` finds a fault in what was built.

    \b
    Example:
      mwe build logs/writing --out datasets/my_behaviour
    """
    from mwe_tasks.building import build_dataset
    from mwe_tasks.cli.check import print_faults

    built, report = build_dataset(logs, out)
    for split, rows in built.splits.items():
        click.echo(f"{split}: {len(rows)} rows, {len({row.fact for row in rows})} facts")
    asked = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["candidates"]["asked for"]
    kept = len({row.fact for row in built.splits["test"]})
    if kept < asked:
        click.echo(f"Warning: {asked - kept} of the {asked} facts asked for are missing: the same run again goes on.")
    click.echo(f"rejected: {len(built.rejected)} candidates (rejected.jsonl says why)")
    click.echo(f"Dataset: {out}. To see how it was written: mwe tree {out} --out tree.html")
    if report is None:
        raise MweError("No fact passed, so there is no row: rejected.jsonl says why.")
    if not print_faults(report):
        context.exit(1)
