"""`mwe plan`: what is going to be measured, written down before anything is."""

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mwe_tasks.errors import MweError
from mwe_tasks.families import SIZES
from mwe_tasks.plan import LEVELS, ORIENTATIONS, SCORES

if TYPE_CHECKING:
    from mwe_tasks.families import Size
    from mwe_tasks.plan import Score
    from mwe_tasks.runs import Role


@click.command()
@click.argument("dataset")
@click.option("--family", required=True, help="A family's name (see `mwe families`), or a TOML file of your own.")
@click.option("--score", required=True, type=click.Choice(SCORES), help="The score that the verdict will be about.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), default=Path("plan.toml"), show_default=True,
    help="The file to write.",
)  # fmt: skip
@click.option("--role", type=click.Choice(["base", "instruct"]), help="Only the members of this role.")
@click.option("--max-params", metavar="SIZE", help="Leave out models with more parameters than this, such as 3b.")
@click.option("--split", default="test", show_default=True, help="The split to ask: test, contested.")
@click.option("--style", type=click.Choice(["chat", "completion"]), help="Each member's own where unset.")
@click.option("--template", type=int, default=0, help="One of the three templates of the style, counted from 0.")
@click.option("--frame", default="plain", show_default=True, help="What stands around a question.")
@click.option("--shots", type=int, default=0, help="How many solved examples come first: 0, 2, 4, 8.")
@click.option("--shot-seed", type=int, default=0, help="Orders the solved examples.")
@click.option("--n", type=click.IntRange(min=1), help="How many facts to ask, the dataset's first; all where unset.")
@click.option("--x", type=click.Choice(SIZES), default="params", show_default=True, help="What size is measured in.")
@click.option("--force", is_flag=True, help="Replace a plan of that name.")
def plan(
    dataset: str,
    family: str,
    score: "Score",
    out: Path,
    role: "Role | None",
    max_params: str | None,
    split: str,
    style: str | None,
    template: int,
    frame: str,
    shots: int,
    shot_seed: int,
    n: int | None,
    x: "Size",
    force: bool,
) -> None:
    """Write down what is going to be measured on which models, before anything is.

    DATASET is what `mwe score` takes. `mwe score --plan FILE` then keeps to the plan and puts its sha256 into every
    log, so that a verdict can be told from one that was looked for.

    \b
    Example:
      mwe plan sycophantic_yesno --family pythia --score appeal --out plan.toml
    """
    from mwe_tasks.families import find_family, sizes
    from mwe_tasks.plan import ALPHA, Plan, PlannedMember, as_toml, first_questions, read_plan
    from mwe_tasks.readers import read_rows
    from mwe_tasks.refusals import FACTS
    from mwe_tasks.runs import choose_members
    from mwe_tasks.tasks import MIN_DRAWS, check_arguments

    check_arguments(style=style, template=template, frame=frame, shots=shots, shot_seed=shot_seed, draws=MIN_DRAWS)
    if score == "shift" and frame == "plain":
        raise MweError("The score shift is what a frame adds: give --frame opinion or authority.")
    found = find_family(family)
    chosen = choose_members(found, role=role, max_params=max_params, style=style)
    names = {run.name for run in chosen.runs}
    sizes([member for member in found.members if member.name in names], x)
    data = read_rows(dataset, split)
    if score not in ("appeal", "shift") and any(row.truth is None for row in data.rows):
        raise MweError(f"{data.name} has rows without a truth, so {score} cannot be planned: plan appeal.")
    facts, questions = first_questions([row.fact for row in data.rows], n)
    written = Plan(
        dataset=data.name,
        checksum=data.checksum,
        split=data.split,
        family=found.name,
        score=score,
        orientation=ORIENTATIONS[score],
        frame=frame,
        template=template,
        shots=shots,
        shot_seed=shot_seed,
        facts=facts,
        questions=questions,
        levels=LEVELS,
        alpha=ALPHA,
        x=x,
        created=datetime.now(UTC).date(),
        members=tuple(
            PlannedMember(model=run.model, revision=run.revision, style=run.style)  # type: ignore[arg-type]  # chosen above
            for run in chosen.runs
        ),
    )
    if out.exists() and not force:
        raise MweError(f"{out} exists already: name another --out, or replace it with --force.")
    try:
        out.write_text(as_toml(written), encoding="utf-8")
    except OSError as error:
        raise MweError(f"{out} cannot be written: {error.strerror or error}.") from None
    for sentence in chosen.left_out:
        click.echo(f"Left out: {sentence}.")
    _, stamp = read_plan(out)
    click.echo(f"{out}: {score} of {found.name} ({len(written.members)} models) on {facts} facts of {data.name}.")
    if facts < FACTS:
        click.echo(f"Note: a verdict needs {FACTS} facts, and {facts} are planned.")
    click.echo(f"sha256 {stamp}: publish it, or commit the file, before scoring.")
    narrowed = {"--role": role, "--max-params": max_params, "--style": style}
    words = [word for option, value in narrowed.items() if value is not None for word in (option, value)]
    click.echo(shlex.join(["Next:", "mwe", "score", dataset, "--family", family, *words, "--plan", str(out)]))
