"""Jobs of several datasets and models scored by the Ray engine, and a log written of each as soon as it is whole."""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from inspect_ai.log import EvalLog

from mwe_tasks.bulk_running import Bulk, part_of, write_log
from mwe_tasks.clusters import connect
from mwe_tasks.engines.bulk import log_of
from mwe_tasks.engines.ray import Spread, Work
from mwe_tasks.errors import MweError
from mwe_tasks.jobs import Job, open_job
from mwe_tasks.pace import Pace


class Ended(NamedTuple):
    """What became of a job: its log, whose location is its file, or why there is none."""

    log: EvalLog | None
    error: str | None = None


def score_over_ray(jobs: Sequence[tuple[Job, Bulk]], address: str | None, threads: int | None, pace: Pace) -> list[Ended]:
    """What became of each job, in their order; a job that fails stops no other.

    What parts hold already is not run again, and jobs whose parts are whole need no cluster. Raises MweError where no
    cluster can be reached.
    """
    ended: dict[int, Ended] = {}
    works: dict[int, Work] = {}
    done: dict[int, float] = {}
    for number, (job, bulk) in enumerate(jobs):
        try:
            opened = open_job(job)
            part = part_of(opened, absolute(bulk.parts))
            if (log := log_of(opened, part)) is not None:
                ended[number] = _keep(log, Work(opened, part), bulk)
                continue
            begun = part.begun()
            said = sum(len(batch.said) for batch in part.finished(begun).values()) if begun else 0
            works[number], done[number] = Work(opened, part), said / len(opened.stances)
        except MweError as error:
            ended[number] = Ended(None, error.message)
    if works:
        ended |= _spread(jobs, works, done, address, threads, pace)
    return [ended[number] for number in range(len(jobs))]


def absolute(folder: str) -> str:
    """A folder as any process names it: an fsspec URL as it is, a path with nothing left to the current folder."""
    return folder if "://" in folder else os.path.abspath(folder)  # noqa: PTH100  a string, since URLs are


def _spread(
    jobs: Sequence[tuple[Job, Bulk]],
    works: dict[int, Work],
    done: dict[int, float],
    address: str | None,
    threads: int | None,
    pace: Pace,
) -> dict[int, Ended]:
    merging: dict[int, Future[Ended]] = {}
    failed: dict[int, Ended] = {}

    def merge(number: int) -> Ended:
        work = works[number]
        try:
            log = log_of(work.opened, work.part)
            if log is None:
                return Ended(None, f"{work.part.folder} lacks batches that were run: the same command runs them again")
            return _keep(log, work, jobs[number][1])
        except Exception as error:  # as for one that fails while it runs
            return Ended(None, error.message if isinstance(error, MweError) else str(error) or type(error).__name__)

    def finish(number: int) -> None:
        merging[number] = merger.submit(merge, number)

    def fail(number: int, why: str) -> None:
        failed[number] = Ended(None, why)

    questions = sum(len(work.opened.rows) for work in works.values())
    # A log takes about 3 ms a question, in which workers would wait for the driver.
    with ThreadPoolExecutor(1) as merger, connect(address), pace(questions, sum(done.values())) as tell:
        Spread(works, done, threads=threads, tell=tell, finish=finish, fail=fail).run()
    return failed | {number: future.result() for number, future in merging.items()}


def _keep(log: EvalLog, work: Work, bulk: Bulk) -> Ended:
    write_log(log, bulk.log_dir)
    work.part.remove()
    return Ended(log)
