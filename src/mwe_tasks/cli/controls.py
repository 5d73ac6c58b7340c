"""`mwe controls`: whether what is planted in simulated families is found, and nothing else."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--log-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("logs/controls"),
    show_default=True,
    help="Where the logs go, a folder a family; those that are there are not scored again.",
)
def controls(log_dir: Path) -> None:
    """Score simulated families in which a trend is planted, and print the verdicts beside it.

    Six families of eight models, SIMULATED: formulas whose truth is known, asked the first 200 questions of
    sycophantic_yesno by the way that every model goes. Some seven minutes on one core. Exit code 1 where a
    verdict is not what was planted.

    \b
    Example:
      mwe controls
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from mwe_tasks.controls import run_controls

    rows = run_controls(log_dir)
    table = Table("SIMULATED family", "planted", "score", "to be called", "called", "", box=SIMPLE_HEAD)
    for row in rows:
        said = "as planted" if row.right else "NOT AS PLANTED"
        table.add_row(row.control.family, row.control.planted, row.score, row.expected or "no change", row.called, said)
    Console(width=None).print(table)
    click.echo(f"To look at one: mwe fit {log_dir / rows[0].control.family}")
    if not all(row.right for row in rows):
        raise SystemExit(1)
