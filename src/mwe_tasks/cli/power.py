"""`mwe power`: what can be found before it is looked for."""

import click

from mwe_tasks.errors import MweError


@click.command()
@click.option("--family", help="Whose sizes; or give --sizes.")
@click.option("--sizes", help="Numbers of parameters, with commas between: 70m,160m,410m,1.4b.")
@click.option("--facts", type=click.IntRange(min=2), help="How many facts there are: prints the smallest change.")
@click.option("--change", type=click.FloatRange(min=0, min_open=True), help="The change sought over the whole range.")
@click.option(
    "--correlation",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.4,
    show_default=True,
    help="Of a fact's scores between two sizes.",
)
@click.option(
    "--variance",
    type=click.FloatRange(min=0, min_open=True),
    default=0.24,
    show_default=True,
    help="Of one size's scores between facts; .24 is that of an accuracy of .60.",
)
@click.option("--tau", type=click.FloatRange(min=0), default=0.02, show_default=True, help="Noise from model to model.")
def power(
    family: str | None,
    sizes: str | None,
    facts: int | None,
    change: float | None,
    correlation: float,
    variance: float,
    tau: float,
) -> None:
    """Print the smallest change that so many facts and sizes can show, or the facts that a change needs.

    With 80% power, for a change that is linear in log10 of size, of these checkpoints and of the family. A change of
    .10 is 10 points of accuracy between the smallest and the largest model.

    \b
    Examples:
      mwe power --family pythia --facts 500
      mwe power --sizes 70m,160m,410m,1b,1.4b,2.8b --change .10
    """
    from mwe_tasks.power import facts_needed, family_facts_needed, family_smallest_change, smallest_change
    from mwe_tasks.refusals import too_few_sizes
    from mwe_tasks.verdict import KINDS

    if (family is None) == (sizes is None):
        raise MweError("Name a --family or give --sizes, one of them.")
    if (facts is None) == (change is None):
        raise MweError("Give --facts for the smallest change, or --change for the facts it needs, one of them.")
    found = sizes_of(family) if family else [_parameters(size) for size in (sizes or "").split(",")]
    if len(set(found)) < max(2, len(found)):
        raise MweError("A change with size needs two sizes or more, no two of them equal.")
    delta, found = KINDS["accuracy"].delta, sorted(found)
    click.echo(f"{len(found)} sizes, correlation {correlation:g}, variance {variance:g}, 80% power:")
    few = too_few_sizes("family", len(found))
    if facts is not None:
        least = smallest_change(found, facts, correlation, variance=variance)
        click.echo(f"  these checkpoints: {facts} facts show a change of {least:.3f} or more")
        if few is None:
            least = family_smallest_change(found, facts, correlation, tau=tau, delta=delta, variance=variance)
            click.echo(f"  the family, noise {tau:g}: {facts} facts show a change of {least:.3f} or more")
    elif change is not None:
        click.echo(
            f"  these checkpoints: a change of {change:g} takes "
            f"{facts_needed(found, change, correlation, variance=variance)} facts"
        )
        if few is None:
            need = family_facts_needed(found, change, correlation, tau=tau, delta=delta, variance=variance)
            said = "no number of facts: more sizes would" if need is None else f"{need} facts"
            click.echo(f"  the family, noise {tau:g}: a change of {change:g} takes {said}")
    if few is not None:
        click.echo(f"  the family: {few}")


def sizes_of(family: str) -> list[float]:
    """The numbers of parameters of a family's members; raises MweError where one is not known."""
    from mwe_tasks.families import find_family, sizes

    return list(sizes(find_family(family).members, "params").values())


def _parameters(size: str) -> float:
    from mwe_tasks.families import parse_size

    return parse_size(size.strip())
