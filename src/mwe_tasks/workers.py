"""A worker of a cluster: one loaded model in a process of its own, which runs batches of any of its jobs."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mwe_tasks.engines.bulk import Planned, load, plan_job, run_batches
from mwe_tasks.errors import sentence_of
from mwe_tasks.jobs import Opened
from mwe_tasks.parts import MadeOtherwise, Part
from mwe_tasks.providers.exact import BulkModelAPI
from mwe_tasks.runs import Run


class Told(NamedTuple):
    """What a worker reports: a value, or a sentence on why there is none."""

    value: Any = None
    error: str | None = None
    otherwise: bool = False
    """Whether that is because what this machine computes does not belong to the part."""


class Worker:
    """One model; what goes wrong is told, not raised, since not every error travels between processes."""

    model: BulkModelAPI
    planned: Planned

    def __init__(self, run: Run, threads: int, folder: str) -> None:
        self.of, self.threads, self.job = run, threads, -1
        if os.path.isdir(folder):  # noqa: PTH112  where nodes share files, paths mean what they mean to the driver
            os.chdir(folder)

    def load(self) -> Told:
        """Loads the model, and gives the seconds that this took."""

        def loaded() -> float:
            began = time.monotonic()
            self.model = load(self.of, self.threads)
            return time.monotonic() - began

        return _told(loaded)

    def plan(self, job: int, opened: Opened, folder: str) -> Told:
        """Begins a job, or goes on with its part: gives the part's key, and the questions of each batch."""

        def planned() -> tuple[str, list[float]]:
            found = self._at(job, opened, Part(folder), begins=True)
            return found.begun.key, [found.prompts(n) / len(opened.stances) for n in range(found.begun.batches)]

        return _told(planned)

    def run(self, job: int, opened: Opened | None, folder: str, batches: Sequence[int]) -> Told:
        """Runs batches of a job, and gives the seconds they took; `opened` may be None where this job was the last."""

        def ran() -> float:
            part = Part(folder)
            planned, began = self._at(job, opened, part, begins=False), time.monotonic()
            for _ in run_batches(planned, self.model, part, batches):
                pass
            return time.monotonic() - began

        return _told(ran)

    def _at(self, job: int, opened: Opened | None, part: Part, *, begins: bool) -> Planned:
        if opened is not None and job != self.job:
            self.job = -1
            planned = plan_job(opened, self.model)
            if not begins and part.begun() is None:  # where another worker has begun it
                raise MadeOtherwise(
                    f"{part.folder} is not on all nodes of the cluster: name a folder that all reach with --parts, "
                    "such as s3://BUCKET/FOLDER"
                )
            self.planned = planned._replace(begun=part.begin(planned.begun))
            self.job = job
        return self.planned


def _told(do: Callable[[], Any]) -> Told:
    try:
        return Told(do())
    except Exception as error:  # whatever an engine raises
        return Told(error=sentence_of(error), otherwise=isinstance(error, MadeOtherwise))
