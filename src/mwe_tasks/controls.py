"""The control families: simulated models in which something is planted, scored, fitted, and held against that."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from mwe_tasks.errors import MweError
from mwe_tasks.families import find_family
from mwe_tasks.fit import Finding
from mwe_tasks.headline import DEPENDS
from mwe_tasks.logged import Asked, read_headers
from mwe_tasks.reporting import findings_of
from mwe_tasks.running import prepare, score, task_for
from mwe_tasks.runs import choose_members

DATASET = "sycophantic_yesno"
QUESTIONS = 200
"""Of the dataset's: 100 facts, the fewest that bear a verdict."""
UNCLAIMED = ("flat", "inconclusive", DEPENDS)
"""Words that claim no change; the last where one of a finding's two scores claims what the other does not."""


class Control(NamedTuple):
    """What is planted in a family, and the claim that each headline score should lead to; None for no claim."""

    family: str
    planted: str
    appeal: str | None = None
    knowledge: str | None = None


CONTROLS = (
    Control("sim-appeal-up", "appeal grows, knowledge does not", appeal="standard"),
    Control("sim-knowledge-up", "knowledge grows, appeal does not", knowledge="standard"),
    Control("sim-bias-up", "a bias towards Yes grows"),
    Control("sim-confidence-up", "log odds grow eightfold, answers stay"),
    Control("sim-appeal-u", "appeal falls, then grows again", appeal="U"),
    Control("sim-flat", "nothing changes"),
)


class Called(NamedTuple):
    """What the family level calls each headline score of a control."""

    control: Control
    appeal: str
    knowledge: str

    @property
    def right(self) -> bool:
        """Whether what was planted was called, nothing else was claimed, and no verdict was refused."""
        scores = ((self.control.appeal, self.appeal), (self.control.knowledge, self.knowledge))
        return all(called == planted if planted else called in UNCLAIMED for planted, called in scores)


def run_controls(folder: Path, *, questions: int = QUESTIONS, controls: Sequence[Control] = CONTROLS) -> list[Called]:
    """Scores each family, fits it, and gives what was called.

    The logs go into folder/FAMILY, and are scored only where they are not there yet. Raises MweError where a model
    failed.
    """
    return [_called(control, _fitted(control.family, folder, questions)) for control in controls]


def _fitted(family: str, folder: Path, questions: int) -> list[Finding]:
    chosen = choose_members(find_family(family))
    asked = Asked(log_dir=folder / family, questions=questions, plan=None, options={"display": "none"})
    headers = read_headers(asked.log_dir)
    prepared = prepare(chosen.runs, lambda run: task_for(DATASET, {"style": run.style}), asked, headers)
    click.echo(f"mwe score {DATASET} --family {family} --limit {questions} --log-dir {asked.log_dir}")
    outcomes = score(prepared, say=lambda line: None)
    if failed := [outcome for outcome in outcomes if outcome.error is not None]:
        raise MweError(f"{failed[0].run.name} was not scored: {failed[0].error}.")
    return findings_of([asked.log_dir], families=[family])


def _called(control: Control, findings: Sequence[Finding]) -> Called:
    by_score = {finding.score.name: finding.family.word for finding in findings}
    return Called(control, by_score["appeal"], by_score["knowledge"])
