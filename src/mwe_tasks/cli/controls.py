"""`mwe controls`: whether what is planted in simulated families is found, and nothing else."""

from pathlib import Path

import click

from mwe_tasks.cli.families import print_columns


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
    from mwe_tasks.controls import UNCLAIMED, run_controls

    found = run_controls(log_dir)
    lines = [("SIMULATED family", "appeal", "knowledge", "", "planted")]
    for each in found:
        said = "as planted" if each.right else "NOT AS PLANTED"
        lines.append((each.control.family, each.appeal, each.knowledge, said, each.control.planted))
    click.echo()
    print_columns(lines)
    click.echo(
        f"\nNo change is claimed by: {', '.join(UNCLAIMED)} (one of its two scores claims a change, the other none)."
    )
    click.echo(f"To look at one: mwe fit {log_dir / found[0].control.family}")
    if not all(each.right for each in found):
        raise SystemExit(1)
