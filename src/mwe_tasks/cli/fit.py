"""`mwe fit`: how a family's answers change with size, and how sure one can be."""

import shlex
from pathlib import Path

import click

from mwe_tasks.families import SIZES, Size


@click.command()
@click.argument("logs", nargs=-1, required=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("report"),
    show_default=True,
    help="The folder that the report goes into.",
)
@click.option(
    "--family",
    "families",
    multiple=True,
    help="The family of the models, or a .toml file like those of `mwe families`; by default found by their names. "
    "May be given several times.",
)
@click.option(
    "--x",
    type=click.Choice(SIZES),
    default="params",
    show_default=True,
    help="What size is; compute is 6 N D.",
)
@click.option(
    "--form",
    "forms",
    multiple=True,
    help="Fit a curve too: log-linear, or, from 8 sizes over 2.5 decades up, another one of `forms/`. May be repeated.",
)
@click.option(
    "--plan",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The plan that the logs were scored under: what it names is marked planned, all else explored.",
)
@click.option(
    "--allow-low-coverage",
    is_flag=True,
    help="Judge models that put less than .1 of their probability on the labels too.",
)
def fit(
    logs: tuple[str, ...],
    out: Path,
    families: tuple[str, ...],
    x: Size,
    forms: tuple[str, ...],
    plan: Path | None,
    allow_low_coverage: bool,
) -> None:
    """Say how scores change with size, with an error rate: a figure, a report, a table, the verdicts.

    LOGS are files that `inspect eval` or `mwe score` wrote, or folders of them. Every log must be of the same version
    of its dataset, asked the same way, on the same questions.

    \b
    Examples:
      mwe fit logs/pythia
      mwe fit logs/pythia --plan plan.toml
      mwe fit logs/pythia logs/opt --out report --x compute
      mwe fit logs/mine --family mine.toml --out report
    """
    from mwe_tasks.curve_fits import fit_forms
    from mwe_tasks.forms import find_form
    from mwe_tasks.reporting import findings_of, write_report
    from mwe_tasks.wording import lead

    chosen = [find_form(name) for name in dict.fromkeys(forms)]
    found = findings_of(logs, families=families, x=x, plan=plan, allow_low_coverage=allow_low_coverage)
    for finding in found:
        click.echo(lead(finding))
    for note in dict.fromkeys(warning for finding in found for warning in finding.warnings):
        click.echo(f"Note: {note}")
    options = [f" --form {shlex.quote(name)}" for name in forms]
    options += [f" --family {shlex.quote(name)}" for name in families] + ([f" --x {x}"] if x != "params" else [])
    options += [] if plan is None else [f" --plan {shlex.quote(str(plan))}"]
    low = " --allow-low-coverage" if allow_low_coverage else ""
    command = f"mwe fit {shlex.join(logs)} --out {shlex.quote(str(out))}{''.join(options)}{low}"
    for name, what in write_report(found, out, command=command, curves=fit_forms(found, chosen)).items():
        click.echo(f"{out / name}: {what}")
