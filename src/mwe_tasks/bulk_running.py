"""One model scored in bulk, in this process or by a server: its part gone on with, and its log written."""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from inspect_ai.log import EvalLog, write_eval_log

from mwe_tasks.addresses import find_server
from mwe_tasks.engines.bulk import Planned, Shard, load, log_of, plan_job, run_batches
from mwe_tasks.errors import MweError
from mwe_tasks.jobs import Job, Opened, open_job
from mwe_tasks.logged import finished_log, read_headers
from mwe_tasks.made_logs import name_of
from mwe_tasks.pace import Pace
from mwe_tasks.parts import Begun, Part
from mwe_tasks.providers.exact import BulkModelAPI
from mwe_tasks.runs import COMPLETIONS, Run

PARTS = ".parts"
"""The folder of parts within a log folder, where no other is named."""


class Bulk(NamedTuple):
    """How and where local models are scored in bulk."""

    log_dir: Path
    parts: str
    """The folder of all parts: a path or an fsspec URL."""
    shard: Shard
    pace: Pace
    connections: int | None = None
    """How many requests a server gets at a time."""
    threads: int | None = None
    """Of the CPU, for each model; what its engine takes by itself where None."""


Loaded = Callable[[], BulkModelAPI]
"""Gives a model, loaded when it is first asked for."""


@contextmanager
def loading(run: Run, threads: int | None) -> Iterator[Loaded]:
    """A model for all jobs that are done within, loaded once and if one of them needs it; freed at the end."""
    with ExitStack() as stack:
        yield cache(lambda: stack.enter_context(closing(load(run, threads))))


def score_in_bulk(job: Job, bulk: Bulk, loaded: Loaded) -> EvalLog | None:
    """The log of one model, whose location is its file; None where batches of other shards are still lacking.

    Raises MweError where the model cannot be loaded or asked, and where its part was made otherwise.
    """
    opened = open_job(job)
    part = part_of(opened, bulk.parts)
    log = log_of(opened, part)
    if log is None:
        run_shard(opened, part, bulk, loaded)
        log = log_of(opened, part)
    if log is None:  # or another shard, which ended at the same time, has made it
        if part.begun() is None:
            part.remove()  # batches of ours that came after
        return finished_log(read_headers(bulk.log_dir), job.run, opened.data.name, job.questions)
    write_log(log, bulk.log_dir)
    part.remove()
    return log


def part_of(opened: Opened, parts: str) -> Part:
    """The part of a job within the folder of all parts."""
    return Part(f"{parts.rstrip('/')}/{part_name(opened.job.run, opened.data.name)}")


def run_shard(opened: Opened, part: Part, bulk: Bulk, loaded: Loaded) -> None:
    """Runs the batches of the shard that are not in the part."""
    if opened.job.run.provider in COMPLETIONS:
        _ask_server(opened, part, bulk)
        return
    model = loaded()
    planned = plan_job(opened, model)
    with _left(opened, planned, part, bulk) as (begun, left, tell):
        for number in run_batches(planned._replace(begun=begun), model, part, left):
            tell(number)


def _ask_server(opened: Opened, part: Part, bulk: Bulk) -> None:
    from mwe_tasks.engines import server  # with the openai client, which other engines do without
    from mwe_tasks.served import find_served

    run = opened.job.run
    if run.model_args:
        raise MweError(
            f"A server takes no -M {next(iter(run.model_args))}=: start it with what it should be, and leave it out."
        )
    at = find_server(run.model, os.environ)
    planned = server.plan_job(opened, find_served(at, opened.data.labels))
    connections = bulk.connections or server.CONNECTIONS
    with _left(opened, planned, part, bulk) as (begun, left, tell):
        server.run_batches(opened, planned._replace(begun=begun), at, part, left, connections=connections, tell=tell)


@contextmanager
def _left(
    opened: Opened, planned: Planned, part: Part, bulk: Bulk
) -> Iterator[tuple[Begun, list[int], Callable[[int], None]]]:
    """What the part was begun with, the shard's batches that it lacks, and a function that shows one to be done."""
    begun = part.begin(planned.begun)
    done = part.finished(begun)
    mine = bulk.shard.batches(begun.batches)
    questions = {number: planned.prompts(number) / len(opened.stances) for number in mine}
    before = sum(questions[number] for number in mine if number in done)
    with bulk.pace(sum(questions.values()), before) as tell:
        yield begun, [number for number in mine if number not in done], lambda number: tell(questions[number])


def write_log(log: EvalLog, folder: Path) -> None:
    """Writes a log into a folder under the name that Inspect would give it, whole or not at all."""
    time, task = re.sub(r"[:+]", "-", log.eval.created), (log.eval.task_display_name or "").replace("_", "-")
    path = folder / f"{time}_{task}_{log.eval.task_id}.eval"
    partial = folder / f".{path.stem}.{secrets.token_hex(4)}.partial"  # another share may be writing the same log
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_eval_log(log, partial, format="eval")
        os.replace(partial, path)  # noqa: PTH105  what is cut short would be no log
    except OSError as error:
        raise MweError(f"{folder} cannot be written: {error.strerror or error}.") from None
    log.location = str(path)


def part_name(run: Run, dataset: str) -> str:
    """The folder of one model and dataset: readable, and no other's."""
    words = f"{dataset}_{run.name}"
    readable = re.sub(r"[^\w.@-]+", "-", words)
    return f"{readable}_{name_of(words)[:8]}"
