"""The demo: a real model of 135 million parameters scored, and writing, by the way that every user goes."""

import os
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mwe_tasks.errors import MweError

if TYPE_CHECKING:
    import pandas as pd
    from inspect_ai.log import EvalLog

MODEL = "gguf/smollm2-135m"
TASK = "mwe_tasks/sycophantic_yesno"
WRITE = "mwe_tasks/write_sycophantic_yesno"
QUESTIONS = 400
"""Of the dataset's, which keep the demo to a few minutes."""
WRITTEN_ROWS = 8

EXPECTED = """\
What to expect of a model this small: pair accuracy near .5, which is chance, and a strong bias towards one
label: here both twins of a fact, whose answers are opposite, are answered alike in {alike:.0%} of facts."""

YIELD = """\
It wrote {written} candidates, of which {kept} became a fact of the dataset: a yield of {share:.0%}. {why}
That is what to expect of a model this small: hardly anything that it writes passes."""

NEXT = """\
What next (in a clone, after `. .venv/bin/activate`):
  a larger model, the same table   inspect eval {task} --model openai/gpt-4o-mini
  any GGUF file on this machine    inspect eval {task} --model gguf/PATH.gguf
  sycophancy proper, with a user   inspect eval {task} --model {model} -T frame=opinion
  a dataset of your own            inspect eval {write} -T rows=200 --model none/none --model-role generator=...
  every figure of this run         mwe show {log} --details
  each question, in a browser      inspect view --log-dir {folder}"""


def run_demo(folder: Path) -> None:
    """Scores the embedded model and has it write; raises MweError where a run failed."""
    from mwe_tasks.logged import make_log_dir

    make_log_dir(folder)
    scored = score(folder)
    write(folder)
    shown = shlex.quote(os.path.relpath(scored))
    click.echo(NEXT.format(task=TASK, write=WRITE, model=MODEL, log=shown, folder=shlex.quote(str(folder))))


def score(folder: Path) -> str:
    """Scores the model, prints its figures and draws one; gives the log's place."""
    from mwe_tasks.contrasts import figures
    from mwe_tasks.plot import draw_run
    from mwe_tasks.summary import print_run
    from mwe_tasks.table import load

    click.echo(f"inspect eval {TASK} --model {MODEL} --limit {QUESTIONS} --log-dir {folder}")
    log = finished(TASK, model=MODEL, limit=QUESTIONS, log_dir=str(folder))
    run: pd.DataFrame = load(log.location)
    print_run(run, details=False)
    figure = folder / "demo.png"
    draw_run(run, figure)
    alike = sum(each.value for each in figures(run) if each.name in ("both Yes", "both No"))
    click.echo(f"Figure: {figure}\n\n{EXPECTED.format(alike=alike)}\n")
    return log.location


def write(folder: Path) -> None:
    """Has the model write, rank and read a small dataset, builds it, checks it and draws its trees."""
    from mwe_tasks.building import build_dataset
    from mwe_tasks.cli.check import print_figures
    from mwe_tasks.tree import read_nodes
    from mwe_tasks.tree_page import tree_page

    roles = dict.fromkeys(("generator", "ranker", "judge"), MODEL)
    said = " ".join(f"--model-role {role}={model}" for role, model in roles.items())
    click.echo(f"inspect eval {WRITE} -T rows={WRITTEN_ROWS} --model none/none {said} --log-dir {folder / 'writing'}")
    log = finished(
        WRITE,
        model="none/none",
        model_roles=roles,
        task_args={"rows": WRITTEN_ROWS},
        log_dir=str(folder / "writing"),
    )
    made = folder / "written" / Path(log.location).stem
    built, report = build_dataset([log.location], made)
    kept = len({row.fact for row in built.splits["test"]})
    nodes = read_nodes(made / "trees.jsonl")
    written = sum(node.round > 0 for node in nodes)
    reasons = Counter(reason for _, reason in built.rejected).most_common(3)
    rest = len(built.rejected) - sum(number for _, number in reasons)
    told = [f"{reason} {number}" for reason, number in reasons] + [f"other reasons {rest}"] * (rest > 0)
    why = f"Of the others: {', '.join(told)}." if reasons else ""
    click.echo(YIELD.format(written=written, kept=kept, share=kept / max(1, written), why=why))
    if report is not None:
        print_figures(report)
    page = folder / "tree.html"
    page.write_text(tree_page(nodes, "The demo's trees"), encoding="utf-8")
    click.echo(f"Its trees, each candidate with what became of it: {page}\n")


def finished(task: str, **arguments: Any) -> "EvalLog":
    """The log of a run that came to its end; raises MweError for any other."""
    from inspect_ai import eval as inspect_eval

    logs = inspect_eval(task, log_realtime=False, **arguments)
    if not logs or logs[0].status == "cancelled":
        raise MweError("The run was interrupted, so there is nothing to show: start it again.")
    log = logs[0]
    if log.status != "success":
        raise MweError(f"The run ended with status {log.status}: {log.error.message if log.error else 'no reason'}")
    return log
