"""A job: what one model is asked of one dataset, in words that travel to another process."""

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, NamedTuple

from mwe_tasks.plan import STAMP
from mwe_tasks.prompts import FRAMES, Shot, Stance, Style, Turn, render_stances, stances
from mwe_tasks.readers import Dataset, read_rows
from mwe_tasks.rows import Row
from mwe_tasks.runs import Run
from mwe_tasks.scorers import score_names
from mwe_tasks.tasks import facts_of, pick_shots, yesno


class Job(NamedTuple):
    """One model and what it is asked; every field can be pickled."""

    dataset: str
    """As `read_rows` takes it."""
    task: str
    """The task that asks the same through Inspect: mwe_tasks/NAME."""
    arguments: Mapping[str, Any]
    """What that task is given beside its defaults."""
    run: Run
    questions: int
    """How many of the dataset's, from its first on."""
    plan: str | None = None
    """The sha256 of the plan that this run follows."""
    text: bool = True
    """Whether the model writes an answer too, beside the log probabilities of the labels."""

    @property
    def all_arguments(self) -> dict[str, Any]:
        """The task's arguments with its defaults, in its own order."""
        defaults = {name: taken.default for name, taken in inspect.signature(yesno).parameters.items()}
        if "dataset" not in self.arguments:  # a dataset's own task
            del defaults["dataset"]
        return {**defaults, **self.arguments}


class Put(NamedTuple):
    """A row in one stance, as it is put to the model."""

    row: Row
    stance: Stance
    turns: Sequence[Turn]


@dataclass(frozen=True)
class Opened:
    """A job with what it reads: the dataset and the solved examples."""

    job: Job
    data: Dataset
    shots: Sequence[Shot]
    facts: Mapping[str, Any]
    """What logs of this task say under metadata["mwe"]."""

    @property
    def rows(self) -> Sequence[Row]:
        """The rows that are asked."""
        return self.data.rows[: self.job.questions]

    @property
    def stances(self) -> Sequence[Stance]:
        """The ways in which each is put."""
        return stances(self.facts["frame"])

    @property
    def scores(self) -> list[str]:
        """The names of the scores that this dataset and frame have something for."""
        return score_names(self.data, framed=FRAMES[self.facts["frame"]] is not None)

    @property
    def header(self) -> dict[str, Any]:
        """Everything that decides the numbers before a model is loaded."""
        job = self.job
        return {
            "task": job.task,
            **self.facts,
            "solved examples": hashlib.sha256(repr(list(self.shots)).encode()).hexdigest(),
            "questions": job.questions,
            "model": job.run.model,
            "revision": job.run.revision,
            "-M": dict(job.run.options),
            "style asked": job.run.style,
            "text": job.text,
            STAMP: job.plan,
            "mwe-tasks": version("mwe-tasks"),
        }

    def turns(self, row: Row, style: Style) -> dict[Stance, list[Turn]]:
        """The messages that put one row, by stance."""
        how = {"frame": self.facts["frame"], "template": self.facts["template"], "shots": self.shots}
        return render_stances(row.question, matching=row.matching, labels=self.data.labels, style=style, **how)

    def put(self, style: Style) -> list[Put]:
        """Every row in every stance, those of one row together."""
        return [Put(row, stance, turns) for row in self.rows for stance, turns in self.turns(row, style).items()]


def open_job(job: Job) -> Opened:
    """The job with its dataset; raises MweError where that, or its solved examples, cannot be read."""
    given = job.all_arguments
    data = read_rows(job.dataset, given["split"])
    shots = pick_shots(job.dataset, given["shots"], seed=given["shot_seed"])
    how = {name: given[name] for name in ("template", "frame", "shot_seed", "draws")}
    return Opened(job, data, shots, facts_of(data, shots=len(shots), **how))
