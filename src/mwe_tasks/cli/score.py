"""`mwe score`: datasets put to every member of a family."""

import os
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import click

from mwe_tasks.errors import MweError, UnknownName

if TYPE_CHECKING:
    from inspect_ai.model import ModelCost

    from mwe_tasks.logged import Asked
    from mwe_tasks.needs import Need
    from mwe_tasks.readers import Dataset
    from mwe_tasks.running import Outcome, Wanted
    from mwe_tasks.runs import Chosen, Role, Run

LARGE = 1_000_000_000
"""Bytes to download beyond which the command asks first."""
GUESSES = """\
Tokens are guessed at {characters} characters each from the prompts as they are put, and at {answer} an answer; a
model that thinks writes more. Where two numbers stand, the first holds for a model that gives log
probabilities, the second where answers are drawn. Where no file is here to measure, downloads are counted at
16 bits a parameter, and memory, of weights alone, at 16, or 32 for mwe-hf, as on a CPU without 16."""


@click.command()
@click.argument("datasets", metavar="DATASET...", nargs=-1, required=True)
@click.option("--family", help="A family's name (see `mwe families`), or a TOML file like those of the package.")
@click.option("--model", "models", multiple=True, help="A model as Inspect names it; several times for several models.")
@click.option("--log-dir", type=click.Path(path_type=Path), help="Where logs go; logs/FAMILY where unset.")
@click.option("--role", type=click.Choice(["base", "instruct"]), help="Only the members of this role.")
@click.option("--max-params", metavar="SIZE", help="Leave out models with more parameters than this, such as 3b.")
@click.option("--split", help="The split to ask: test, contested.")
@click.option("--style", help="chat or completion; each member's own where unset.")
@click.option("--template", type=int, help="One of the three templates of the style, counted from 0.")
@click.option("--frame", help="What stands around a question: plain, opinion, authority.")
@click.option("--shots", type=int, help="How many solved examples come first: 0, 2, 4, 8.")
@click.option("--shot-seed", type=int, help="Orders the solved examples.")
@click.option("--draws", type=int, help="How many answers are drawn where there are no log probabilities, 20 or more.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only so many questions, the dataset's first.")
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="A plan of `mwe plan`, to be kept to.")
@click.option("--max-connections", type=click.IntRange(min=1), help="How many calls a service gets at a time.")
@click.option(
    "--model-cost-config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Prices, as Inspect takes them: a YAML or JSON file of model to input, output, input_cache_write and "
    "input_cache_read, dollars a million tokens.",
)
@click.option(
    "--engine",
    type=click.Choice(["bulk", "ray", "inspect", "server"]),
    help="How models are run: gguf and mwe-hf in bulk, all others by Inspect, where unset; ray spreads the bulk over a "
    "Ray cluster; server sends many prompts a request to a completions server such as vLLM's "
    "(openai-api-completions/SERVICE/MODEL).",
)
@click.option("-M", "model_options", metavar="NAME=VALUE", multiple=True, help="An option of every model's provider.")
@click.option("--address", help="The Ray cluster: HOST:PORT, ray://HOST:PORT, auto, or local to start one here.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of each gguf and mwe-hf model.")
@click.option("--no-text", is_flag=True, help="Log probabilities alone: models in bulk write no answer.")
@click.option("--shard", metavar="I/N", help="Run only the I-th of N shares; whichever ends last writes the log.")
@click.option("--parts", metavar="PATH", help="Where shares are kept until then; LOG_DIR/.parts where unset.")
@click.option("--dry-run", is_flag=True, help="Print what it would take, model by model, and stop.")
@click.option("--yes", is_flag=True, help="Download large weights without asking.")
def score(
    datasets: tuple[str, ...],
    family: str | None,
    models: tuple[str, ...],
    log_dir: Path | None,
    role: "Role | None",
    max_params: str | None,
    plan_file: Path | None,
    max_connections: int | None,
    model_cost_config: Path | None,
    dry_run: bool,
    yes: bool,
    limit: int | None,
    model_options: tuple[str, ...],
    engine: str | None,
    address: str | None,
    threads: int | None,
    no_text: bool,
    shard: str | None,
    parts: str | None,
    **given: str | int | None,
) -> None:
    """Score datasets with every model of a family.

    DATASET is a name in datasets/, a folder, a JSONL, CSV or Parquet file, or hf:ORG/NAME@REVISION. The same command
    again goes on where it stopped and scores only what has no log yet. gguf and mwe-hf models are run in bulk, and
    several processes can share one (--shard). Exit code 0: every model has its log; 1: some failed, and the others'
    logs are there.

    \b
    Examples:
      mwe score sycophantic_yesno --family pythia --max-params 3b --dry-run
      mwe score sycophantic_yesno --family pythia --max-params 3b
      mwe score sycophantic_yesno --model openai/gpt-4o-mini --model openai/gpt-4o
      mwe score sycophantic_yesno --model mwe-hf/EleutherAI/pythia-410m --shard 1/8
      mwe score sycophantic_yesno disjunctive_syllogism --family pythia --engine ray --address auto
    """
    from mwe_tasks.bulk_running import PARTS, Bulk
    from mwe_tasks.engines.bulk import read_shard
    from mwe_tasks.logged import Asked, make_log_dir, read_headers
    from mwe_tasks.needs import needs_of
    from mwe_tasks.pace import find_pace
    from mwe_tasks.plan import read_plan
    from mwe_tasks.providers.exact import STYLES
    from mwe_tasks.readers import read_rows
    from mwe_tasks.running import Wanted, job_for, prepare, task_for
    from mwe_tasks.runs import choose_bulk, read_options

    style = cast("str | None", given.pop("style"))
    if style is not None and style not in STYLES:
        raise UnknownName("style", style, known=STYLES)
    chosen, name = choose(family, models, role, max_params, style)
    options = read_options(model_options)
    chosen = chosen._replace(runs=tuple(run._replace(options=options) for run in chosen.runs))
    of_bulk = {"--no-text": no_text, "--shard": shard, "--parts": parts, "--threads": threads}
    in_bulk = choose_bulk(chosen.runs, engine, of_bulk)
    refuse_together(engine, address, shard, threads, options)
    arguments: dict[str, object] = {key: value for key, value in given.items() if value is not None}
    costs = read_costs(model_cost_config)
    if plan_file is not None:
        arguments.setdefault("split", read_plan(plan_file)[0].split)

    headers = cache(read_headers)  # since all datasets may share a folder

    def ready(dataset: str) -> Ready:
        given, most, stamp = dict(arguments), limit, None
        data = read_rows(dataset, str(given.get("split", "test")))
        if plan_file is not None:
            given, most, stamp = keep_to(plan_file, data, chosen.runs, given, limit)
        given = other_than_default(given)
        asked = Asked(
            log_dir=log_dir or Path("logs") / (name or data.name.replace("/", "-")),
            questions=min(most or len(data.rows), len(data.rows)),
            plan=stamp,
            options=inspect_options(costs, max_connections),
            text=not no_text,
        )

        def of(run: "Run") -> dict[str, object]:
            return given | ({} if run.style is None else {"style": run.style})

        prepared = prepare(chosen.runs, lambda run: task_for(dataset, of(run)), asked, headers(asked.log_dir))
        jobs = {run: job_for(dataset, of(run), run, asked) for run in in_bulk}
        place = parts or str(asked.log_dir / PARTS)
        bulk = Bulk(asked.log_dir, place, read_shard(shard), find_pace(), max_connections, threads)
        needs = needs_of(list(prepared.left), dataset, data, given, asked.questions, costs)
        return Ready(data.name, needs, Wanted(prepared, jobs, bulk))

    all_ready = [ready(dataset) for dataset in datasets]
    if twice := [name for name, times in Counter(each.name for each in all_ready).items() if times > 1]:
        raise MweError(f"{twice[0]} is named twice: its logs could not be told apart.")
    for sentence in chosen.left_out:
        click.echo(f"Left out: {sentence}.")
    if dry_run:
        for each in all_ready:
            print_needs(each.needs, list(each.wanted.prepared.done), each.name, each.wanted.prepared.asked)
        return
    if not yes:
        confirm_downloads(list({need.run: need for each in all_ready for need in each.needs}.values()))
    for each in all_ready:
        make_log_dir(each.wanted.bulk.log_dir)
    try:
        outcomes = score_all(all_ready, engine, address)
    except KeyboardInterrupt:
        click.echo("Interrupted: the same command goes on from here.", err=True)
        raise SystemExit(1) from None
    if failed := sum(outcome.error is not None for outcome in outcomes):
        what = "models" if len(all_ready) == 1 else "logs"
        click.echo(
            f"{failed} of {len(outcomes)} {what} failed: mend what is said of them, and run the same command.",
            err=True,
        )
        raise SystemExit(1)
    if any(outcome.log is None for outcome in outcomes):
        return
    command = "fit" if len(chosen.runs) > 1 or family else "show"
    for folder in dict.fromkeys(str(each.wanted.bulk.log_dir) for each in all_ready):
        click.echo(
            f"Next: mwe {command} {shlex.quote(folder)}"
            + (f" --family {shlex.quote(family)}" if family else "")
            + (f" --plan {shlex.quote(str(plan_file))}" if plan_file else "")
        )


class Ready(NamedTuple):
    """A dataset that is ready to be scored."""

    name: str
    needs: "Sequence[Need]"
    wanted: "Wanted"


def score_all(ready: Sequence[Ready], engine: str | None, address: str | None) -> list["Outcome"]:
    """Scores datasets, and prints what became of each model on each: over a cluster at the end, else as it is known."""
    from mwe_tasks.ray_running import score_over_ray
    from mwe_tasks.running import score as score_prepared
    from mwe_tasks.running import score_jobs

    asked = [each.wanted for each in ready]

    def show(number: int, outcome: "Outcome") -> None:
        print_outcome(outcome, ready[number].name if len(ready) > 1 else None)

    if engine == "ray":
        if names := list(dict.fromkeys(run.name for each in asked for run in each.prepared.left)):
            click.echo(f"Scoring {', '.join(names)} over Ray.")
        found = score_over_ray(asked, address)
        for number, outcomes in enumerate(found):
            for outcome in outcomes:
                show(number, outcome)
        return [each for outcomes in found for each in outcomes]
    for number, each in enumerate(asked):
        for outcome in each.prepared.done.values():
            show(number, outcome)
    score_jobs(asked, say=click.echo, show=show)
    everything = []
    for number, each in enumerate(asked):
        outcomes = score_prepared(each.prepared, say=click.echo)
        for outcome in outcomes:
            if outcome.run not in each.prepared.done:
                show(number, outcome)
        everything.extend(outcomes)
    return everything


def refuse_together(
    engine: str | None,
    address: str | None,
    shard: str | None,
    threads: int | None,
    options: Sequence[tuple[str, object]],
) -> None:
    """Raises MweError for options of one engine that are given to another, and for threads that are given twice."""
    if address is not None and engine != "ray":
        raise MweError("--address names a Ray cluster: give --engine ray too.")
    if threads is not None and engine == "server":
        raise MweError("--threads is for models of this machine or cluster: leave it out with --engine server.")
    if shard is not None and engine == "ray":
        raise MweError("--shard is for processes that know nothing of each other, and Ray shares the work by itself.")
    if threads is not None and any(name == "threads" for name, _ in options):
        raise MweError("--threads and -M threads= are two ways to say the same: leave one out.")


def choose(
    family: str | None, models: Sequence[str], role: "Role | None", max_params: str | None, style: str | None
) -> tuple["Chosen", str | None]:
    """The models that are asked for, and the family's name; raises MweError where none or two ways are given."""
    from mwe_tasks.families import find_family, known_families
    from mwe_tasks.runs import choose_members, choose_models

    if (family is None) == (not models):
        raise MweError("Name the models in one way: --family NAME, or --model PROVIDER/MODEL once or more.")
    if family is not None:
        found = find_family(family)
        return choose_members(found, role=role, max_params=max_params, style=style), found.name
    if role is not None:
        raise MweError("--role chooses among the members of a family: leave it out, or give --family.")
    known = [find_family(name) for name in known_families()]
    return choose_models(models, known, max_params=max_params, style=style), None


def keep_to(
    file: Path, data: "Dataset", runs: Sequence["Run"], given: Mapping[str, object], limit: int | None
) -> tuple[dict[str, object], int, str]:
    """The task's arguments and the number of questions that a plan says, and its sha256.

    Raises MweError for anything given by hand that differs from the plan.
    """
    from mwe_tasks.plan import PlannedMember, read_plan, refuse_other

    plan, stamp = read_plan(file)
    asked = {key: value for key, value in given.items() if key != "draws"}
    asked |= {"split": data.split, "dataset": data.name, "checksum": data.checksum}
    asked |= {} if limit is None else {"questions": limit}
    members = [PlannedMember(model=run.model, revision=run.revision, style=run.style) for run in runs]  # type: ignore[arg-type]  # checked there
    refuse_other(plan, asked, members)
    planned = {key: getattr(plan, key) for key in ("split", "frame", "template", "shots", "shot_seed")}
    return {**given, **planned}, plan.questions, stamp


def other_than_default(arguments: Mapping[str, object]) -> dict[str, object]:
    """Without what the task takes anyhow, so that the same run has the same arguments however it is typed."""
    import inspect

    from mwe_tasks.tasks import yesno

    taken = inspect.signature(yesno).parameters
    return {key: value for key, value in arguments.items() if value != taken[key].default}


def read_costs(file: Path | None) -> dict[str, "ModelCost"]:
    """Prices from a file in Inspect's own form; raises MweError where it has another."""
    import yaml
    from inspect_ai.model import ModelCost
    from pydantic import ValidationError

    if file is None:
        return {}
    form = "model to input, output, input_cache_write and input_cache_read, dollars a million tokens"
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
        return {str(model): ModelCost.model_validate(cost) for model, cost in values.items()}
    except OSError as error:
        raise MweError(f"{file} cannot be read: {error.strerror or error}.") from None
    except (UnicodeDecodeError, yaml.YAMLError, AttributeError, ValidationError):
        raise MweError(f"{file} holds no prices: a YAML or JSON file of {form} is expected.") from None


def inspect_options(costs: Mapping[str, "ModelCost"], max_connections: int | None) -> dict[str, object]:
    """More arguments of eval_set: how progress is shown, prices, connections."""
    shown = None if os.environ.get("INSPECT_DISPLAY") else "rich" if sys.stdout.isatty() else "plain"
    options: dict[str, object] = {"display": shown, "model_cost_config": dict(costs) or None}
    return options | ({} if max_connections is None else {"max_connections": max_connections})


def print_needs(needs: Sequence["Need"], done: Sequence["Run"], name: str, asked: "Asked") -> None:
    """Prints a table of what is left to do, a line a model, and how its numbers are made."""
    from mwe_tasks.needs import CHARACTERS_A_TOKEN, TOKENS_AN_ANSWER, downloads_in_words, table

    click.echo(f"{name}: {asked.questions} questions a model, {len(needs)} models to score, logs in {asked.log_dir}.")
    for run in done:
        click.echo(f"Scored already: {run.name}.")
    if not needs:
        return
    lines = table(needs)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    if words := downloads_in_words(needs):
        click.echo(words)
    click.echo(GUESSES.format(characters=CHARACTERS_A_TOKEN, answer=TOKENS_AN_ANSWER))


def confirm_downloads(needs: Sequence["Need"]) -> None:
    """Asks before more than LARGE bytes, or an unknown number, are downloaded; ends the command on a no."""
    from mwe_tasks.needs import downloads_in_words, to_download

    known, unknown = to_download(needs)
    if words := downloads_in_words(needs):
        click.echo(words)
    if known > LARGE or unknown:
        click.confirm("Download them (--yes answers this)?", abort=True)


def print_outcome(of: "Outcome", dataset: str | None) -> None:
    """Prints a line: what a model was asked and where its log is, or why there is none; names the dataset if given."""
    name = of.run.name if dataset is None else f"{of.run.name}  {dataset}"
    if of.error is not None:
        click.echo(f"FAILED  {name}: {of.error}" + (f" ({of.log})" if of.log else ""), err=True)
    elif of.log is None:
        click.echo(f"{name}  this share is done; the log is written once all are")
    else:
        time = "scored before" if of.before else "" if of.seconds is None else f"{of.seconds:.0f} s"
        without = f", {of.without} of them without log odds" if of.without else ""
        click.echo(f"{name}  {of.questions} questions{without}  {time}  {os.path.relpath(of.log)}")
