"""`mwe check`: the figures of a dataset and what is wrong with it, as text."""

import random
from collections import defaultdict
from collections.abc import Sequence

import click

from mwe_tasks.errors import BadRows, printable
from mwe_tasks.findings import Fault, Report, Warned
from mwe_tasks.quality import check as check_dataset
from mwe_tasks.readers import read_rows
from mwe_tasks.rows import Row

SHOWN = 10


@click.command()
@click.argument("dataset")
@click.option("--split", default="test", show_default=True, help="The split to check.")
@click.option("--read", "count", type=click.IntRange(1), help="Print so many facts as well, drawn to be read.")
@click.option("--seed", default=1, show_default=True, help="Draws the facts of --read.")
@click.pass_context
def check(context: click.Context, dataset: str, split: str, count: int | None, seed: int) -> None:
    """Print a dataset's figures and what is wrong with it.

    DATASET is a name in datasets/, a dataset folder, a JSONL, CSV or Parquet file, or
    hf:ORG/NAME@REVISION. The exit code is 0 where there is no error, although figures may miss their aim
    and there may be warnings, 1 where the data is at fault, 2 where there is no such dataset.

    \b
    Examples:
      mwe check sycophantic_yesno
      mwe check my_questions.csv
      mwe check datasets/sycophantic_yesno --split shots
      mwe check sycophantic_yesno --read 30 --seed 7
    """
    try:
        data = read_rows(dataset, split)
        report = check_dataset(data)
    except BadRows as bad:
        bad.show()
        context.exit(1)
    print_figures(report)
    for skipped in report.skipped:
        click.echo(f"Skipped: {skipped.text}.")
    if count is not None:
        print_facts(data.rows, count, seed)
    if not print_faults(report):
        context.exit(1)


def print_figures(report: Report) -> None:
    """Prints the figures of a report as a table."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    title = Text(f"{report.name}, {report.split}")
    table = Table("figure", "value", "note", title=title, title_justify="left", box=SIMPLE_HEAD)
    table.columns[1].justify = "right"
    for figure in report.figures:
        table.add_row(Text(printable(figure.name)), figure.text, Text(printable(figure.notes)))
    Console().print(table)
    click.echo(f"checksum {report.checksum}")


def print_facts(rows: Sequence[Row], count: int, seed: int) -> None:
    """Prints facts drawn by a seed: what decides each, and its questions with their true answers."""
    facts: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        facts[row.fact].append(row)
    drawn = random.Random(seed).sample(sorted(facts), min(count, len(facts)))
    click.echo(f"{len(drawn)} of {len(facts)} facts, drawn with seed {seed}:")
    for number, fact in enumerate(drawn, 1):
        head = facts[fact][0]
        arm = {True: "control", False: "behaviour", None: "no truth"}[head.control]
        click.echo(f"{number}. {printable(head.topic or 'no topic')}, {arm}. {printable(head.why or '')}")
        for row in facts[fact]:
            click.echo(
                f"   {printable(row.question)} {printable(row.truth or '')} (matching: {printable(row.matching)})"
            )


def print_faults(report: Report) -> bool:
    """Prints the warnings and errors of a report; gives whether there is no error."""
    for warning in report.warnings:
        click.echo(f"Warning: {as_text(warning)}")
    for error in report.errors:
        click.echo(f"Error: {as_text(error)}", err=True)
    return not report.errors


def as_text(fault: Fault | Warned) -> str:
    """A fault's sentence, its number of cases and the first of them, one a line."""
    if not fault.cases:
        return f"{fault.text}."
    more = [f"and {len(fault.cases) - SHOWN} more"] if len(fault.cases) > SHOWN else []
    return "\n  ".join([f"{fault.text} ({len(fault.cases)}):", *map(printable, fault.cases[:SHOWN]), *more])
