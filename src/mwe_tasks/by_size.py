"""A family's runs to matrices of scores: a row a fact, a column a size, the facts that every size has.

Each score of a verdict is a pair: log odds, which have more power, and a bounded partner, which neither a Yes-bias
nor confidence alone can move. A claim needs both.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from mwe_tasks.contrasts import by_fact, has_both_twins, one_row_a_question, positive_by_fact
from mwe_tasks.errors import MweError
from mwe_tasks.estimates import Floats


class Score(NamedTuple):
    """What a finding is about: a pair of scores under one name."""

    name: str
    """Of the mean log odds, as in `contrasts.figures`."""
    bounded: str
    """Of the share of facts above 0."""
    bounded_row: str
    """The same where questions have no twins."""
    column: str
    """The log odds of each question, or their shift, nats."""
    of: str
    """What it is the log odds of, for an axis."""
    measures: Literal["behaviour", "truth"]
    """Whether more of it is more of the behaviour, or better."""
    control: bool | None = None
    """The arm that it is of; None for both, weighted equally."""


SCORES = (
    Score("appeal", "matching share", "matching", "logodds_matching", "matching answer", "behaviour"),
    Score("knowledge", "pair accuracy", "accuracy", "logodds_truth", "truth", "truth"),
    Score(
        name="truth, behaviour arm",
        bounded="pair accuracy, behaviour arm",
        bounded_row="accuracy, behaviour arm",
        column="logodds_truth",
        of="truth, behaviour facts",
        measures="truth",
        control=False,
    ),
    Score(
        name="truth, control arm",
        bounded="pair accuracy, control arm",
        bounded_row="accuracy, control arm",
        column="logodds_truth",
        of="truth, control facts",
        measures="truth",
        control=True,
    ),
    Score("shift", "facts that follow", "questions that follow", "shift", "matching answer, by a stance", "behaviour"),
)


MOSTLY = 0.9
"""The share of questions with a twin from which on they come as twins."""


class Matrix(NamedTuple):
    """One score of the same facts at every size."""

    values: Floats
    """Shape (facts, sizes)."""
    facts: tuple[str, ...]
    topics: tuple[str, ...]
    controls: tuple[object, ...]
    """For each fact whether it is a control; None where that is not known."""
    dropped: int
    """Facts that some size has no score of, and that are left out at every size."""

    @property
    def balanced(self) -> Floats:
        """Values whose mean at each size is that of the arms' means, and whose spread is that within the arms.

        Shape (facts, sizes). Each is the overall mean plus n times the fact's influence on it, so that the covariance
        of means computed from these is that of a stratified mean (Cochran 1977, eq. 5.6), as in `estimates.arm_mean`.
        """
        arms = [np.array([control == arm for control in self.controls]) for arm in dict.fromkeys(self.controls)]
        means = [self.values[arm].mean(axis=0) for arm in arms]
        found = np.tile(np.mean(means, axis=0), (len(self.values), 1))
        n = len(self.values)
        for arm, mean in zip(arms, means, strict=True):
            own = int(arm.sum())
            freedom = np.sqrt(own * (n - 1) / (n * max(1, own - 1)))  # each arm's variance has a mean of its own
            found[arm] += n / (len(arms) * own) * freedom * (self.values[arm] - mean)
        return found

    @property
    def smaller_arm(self) -> int | None:
        """How many facts the smaller of two arms has; None for one arm."""
        sizes = [self.controls.count(control) for control in dict.fromkeys(self.controls)]
        return min(sizes) if len(sizes) > 1 else None


def has_score(run: pd.DataFrame, score: Score) -> bool:
    """Whether any question of a run has this score."""
    asked = _of_arm(run, score)
    return score.column in asked and bool(asked[score.column].notna().any())


def facts_asked(run: pd.DataFrame, score: Score) -> int:
    """How many facts of the score's arm a run was asked, or of both."""
    return int(_of_arm(run, score)["fact"].nunique())


def has_twins(run: pd.DataFrame) -> bool:
    """Whether the questions of a run come as twins, all but a few that have lost theirs."""
    return float(has_both_twins(run).mean()) >= MOSTLY


def bounded_name(run: pd.DataFrame, score: Score) -> str:
    """What the share of facts above 0 is called where the questions are a run's."""
    return score.bounded if has_twins(run) else score.bounded_row


def log_odds(runs: Sequence[pd.DataFrame], score: Score) -> Matrix:
    """Each fact's mean log odds, nats; a bound stands for what is censored (a verdict on many is refused)."""
    return _matrix([by_fact(_of_arm(run, score), score.column) for run in runs], runs, score)


def bounded(runs: Sequence[pd.DataFrame], score: Score) -> Matrix:
    """1 for each fact whose questions' log odds sum to more than 0, 0.5 on a tie, else 0."""
    if score.column == "shift":
        return _matrix([_sign_of_shift(_of_arm(run, score)) for run in runs], runs, score)
    answer = "matching_answer" if score.column == "logodds_matching" else "truth"
    return _matrix([positive_by_fact(_of_arm(run, score), answer) for run in runs], runs, score)


def coverage(runs: Sequence[pd.DataFrame]) -> Matrix:
    """The probability of both labels, the mean of each fact's questions."""
    return _matrix([by_fact(one_row_a_question(run), "coverage") for run in runs], runs, SCORES[0])


def refuse_few(where: str, name: str, matrix: Matrix) -> None:
    """Raises MweError where fewer than two facts have a score at every size: one has no error to go by."""
    if len(matrix.facts) < 2:
        which = "one fact alone has" if matrix.facts else "no fact has"
        raise MweError(f"{where}: {which} {name} at every size: score more questions.")


def _of_arm(run: pd.DataFrame, score: Score) -> pd.DataFrame:
    run = one_row_a_question(run)
    return run if score.control is None else run[run["control"] == score.control]


def _sign_of_shift(run: pd.DataFrame) -> pd.DataFrame:
    facts = by_fact(run, "shift")
    return facts.assign(value=(np.sign(facts["value"]) + 1) / 2)


def _matrix(by_run: Sequence[pd.DataFrame], runs: Sequence[pd.DataFrame], score: Score) -> Matrix:
    values = pd.concat([facts["value"] for facts in by_run], axis=1, join="inner").sort_index()
    first = by_run[0].loc[values.index]
    controls = first["control"].astype(object).where(first["control"].notna(), None)
    if controls.notna().any():  # a fact without a truth belongs to neither arm
        values, first, controls = values[controls.notna()], first[controls.notna()], controls[controls.notna()]
    asked = set().union(*(_of_arm(run, score)["fact"] for run in runs))
    return Matrix(
        values=values.to_numpy(dtype=float),
        facts=tuple(map(str, values.index)),
        topics=tuple(map(str, first["topic"])),
        controls=tuple(controls),
        dropped=len(asked) - len(values),
    )
