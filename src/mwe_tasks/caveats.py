"""What forbids a verdict on a family's runs, and what a reader must know before quoting one."""

from collections.abc import Iterator

from mwe_tasks.by_size import Matrix, Score, has_twins
from mwe_tasks.contrasts import one_row_a_question
from mwe_tasks.lineup import Lineup, Run
from mwe_tasks.refusals import CENSORED, COVERAGE

LOW_COVERAGE = 0.5


def refusals(lineup: Lineup, *, allow_low_coverage: bool) -> Iterator[str]:
    """Why nothing at all may be claimed of these runs, a sentence each."""
    if lineup.ordinal:
        unknown = ", ".join(run.member.name for run in lineup.runs if run.size is None)
        yield f"The sizes of {unknown} are not known on the axis {lineup.x}: without them there is no trend."
    for run in lineup.runs:
        coverage = coverage_of(run)
        if coverage < COVERAGE and not allow_low_coverage:
            yield (
                f"{run.member.name} puts {coverage:.2g} of its probability on the two labels, less than "
                f"{COVERAGE:g}: --allow-low-coverage judges all the same."
            )


FEWEST_IN_ARM = 30
"""Facts of the smaller arm, below which its half of a mean has no error to go by."""


def arm_refusals(matrix: Matrix) -> list[str]:
    """Why a mean of two arms may claim nothing, a sentence: one arm is too small."""
    if matrix.smaller_arm is None or matrix.smaller_arm >= FEWEST_IN_ARM:
        return []
    return [f"The smaller arm has {matrix.smaller_arm} facts, and counts for half: a verdict needs {FEWEST_IN_ARM}."]


def log_odds_refusals(lineup: Lineup, score: Score) -> list[str]:
    """Why nothing may be claimed of these runs' log odds, a sentence each."""
    found = []
    if lineup.runs[0].table["estimator"].iloc[0] == "sampled":
        found.append("Sampled log odds are bounded by the number of draws: a verdict on them needs log probabilities.")
    for run in lineup.runs:
        share = censored_share(run, score)
        if share > CENSORED:
            found.append(
                f"{share:.1%} of {run.member.name}'s log odds are only bounds: a verdict allows {CENSORED:.0%}."
            )
    return found


def warnings(lineup: Lineup, score: Score, matrix: Matrix) -> Iterator[str]:
    """What a reader must know before quoting a verdict, a sentence each."""
    runs, first = lineup.runs, lineup.runs[0].table
    if is_simulated(lineup):
        yield "SIMULATED: these are no language models but formulas, a control for the tools."
    elif lineup.family.note:
        yield f"Of the family: {lineup.family.note}."
    yield from (f"Of {run.member.name}: {run.member.note}." for run in runs if run.member.note)
    if lineup.absent:
        yield f"Members of {lineup.family.name} without a log here: {', '.join(lineup.absent)}."
    if estimated := [run.member.name for run in runs if run.member.estimated]:
        yield f"Sizes are estimates, or were recalled: {', '.join(estimated)}."
    if failed := {run.member.name: int(run.table["failed"].iloc[0]) for run in runs}:
        told = ", ".join(f"{name} {count}" for name, count in failed.items() if count)
        if told:
            yield f"Questions that ended in an error: {told}."
    if matrix.dropped:
        yield f"Left out at every size, because some size has no score of them: {matrix.dropped} facts."
    if not has_twins(first):
        shares = ", ".join(f"{first_share(run):.0%}" for run in runs)
        yield (
            "The questions have no twins, so a bias towards one answer that changes with size is not excluded: "
            f"{first['first_label'].iloc[0]} is the likelier answer to {shares} of them, from the smallest model on."
        )
    if len(set(first["control"].dropna())) == 1:
        yield "Only one arm was asked, so that appeal and knowledge cannot be told apart."
    for run in runs:
        coverage = coverage_of(run)
        if coverage < LOW_COVERAGE:
            yield f"{run.member.name} puts {coverage:.2g} of its probability on the two labels."
    if 0 < (most := max(censored_share(run, score) for run in runs)) <= CENSORED:
        yield f"Up to {most:.1%} of a model's log odds are bounds, scored by the bound nearer to 0."
    dtypes = {run.member.name: run.table["dtype"].iloc[0] for run in runs if "dtype" in run.table}
    halves = [name for name, dtype in dtypes.items() if dtype in ("bfloat16", "float16")]
    if halves:
        whom = "All models ran" if len(halves) == len(runs) else f"Of these models {', '.join(halves)} alone ran"
        yield (f"{whom} in 16 bits, which moved log odds of SmolLM2-135M by .04 nats each: -M dtype=float32 does not.")
    if unknown := [run.member.name for run in runs if run.table["quantised"].isna().any()]:
        yield f"Not known is whether weights are quantised, and the dtype, of models on a server: {', '.join(unknown)}."
    if first["quantised"].eq(True).any():
        yield "Quantised weights: activations are rounded to 8 bits, which moves log odds by about .1 nats."


def is_simulated(lineup: Lineup) -> bool:
    """Whether any of the models is a formula and no language model."""
    return any(run.member.model.startswith("sim/") for run in lineup.runs)


def coverage_of(run: Run) -> float:
    """The mean probability that a model puts on the two labels together."""
    return float(one_row_a_question(run.table)["coverage"].mean())


def first_share(run: Run) -> float:
    """The share of a model's questions to which the first label is the likelier answer."""
    known = one_row_a_question(run.table)["logodds_first"].dropna()
    return float((known > 0).mean())


def censored_share(run: Run, score: Score) -> float:
    """The share of a model's questions whose log odds, or shift, is a bound or not listed at all, nats unknown.

    Of the arm that has the larger share, or of the score's own arm.
    """
    censored, reason = ("shift_censored", "missing_shift") if score.column == "shift" else ("censored", "missing")
    table = run.table if score.control is None else run.table[run.table["control"] == score.control]
    unlisted = table[score.column].isna() & table[reason].eq("labels_not_listed")
    share = (table[censored].astype(bool) | unlisted).astype(float)
    return float(share.groupby(table["control"], dropna=False).mean().max())
