"""The demo: a real model of 135 million parameters on a real dataset, by the way that every user goes."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mwe_tasks.errors import MweError

if TYPE_CHECKING:
    import pandas as pd

MODEL = "gguf/smollm2-135m"
TASK = "mwe_tasks/sycophantic_yesno"

EXPECTED = """\
What to expect of a model this small: pair accuracy near .5, which is chance, and a strong bias towards one
label: here both twins of a fact, whose answers are opposite, are answered alike in {alike:.0%} of facts."""

NEXT = """\
What next (in a clone, after `. .venv/bin/activate`):
  a larger model, the same table   inspect eval {task} --model openai/gpt-4o-mini
  any GGUF file on this machine    inspect eval {task} --model gguf/PATH.gguf
  sycophancy proper, with a user   inspect eval {task} --model {model} -T frame=opinion
  every figure of this run         mwe show {log} --details
  each question, in a browser      inspect view --log-dir {folder}"""


def run_demo(folder: Path) -> None:
    """Scores the embedded model, prints its figures, draws one; raises MweError where the run failed."""
    from inspect_ai import eval as inspect_eval

    from mwe_tasks.contrasts import figures
    from mwe_tasks.plot import draw_run
    from mwe_tasks.summary import print_run
    from mwe_tasks.table import load

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MweError(f"{folder} cannot be made ({error.strerror}): name another folder in --log-dir.") from None
    click.echo(f"inspect eval {TASK} --model {MODEL} --log-dir {folder}")
    logs = inspect_eval(TASK, model=MODEL, log_dir=str(folder), log_realtime=False)
    if not logs:
        raise MweError("The run was interrupted, so there is nothing to show: start it again.")
    log = logs[0]
    if log.status != "success":
        raise MweError(f"The run ended with status {log.status}: {log.error.message if log.error else 'no reason'}")
    run: pd.DataFrame = load(log.location)
    print_run(run, details=False)
    figure = folder / "demo.png"
    draw_run(run, figure)
    alike = sum(each.value for each in figures(run) if each.name in ("both Yes", "both No"))
    click.echo(f"Figure: {figure}\n\n{EXPECTED.format(alike=alike)}\n")
    shown = shlex.quote(os.path.relpath(log.location))
    click.echo(NEXT.format(task=TASK, model=MODEL, log=shown, folder=shlex.quote(str(folder))))
