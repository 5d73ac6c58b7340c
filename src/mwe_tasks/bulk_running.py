"""One model scored in bulk, in this process or by a server: its part gone on with, and its log written."""

import gc
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from inspect_ai.log import EvalLog, write_eval_log

from mwe_tasks.addresses import find_server
from mwe_tasks.engines.bulk import Planned, Shard, load, log_of, plan_job, run_batches
from mwe_tasks.errors import MweError, sentence_of
from mwe_tasks.jobs import Job, Opened, open_job
from mwe_tasks.logged import finished_log, read_headers
from mwe_tasks.made_logs import name_of
from mwe_tasks.merging import is_log_of
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


class Loading:
    """A model for all jobs that ask it: loaded when the first of them needs it, and once even where that fails."""

    def __init__(self, run: Run, threads: int | None) -> None:
        self.run, self.threads = run, threads
        self._model: BulkModelAPI | None = None
        self._failed = ""

    def model(self) -> BulkModelAPI:
        """The model; raises MweError with what loading it said."""
        if self._model is None and not self._failed:
            try:
                self._model = load(self.run, self.threads)
            except Exception as error:  # not kept: it would hold what was loaded by then
                self._failed = sentence_of(error)
        if self._model is None:
            raise MweError(self._failed)
        return self._model

    def close(self) -> None:
        """Frees the model's memory at once: the next one needs the room."""
        if self._model is not None:
            self._model.close()
            self._model = None
        gc.collect()  # a model of torch is held by what it holds, and one that failed by its error


def score_in_bulk(job: Job, bulk: Bulk, loading: Loading, replaced: Sequence[str]) -> EvalLog | None:
    """The log of one model, whose location is its file; None where batches of other shards are still lacking.

    `replaced` are logs that the new one stands for. Raises MweError where the model cannot be loaded or asked, and
    where its part was made otherwise.
    """
    opened = open_job(job)
    part = part_of(opened, bulk)
    log = log_of(opened, part)
    if log is None:
        run_shard(opened, part, bulk, loading)
        log = log_of(opened, part)
    if log is not None:
        keep_log(log, bulk.log_dir, part, replaced)
        return log
    if part.begun() is not None:
        return None
    log = finished_log(read_headers(bulk.log_dir), job.run, opened.data.name, job.questions)
    if log is not None:  # of another shard, which ended at the same time
        part.remove()  # batches of ours that came after
    return log


def keep_log(log: EvalLog, folder: Path, part: Part, replaced: Sequence[str]) -> None:
    """Writes a log into a folder, and removes what it stands for: its part, and logs of less."""
    write_log(log, folder)
    for path in replaced:
        Path(path).unlink(missing_ok=True)
    part.remove()


def part_of(opened: Opened, bulk: Bulk) -> Part:
    """The part of a job; what a process left there that wrote the log of it and was killed then is removed."""
    part = Part(f"{bulk.parts.rstrip('/')}/{part_name(opened.job.run, opened.data.name)}")
    if (begun := part.begun()) is not None and any(is_log_of(begun, each) for each in read_headers(bulk.log_dir)):
        part.remove()
    return part


def run_shard(opened: Opened, part: Part, bulk: Bulk, loading: Loading) -> None:
    """Runs the batches of the shard that are not in the part."""
    if opened.job.run.provider in COMPLETIONS:
        _ask_server(opened, part, bulk)
        return
    model = loading.model()
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
    mine = bulk.shard.batches(planned.begun.batches)
    nothing = planned.begun.batches and not mine  # then the log may be there already, and no part is to be begun
    begun = planned.begun if nothing else part.begin(planned.begun)
    done = part.finished(begun)
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
    finally:
        with suppress(OSError):  # of a folder that is none
            partial.unlink(missing_ok=True)
    log.location = str(path)


def part_name(run: Run, dataset: str) -> str:
    """The folder of one model and dataset: readable, and no other's."""
    words = f"{dataset}_{run.name}"
    readable = re.sub(r"[^\w.@-]+", "-", words)
    return f"{readable}_{name_of(words)[:8]}"
