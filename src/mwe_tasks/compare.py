"""Two runs on the same facts to the difference between them, fact by fact: two models, two frames, two styles."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from mwe_tasks.breakdown import by_topic
from mwe_tasks.by_size import SCORES, Matrix, Score, bounded, bounded_name, has_score, log_odds, refuse_few
from mwe_tasks.caveats import arm_refusals, log_odds_refusals, refusals
from mwe_tasks.errors import MweError
from mwe_tasks.estimates import Estimate, Floats, arm_mean, with_interval
from mwe_tasks.lineup import ALIKE, Lineup, name_of, refuse_differences
from mwe_tasks.verdict import KINDS, Verdict, judge

MUST_MATCH = ("checksum", "split", "estimator", "spellings", "draws")
"""Columns that must hold one value in both runs; the rest of `lineup.ALIKE` may be what is compared."""


class Difference(NamedTuple):
    """The second run less the first in one score."""

    first: Estimate
    second: Estimate
    difference: Estimate
    topics: tuple[Estimate, ...]
    """The difference within each topic, the largest first; their intervals are not adjusted for how many there are."""


class BySize(NamedTuple):
    """One score's difference at each size of a family, and how that changes with size."""

    name: str
    kind: str
    """Of `verdict.KINDS`."""
    points: tuple[Estimate, ...]
    verdict: Verdict
    """Its words are of the difference: standard where it grows."""
    dropped: int


def compare(first: pd.DataFrame, second: pd.DataFrame) -> list[Difference]:
    """The difference in every score that both runs have, log odds (nats) and bounded partner (share of facts).

    first, second: one log each, as `table.load` gives them. The facts that both have, each with its own difference: the
    interval is that of paired scores, by fact or by topic, as in `estimates.arm_mean`. Raises MweError where they
    differ in dataset version, split, estimator or questions, and where they share no score.
    """
    refuse_differences("These logs", [(name_of(run), run) for run in (first, second)], MUST_MATCH)
    shared = [score for score in SCORES if has_score(first, score) and has_score(second, score)]
    if not shared:
        raise MweError("These logs share no score: there is nothing to compare.")
    return [found for score in shared for found in _of_score(first, second, score)]


def told_apart(first: pd.DataFrame, second: pd.DataFrame) -> list[str]:
    """What the two runs differ in, a phrase each: "style: completion against chat"."""
    columns = {"model": "model"} | {name: what for name, what in ALIKE.items() if name not in MUST_MATCH}
    heads = first.iloc[0], second.iloc[0]
    return [
        f"{what}: {heads[0][name]} against {heads[1][name]}"
        for name, what in columns.items()
        if name in heads[0] and name in heads[1] and heads[0][name] != heads[1][name]
    ]


def partners_of(lineup: Lineup, runs: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """For each run of a family the run to compare it with: of the model that it is paired with, else of the same model.

    Raises MweError where one has none.
    """
    by_name: dict[str, pd.DataFrame] = {}
    for table in (run for run in runs if run["dataset"].iloc[0] == lineup.dataset):
        if (name := name_of(table)) in by_name:
            raise MweError(f"There are several logs of {name} on {lineup.dataset} to compare with: leave one.")
        by_name[name] = table
    found = []
    for run in lineup.runs:
        names = [name for name in (run.member.pair, run.member.name) if name in by_name]
        if not names:
            wanted = " or ".join(filter(None, (run.member.pair, run.member.name)))
            raise MweError(f"{run.member.name} has nothing to be compared with: there is no log of {wanted}.")
        found.append(by_name[names[0]])
    return found


def compare_by_size(
    lineup: Lineup, partners: Sequence[pd.DataFrame], *, allow_low_coverage: bool = False
) -> list[BySize]:
    """The difference, partner less run, in every score at each size, over the facts that all of them have.

    Raises MweError where the partners differ among themselves, or from the runs in what `compare` asks to be equal.
    """
    firsts = [run.table for run in lineup.runs]
    for first, second in zip(firsts, partners, strict=True):
        refuse_differences(lineup.family.name, [(name_of(run), run) for run in (first, second)], MUST_MATCH)
    refuse_differences(lineup.family.name, [(name_of(run), run) for run in partners], tuple(ALIKE))
    every = [*firsts, *partners]
    shared = [score for score in SCORES if all(has_score(run, score) for run in every)]
    if not shared or len(lineup.runs) < 2:
        raise MweError(f"{lineup.where}: there are not two pairs that share a score.")
    seconds = zip(lineup.runs, partners, strict=True)
    other = lineup._replace(runs=tuple(run._replace(table=partner) for run, partner in seconds))
    reasons = [each for side in (lineup, other) for each in refusals(side, allow_low_coverage=allow_low_coverage)]
    return [found for score in shared for found in _by_size(lineup, other, score, reasons)]


def _by_size(lineup: Lineup, other: Lineup, score: Score, reasons: Sequence[str]) -> Iterator[BySize]:
    every = [run.table for side in (lineup, other) for run in side.runs]
    partner = bounded_name(every[0], score)
    number = len(lineup.runs)
    of_log_odds = [*log_odds_refusals(lineup, score), *log_odds_refusals(other, score)]
    for name, kind, matrix, more in (
        (score.name, "log odds", log_odds(every, score), of_log_odds),
        (partner, "accuracy", bounded(every, score), []),
    ):
        refuse_few(lineup.where, name, matrix)
        change = matrix._replace(values=matrix.values[:, number:] - matrix.values[:, :number])
        points = tuple(_estimate(column, matrix, name, "", share=False) for column in change.values.T)
        why = [*reasons, *more, *arm_refusals(matrix)]
        verdict = judge(change.balanced, lineup.positions, KINDS[kind], topics=matrix.topics, refusals=why)
        yield BySize(name, kind, points, verdict, matrix.dropped)


def _of_score(first: pd.DataFrame, second: pd.DataFrame, score: Score) -> Iterator[Difference]:
    yield _difference(log_odds([first, second], score), score.name, "nats", share=False)
    yield _difference(bounded([first, second], score), bounded_name(first, score), "of facts", share=True)


def _difference(matrix: Matrix, name: str, unit: str, *, share: bool) -> Difference:
    refuse_few("These logs", name, matrix)
    first, second = matrix.values.T
    change = second - first
    return Difference(
        _estimate(first, matrix, name, unit, share=share),
        _estimate(second, matrix, name, unit, share=share),
        _estimate(change, matrix, name, unit, share=False),
        tuple(by_topic(change, matrix.topics, unit)),
    )


def _estimate(values: Floats, matrix: Matrix, name: str, unit: str, *, share: bool) -> Estimate:
    return with_interval(name, *arm_mean(values, matrix.controls, matrix.topics), len(values), unit, share=share)
