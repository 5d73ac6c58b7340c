"""Which batches of one model's jobs run next, and whether one more worker is worth its load; nothing is run here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST = 8
"""Batches that a worker takes at a time: few, so that progress is told often, and enough that asking costs nothing."""


@dataclass
class Queue:
    """What is left of the jobs of one model."""

    unplanned: dict[int, float]
    """The questions left of each job of which nobody has yet told what its batches are."""
    planning: dict[int, float] = field(default_factory=dict)
    """The same of each job that a worker is planning."""
    left: dict[int, dict[int, float]] = field(default_factory=dict)
    """Of each planned job its batches that nobody has taken, with the questions of each."""

    @property
    def questions(self) -> float:
        """The questions that no worker has taken."""
        return sum(self.unplanned.values()) + sum(map(self._left_of, self.left))

    def take(self, at: int | None, workers: int) -> tuple[int, dict[int, float]] | None:
        """The next work for one of so many workers, which is at this job: a job, and questions by batch.

        No batches where the job is to be planned first; None where there is nothing now. The job that the worker is
        at comes first, then one that nobody has, and then it helps where most is left. It takes little of what is
        left at a time, so that all workers end at about the same time.
        """
        mine = at is not None and self.left.get(at)
        if self.unplanned and not mine:
            new = next(iter(self.unplanned))
            self.planning[new] = self.unplanned.pop(new)
            return new, {}
        job = at if mine else max(self.left, key=self._left_of, default=None)
        batches = {} if job is None else self.left[job]
        if job is None or not batches:
            return None
        count = max(1, min(MOST, len(batches) // (2 * workers)))
        return job, {number: batches.pop(number) for number in sorted(batches)[:count]}

    def plan(self, job: int, batches: Mapping[int, float]) -> None:
        """Says which batches of a job are left to run."""
        self.planning.pop(job, None)
        self.left[job] = dict(batches)

    def give_back(self, job: int, batches: Mapping[int, float]) -> None:
        """Gives back what a worker that is gone has left: batches, or a job that it was planning."""
        if job in self.planning:
            self.unplanned[job] = self.planning.pop(job)
        elif job in self.left:
            self.left[job] |= batches

    def drop(self, job: int) -> None:
        """Takes a job out that has failed."""
        for jobs in (self.unplanned, self.planning, self.left):
            jobs.pop(job, None)

    def _left_of(self, job: int) -> float:
        return sum(self.left[job].values())


def worth_another(questions: float, workers: int, seconds_a_question: float | None, load_seconds: float) -> bool:
    """Whether one more worker would save more than it costs: what is left outlasts the loading of the model.

    `questions` are those that nobody has taken, and `workers` those that are at work on them. While no batch has been
    timed the answer is no: one load serves until it is known to be too slow.
    """
    return seconds_a_question is not None and questions * seconds_a_question / workers > load_seconds
