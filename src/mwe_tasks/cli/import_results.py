"""`mwe import-results`: results of other pipelines as logs."""

from collections.abc import Sequence
from pathlib import Path

import click

from mwe_tasks.errors import MweError

SUFFIXES = {"prize": ".csv", "lm-eval": ".jsonl"}


@click.command("import-results")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--family", required=True, help="The family that the models belong to: a name, or a TOML file.")
@click.option("--log-dir", required=True, type=click.Path(path_type=Path), help="The folder that logs are written to.")
@click.option("--dataset", help="The dataset that was asked: a name, a folder or a file; else as far as FILES say it.")
@click.option("--format", "format_", type=click.Choice(list(SUFFIXES)), help="The format; by suffix where unset.")
@click.option("--model", help="The member that a file is of, where its name does not say it.")
def import_results(
    files: tuple[Path, ...], family: str, log_dir: Path, dataset: str | None, format_: str | None, model: str | None
) -> None:
    """Read the results of another pipeline into logs, one a model, that every command here takes.

    FILES are CSV files of the Inverse Scaling Prize pipeline (columns index, loss, correct, predicted, total_logprob),
    each named after its model, or files that lm-eval wrote with --log_samples for a task of `mwe export --format
    lm-eval`. Both read the canonical spelling of a label alone (" Yes"). A fault in one file stops everything, and
    nothing is written.

    \b
    Examples:
      mwe import-results results/*.csv --family gpt3-api --log-dir logs/gpt3
      mwe import-results out/*/samples_mwe_sycophantic_yesno_2*.jsonl --family pythia --log-dir logs/lm-eval
    """
    from mwe_tasks import results_by_id, results_by_index
    from mwe_tasks.families import find_family
    from mwe_tasks.foreign_logs import as_log, write_logs
    from mwe_tasks.foreign_results import refuse_other_questions

    by_index = format_of(files, format_) == "prize"
    read = results_by_index.read_results if by_index else results_by_id.read_results
    found = read(files, find_family(family), dataset, model)
    refuse_other_questions(found)
    paths = write_logs([as_log(results) for results in found], log_dir)
    for results, path in zip(found, paths, strict=True):
        click.echo(f"{results.member.name}: {len(results.answered)} questions of {results.dataset}: {path}")
    click.echo(f"To see them: mwe show {log_dir}")


def format_of(files: Sequence[Path], named: str | None) -> str:
    """The one format of files; raises MweError for a missing file, another suffix, and two formats."""
    found = named or next((name for name, suffix in SUFFIXES.items() if files[0].suffix.lower() == suffix), None)
    if found is None:
        known = " and ".join(f"{suffix} of {name}" for name, suffix in SUFFIXES.items())
        raise MweError(f"{files[0]} is none of the results read here, which are {known}.")
    for file in files:
        if not file.is_file():
            raise MweError(f"There is no file {file}.")
        if file.suffix.lower() != SUFFIXES[found]:
            raise MweError(f"{file} should end in {SUFFIXES[found]}, as results of the format {found} do.")
    return found
