"""`mwe compare`: what changes between two runs on the same facts."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd

    from mwe_tasks.lineup import Lineup


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--family", help="The family of the first folder's models; by default found by their names.")
@click.option("--allow-low-coverage", is_flag=True, help="Judge by size models of a coverage under .1 too.")
@click.option("--topics", is_flag=True, help="Print the difference within each topic too.")
def compare(first: str, second: str, family: str | None, allow_low_coverage: bool, topics: bool) -> None:
    """Print how two runs differ on the same facts: SECOND less FIRST, with intervals of paired scores.

    FIRST and SECOND are logs: of two models (a base model and its instruct version), or of one model in two frames or
    styles. Two folders are compared model by model, each with the one that its family pairs it with, and the
    difference is judged by size.

    \b
    Examples:
      mwe compare logs/base.eval logs/instruct.eval --topics
      mwe compare logs/qwen2.5 logs/qwen2.5-instruct
    """
    from mwe_tasks.lineup import families_of, line_up
    from mwe_tasks.table import read_runs

    (ones, left), (others, out) = read_runs([first]), read_runs([second])
    for reason in [*left, *out]:
        click.echo(f"Left out: {reason}")
    if len(ones) == len(others) == 1:
        _print_pair(ones[0], others[0], topics=topics)
        return
    for lineup in line_up(ones, families_of(ones, [family] if family else []), "params"):
        _print_by_size(lineup, others, topics=topics, allow_low_coverage=allow_low_coverage)


def _print_pair(first: "pd.DataFrame", second: "pd.DataFrame", *, topics: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from mwe_tasks.compare import compare as compare_runs
    from mwe_tasks.compare import told_apart
    from mwe_tasks.report_tables import interval

    found = compare_runs(first, second)
    click.echo(f"{first['dataset'].iloc[0]}: {'; '.join(told_apart(first, second)) or 'two runs alike'}.")
    table = Table("score", "first", "second", "second less first", "facts", box=SIMPLE_HEAD)
    for each in found:
        numbers = [interval(one.value, one.low, one.high) for one in each[:3]]
        table.add_row(Text(f"{each.difference.name}, {each.difference.note}"), *numbers, str(each.difference.n))
    Console().print(table)
    if topics:
        for each in found[:2]:  # the log odds and the bounded partner of the first score
            click.echo(f"{each.difference.name}, second less first, by topic (intervals of each alone):")
            for topic in each.topics:
                click.echo(f"  {interval(topic.value, topic.low, topic.high)}  {topic.name} ({topic.n} facts)")


def _print_by_size(lineup: "Lineup", others: "list[pd.DataFrame]", *, topics: bool, allow_low_coverage: bool) -> None:
    from mwe_tasks.compare import compare_by_size, partners_of
    from mwe_tasks.headline import headline
    from mwe_tasks.report_tables import interval
    from mwe_tasks.wording import of_difference

    partners = partners_of(lineup, others)
    for run, partner in zip(lineup.runs, partners, strict=True):
        _print_pair(run.table, partner, topics=topics)
    found = compare_by_size(lineup, partners, allow_low_coverage=allow_low_coverage)
    for one, other in zip(found[::2], found[1::2], strict=True):  # log odds, and the bounded partner
        for each in (one, other):
            points = ", ".join(interval(point.value, point.low, point.high) for point in each.points)
            click.echo(f"{each.name}, the difference from the smallest model to the largest: {points}")
        for level in ("checkpoints", "family"):
            levels = [getattr(each.verdict, level) for each in (one, other)]
            click.echo(f"  {of_difference(headline(*levels), levels, (one.kind, other.kind))}")
    every = [level for each in found for level in (each.verdict.checkpoints, each.verdict.family)]
    for reason in dict.fromkeys(level.refused for level in every if level.refused):
        click.echo(f"No verdict: {reason}")
