"""What the driver of a cluster knows of one model: its jobs, and the workers that hold it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mwe_tasks.clusters import Demand
from mwe_tasks.pieces import Queue, worth_another
from mwe_tasks.runs import Run


@dataclass(eq=False)
class Hand:
    """A worker as the driver sees it."""

    actor: Any
    loaded: bool = False
    at: int | None = None
    """The job that it has planned; None where that is not known."""
    job: int | None = None
    """The job that it is working on now."""
    batches: Mapping[int, float] = field(default_factory=dict)
    """The questions of each batch that it is running; none while it plans."""


@dataclass(eq=False)
class Team:
    """One model, its jobs and its workers."""

    run: Run
    demand: Demand
    queue: Queue
    open: dict[int, int | None]
    """Of each job that is not finished how many batches are not done; None until it is planned."""
    hands: list[Hand] = field(default_factory=list)
    load_seconds: float = 0.0
    timed: tuple[float, float] = (0.0, 0.0)
    """Seconds and questions of all batches that were run."""
    deaths: int = 0

    @property
    def placed(self) -> bool:
        """Whether a worker of it is at work, or none is needed any more."""
        return not self.needed or any(hand.loaded for hand in self.hands)

    @property
    def needed(self) -> bool:
        """Whether there is work that nobody has taken."""
        return self.queue.questions > 0

    @property
    def wants_another(self) -> bool:
        """Whether one more worker pays."""
        seconds, questions = self.timed
        pace = seconds / questions if questions else None
        if not self.hands or not all(hand.loaded for hand in self.hands):
            return False
        return worth_another(self.queue.questions, len(self.hands), pace, self.load_seconds)
