"""A family's runs to findings: of each score the verdict on log odds, on its bounded partner, and on both together."""

from collections.abc import Sequence
from typing import NamedTuple

from mwe_tasks.by_size import (
    SCORES,
    Matrix,
    Score,
    bounded,
    bounded_name,
    facts_asked,
    has_score,
    log_odds,
    refuse_few,
)
from mwe_tasks.caveats import arm_refusals, coverage_of, log_odds_refusals, refusals, warnings
from mwe_tasks.errors import MweError
from mwe_tasks.estimates import Estimate, arm_mean, with_interval
from mwe_tasks.headline import Headline, headline
from mwe_tasks.lineup import Lineup
from mwe_tasks.refusals import COVERAGE
from mwe_tasks.verdict import KINDS, Verdict, judge


class Scored(NamedTuple):
    """One of the two scores of a finding."""

    name: str
    kind: str
    """Of `verdict.KINDS`: log odds, or accuracy for the bounded partner."""
    matrix: Matrix
    verdict: Verdict

    @property
    def points(self) -> list[Estimate]:
        """The score of each model over the facts that all have, with its 95% interval, the smallest model first."""
        arms, topics = self.matrix.controls, self.matrix.topics
        return [
            with_interval(self.name, *arm_mean(column, arms, topics), len(column), "", share=self.kind != "log odds")
            for column in self.matrix.values.T
        ]


class Finding(NamedTuple):
    """What is to be said of one score of one family on one dataset."""

    lineup: Lineup
    score: Score
    log_odds: Scored
    bounded: Scored
    checkpoints: Headline
    """What both scores say of these models."""
    family: Headline
    """What both scores say of the family: the headline."""
    warnings: tuple[str, ...]
    low_coverage: tuple[str, ...] = ()
    """Models that are judged all the same although they put less than .1 on the two labels."""
    planned: bool = False
    """Whether a plan named this score, these models and this axis before anything was scored; else it is explored."""

    @property
    def deciding(self) -> Headline:
        """What both scores say of the family, or where that has no word of the checkpoints."""
        return self.checkpoints if self.family.word == "refused" else self.family

    @property
    def pair(self) -> tuple[Scored, Scored]:
        """Both scores, the log odds first."""
        return self.log_odds, self.bounded


def fit(lineup: Lineup, *, allow_low_coverage: bool = False) -> list[Finding]:
    """A finding for each score that the runs have, the headline ones first; none for an arm of less than two facts.

    Raises MweError where there is one model alone, where one model has a score that another has not, and where
    fewer than two facts have a score at every size.
    """
    if len(lineup.runs) < 2:
        raise MweError(
            f"{lineup.where}: there is a log of {lineup.runs[0].member.name} alone, and a change with size needs two "
            "models: score another one with `mwe score`."
        )
    reasons = list(refusals(lineup, allow_low_coverage=allow_low_coverage))
    low = tuple(run.member.name for run in lineup.runs if coverage_of(run) < COVERAGE) if allow_low_coverage else ()
    found = []
    for score in SCORES:
        if score.control is not None and facts_asked(lineup.runs[0].table, score) < 2:
            continue
        lacking = [run.member.name for run in lineup.runs if not has_score(run.table, score)]
        if len(lacking) == len(lineup.runs):
            continue
        if lacking:
            raise MweError(f"{lineup.where}: not one question of {', '.join(lacking)} has {score.name}: leave it out.")
        found.append(_finding(lineup, score, reasons)._replace(low_coverage=low))
    if not found:
        raise MweError(f"{lineup.where}: no question has a score.")
    return found


def _finding(lineup: Lineup, score: Score, reasons: Sequence[str]) -> Finding:
    tables = [run.table for run in lineup.runs]
    of_log_odds = [*reasons, *log_odds_refusals(lineup, score)]
    odds = _scored(lineup, score.name, "log odds", log_odds(tables, score), of_log_odds)
    share = _scored(lineup, bounded_name(tables[0], score), "accuracy", bounded(tables, score), reasons)
    return Finding(
        lineup,
        score,
        odds,
        share,
        headline(odds.verdict.checkpoints, share.verdict.checkpoints),
        headline(odds.verdict.family, share.verdict.family),
        tuple(warnings(lineup, score, max(odds.matrix, share.matrix, key=lambda matrix: matrix.dropped))),
    )


def _scored(lineup: Lineup, name: str, kind: str, matrix: Matrix, reasons: Sequence[str]) -> Scored:
    refuse_few(lineup.where, name, matrix)
    every = [*reasons, *arm_refusals(matrix)]
    verdict = judge(
        matrix.balanced, lineup.positions, KINDS[kind], topics=matrix.topics, refusals=every, ranks=lineup.ordinal
    )
    return Scored(name, kind, matrix, of_one_training_run(verdict) if lineup.one_training_run else verdict)


def of_one_training_run(verdict: Verdict) -> Verdict:
    """The verdict without a word on the family: the checkpoints of one run err alike from one to the next."""
    why = "These are checkpoints of one training run, which are no family of models."
    refused = " ".join(filter(None, (verdict.family.refused, why)))
    left_out = tuple(each._replace(family=each.family and "refused") for each in verdict.left_out)
    return verdict._replace(family=verdict.family._replace(word="refused", refused=refused), left_out=left_out)
