"""Jobs of several datasets and models scored by the Ray engine, and a log written of each as soon as it is whole."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

from inspect_ai.log import EvalLog

from mwe_tasks.bulk_running import keep_log, part_of
from mwe_tasks.clusters import connect
from mwe_tasks.engines.bulk import log_of
from mwe_tasks.engines.ray import Spread, Work
from mwe_tasks.errors import sentence_of
from mwe_tasks.jobs import Opened, open_job
from mwe_tasks.running import Outcome, Wanted, failure_of, outcome_of
from mwe_tasks.runs import Run


class One(NamedTuple):
    """One job with what it needs to become a log."""

    run: Run
    work: Work
    wanted: Wanted


def score_over_ray(asked: Sequence[Wanted], address: str | None) -> list[list[Outcome]]:
    """For each dataset an outcome for each of its models, in their order; a job that fails stops no other.

    What a part holds is not run again, and where all parts are whole no cluster is needed. Raises MweError where one
    is and none can be reached.
    """
    outcomes = [dict(wanted.prepared.done) for wanted in asked]
    ones: dict[int, One] = {}
    done: dict[int, float] = {}
    places: dict[int, tuple[int, Run]] = {}
    for number, wanted in enumerate(asked):
        opened: Opened | None = None
        for run in wanted.prepared.left:
            try:
                job = wanted.jobs[run]  # which reads what those of the other models read
                opened = open_job(job) if opened is None else replace(opened, job=job)
                bulk = wanted.bulk._replace(parts=absolute(wanted.bulk.parts))
                one = One(run, Work(opened, part_of(opened, bulk)), wanted)
                ahead = _done(one.work)  # before the log is asked for: a batch may end in between
                if (log := log_of(opened, one.work.part)) is not None:
                    outcomes[number][run] = _keep(log, one)
                    continue
            except Exception as error:  # as for one that fails while it runs
                outcomes[number][run] = failure_of(run, sentence_of(error))
                continue
            key = len(ones)
            ones[key], places[key], done[key] = one, (number, run), ahead
    for key, outcome in _spread(ones, done, address).items() if ones else ():
        number, run = places[key]
        outcomes[number][run] = outcome
    return [[found[run] for run in wanted.prepared.runs] for found, wanted in zip(outcomes, asked, strict=True)]


def absolute(folder: str) -> str:
    """A folder as any process names it: an fsspec URL as it is, a path with nothing left to the current folder."""
    return folder if "://" in folder else os.path.abspath(folder)  # noqa: PTH100  a string, since URLs are


def _spread(ones: Mapping[int, One], done: Mapping[int, float], address: str | None) -> dict[int, Outcome]:
    merging: dict[int, Future[Outcome]] = {}
    failed: dict[int, Outcome] = {}

    def finish(key: int) -> None:
        merging[key] = merger.submit(_merge, ones[key])

    def fail(key: int, why: str) -> None:
        failed[key] = failure_of(ones[key].run, why)

    works = {key: one.work for key, one in ones.items()}
    questions = sum(len(work.opened.rows) for work in works.values())
    bulk = ones[0].wanted.bulk
    # A log takes about 3 ms a question, in which workers would wait for the driver.
    with ThreadPoolExecutor(1) as merger, connect(address), bulk.pace(questions, sum(done.values())) as tell:
        Spread(works, done, threads=bulk.threads, tell=tell, finish=finish, fail=fail).run()
    return failed | {key: future.result() for key, future in merging.items()}


def _done(work: Work) -> float:
    """The questions that a part holds."""
    begun = work.part.begun()
    said = sum(len(batch.said) for batch in work.part.finished(begun).values()) if begun else 0
    return said / len(work.opened.stances)


def _merge(one: One) -> Outcome:
    try:
        log = log_of(one.work.opened, one.work.part)
        if log is None:
            return failure_of(
                one.run, f"{one.work.part.folder} lacks batches that were run: run the same command again"
            )
        return _keep(log, one)
    except Exception as error:  # as for one that fails while it runs
        return failure_of(one.run, sentence_of(error))


def _keep(log: EvalLog, one: One) -> Outcome:
    keep_log(log, one.wanted.bulk.log_dir, one.work.part, one.wanted.prepared.replaced[one.run])
    return outcome_of(one.run, log)
