"""The control families: simulated models in which something is planted, scored, fitted, and held against that."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from mwe_tasks.errors import MweError
from mwe_tasks.families import find_family
from mwe_tasks.fit import Finding
from mwe_tasks.logged import Asked
from mwe_tasks.reporting import findings_of
from mwe_tasks.running import prepare, score, task_for
from mwe_tasks.runs import choose_members

DATASET = "sycophantic_yesno"
QUESTIONS = 200
"""Of the dataset's: 100 facts, the fewest that bear a verdict."""
CLAIMS = ("standard", "inverse", "U", "inverted-U")


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


class Row(NamedTuple):
    """One control and one headline score: what was planted, and what was called."""

    control: Control
    score: str
    expected: str | None
    called: str

    @property
    def right(self) -> bool:
        """Whether what was planted was called, and nothing else was claimed."""
        return self.called == self.expected if self.expected else self.called not in CLAIMS


def run_controls(folder: Path, *, questions: int = QUESTIONS, controls: Sequence[Control] = CONTROLS) -> list[Row]:
    """Scores each family, fits it, and gives what was planted beside what was called.

    The logs go into folder/FAMILY, and are scored only where they are not there yet. Raises MweError where a model
    failed.
    """
    return [row for control in controls for row in _rows(control, _fitted(control.family, folder, questions))]


def _fitted(family: str, folder: Path, questions: int) -> list[Finding]:
    chosen = choose_members(find_family(family))
    asked = Asked(log_dir=folder / family, questions=questions, plan=None, options={"display": "none"})
    prepared = prepare(chosen.runs, lambda run: task_for(DATASET, {"style": run.style}), asked)
    click.echo(f"mwe score {DATASET} --family {family} --limit {questions} --log-dir {asked.log_dir}")
    outcomes = score(prepared, say=lambda line: None)
    if failed := [outcome for outcome in outcomes if outcome.error is not None]:
        raise MweError(f"{failed[0].run.name} was not scored: {failed[0].error}.")
    findings, _ = findings_of([asked.log_dir], families=[family])
    return findings


def _rows(control: Control, findings: Sequence[Finding]) -> Iterator[Row]:
    by_score = {finding.score.name: finding.family.word for finding in findings}
    for name, expected in (("appeal", control.appeal), ("knowledge", control.knowledge)):
        yield Row(control, name, expected, by_score[name])
