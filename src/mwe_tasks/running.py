"""Models scored in bulk or by Inspect's eval_set: what a log folder has is kept, one that fails stops no other."""

import gc
import pkgutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from inspect_ai import Task, eval_set, task_with
from inspect_ai.log import EvalLog
from inspect_ai.model import Model, get_model

import mwe_tasks.generators
from mwe_tasks.bulk_running import Bulk, Loading, score_in_bulk
from mwe_tasks.errors import first_sentence, on_one_line, sentence_of
from mwe_tasks.jobs import Job
from mwe_tasks.logged import Asked, answered_questions, finished_log, is_of, refuse_others, without_logodds
from mwe_tasks.plan import STAMP
from mwe_tasks.runs import EXACT, IN_MEMORY, Run, batches
from mwe_tasks.tasks import yesno

ATTEMPTS = 2
"""How often a run that failed is begun again at once; each goes on from the questions that have an answer."""


class Outcome(NamedTuple):
    """What became of one model: its log, or why there is none; neither where other shards are still at work."""

    run: Run
    log: str | None
    questions: int
    seconds: float | None
    error: str | None
    without: int = 0
    """Of the questions, how many have no log odds."""
    before: bool = False
    """Whether its log was there already."""


class Prepared(NamedTuple):
    """What is left to do, and what is done already."""

    asked: Asked
    runs: tuple[Run, ...]
    build: Callable[[Run], Task]
    """Makes a model's task; its questions are in memory until that is over."""
    left: list[Run]
    done: dict[Run, Outcome]
    replaced: dict[Run, list[str]]
    """Logs of a model that failed or has answers to fewer questions, which its new log stands for."""


class Wanted(NamedTuple):
    """Models that are prepared to be asked one dataset, the jobs of those scored in bulk, and where parts are."""

    prepared: Prepared
    jobs: Mapping[Run, Job]
    bulk: Bulk


def task_for(dataset: str, arguments: Mapping[str, object]) -> Task:
    """The dataset's own task, or `mwe_tasks/yesno` where it has none; raises MweError for what no task takes."""
    if dataset in _own_tasks():
        task: Task = getattr(import_module(f"mwe_tasks.generators.{dataset}"), dataset)(**arguments)
        return task
    return yesno(dataset, **arguments)  # type: ignore[arg-type]  # checked there


def job_for(dataset: str, arguments: Mapping[str, object], run: Run, asked: Asked) -> Job:
    """What `task_for` asks one local model, for the bulk engine."""
    named = dataset in _own_tasks()
    given = arguments if named else {"dataset": dataset, **arguments}
    task = f"mwe_tasks/{dataset if named else 'yesno'}"
    return Job(dataset, task, given, run, asked.questions, asked.plan, asked.text)


def _own_tasks() -> set[str]:
    return {module.name for module in pkgutil.iter_modules(mwe_tasks.generators.__path__)}


def prepare(runs: Sequence[Run], build: Callable[[Run], Task], asked: Asked, headers: Sequence[EvalLog]) -> Prepared:
    """The models that have no finished log in the folder, and the logs of the others.

    `build` makes a model's task; `headers` are those of the folder's logs. Raises MweError where a task takes other
    arguments, and where the folder holds logs that these could not be compared with.
    """
    facts: dict[str, Any] = (build(runs[0]).metadata or {})["mwe"]
    refuse_others(headers, facts, runs, asked)
    logs = {run: finished_log(headers, run, facts["dataset"], asked.questions) for run in runs}
    done = {run: outcome_of(run, log)._replace(before=True) for run, log in logs.items() if log is not None}
    left = [run for run in runs if run not in done]
    ended = {run: [place_of(header) for header in headers if _gives_way(header, run, facts)] for run in left}
    folder = asked.log_dir.resolve()
    replaced = {run: [each for each in ended[run] if Path(each).resolve().parent == folder] for run in left}
    return Prepared(asked, tuple(runs), build, left, done, replaced)


def _gives_way(header: EvalLog, run: Run, facts: Mapping[str, Any]) -> bool:
    """Whether a new log of the model replaces this one: one that failed, or one of ours of fewer questions."""
    metadata = header.eval.metadata or {}
    ended = header.status != "started" and (header.status != "success" or "engine" in metadata)
    return ended and is_of(header, run) and metadata.get("mwe") == facts


def score_jobs(asked: Sequence[Wanted], *, say: Callable[[str], None], show: Callable[[int, Outcome], None]) -> None:
    """Scores in bulk the models that have a job, each loaded once for all datasets.

    They go from what is left to do to what is done, and `show` is told of each with its dataset's number. Raises
    KeyboardInterrupt where a user stopped it; what is in a part by then is kept.
    """
    for run in dict.fromkeys(run for wanted in asked for run in wanted.prepared.left if run in wanted.jobs):
        say(f"Scoring {run.name}.")
        with closing(Loading(run, asked[0].bulk.threads)) as loading:
            for number, wanted in enumerate(asked):
                if run in wanted.prepared.left:
                    wanted.prepared.left.remove(run)
                    wanted.prepared.done[run] = _score_in_bulk(run, wanted, loading)
                    show(number, wanted.prepared.done[run])


def score(prepared: Prepared, *, say: Callable[[str], None]) -> list[Outcome]:
    """Scores by Inspect the models that were prepared, and gives an outcome for each of all models, in their order.

    Raises KeyboardInterrupt where a user stopped it; what has an answer by then is kept.
    """
    outcomes = dict(prepared.done)
    for batch in batches(prepared.left):
        say(f"Scoring {', '.join(run.name for run in batch)}.")
        # Made here, since a task holds its model, and the next one's weights need the room.
        outcomes |= _score_together({run: prepared.build(run) for run in batch}, prepared.asked)
        gc.collect()
    return [outcomes[run] for run in prepared.runs]


def _score_in_bulk(run: Run, wanted: Wanted, loading: Loading) -> Outcome:
    began = time.monotonic()
    try:
        log = score_in_bulk(wanted.jobs[run], wanted.bulk, loading, wanted.prepared.replaced[run])
    except Exception as error:  # as with Inspect, a model that fails leaves the others
        return failure_of(run, _said(run, error))
    seconds = time.monotonic() - began
    return Outcome(run, None, 0, seconds, None) if log is None else outcome_of(run, log)._replace(seconds=seconds)


def _score_together(tasks: Mapping[Run, Task], asked: Asked) -> dict[Run, Outcome]:
    outcomes: dict[Run, Outcome] = {}
    models: dict[Run, Model] = {}
    for run in tasks:
        arguments: dict[str, Any] = dict(run.model_args)
        try:
            models[run] = get_model(run.model, memoize=False, **arguments)
        except Exception as error:  # whatever a provider raises that finds no key, no weights, no library
            outcomes[run] = failure_of(run, _said(run, error))
    for run, model in models.items():
        task_with(tasks[run], model=model)
    if not models:
        return outcomes
    with ExitStack() as closing:
        for run, model in models.items():
            if run.provider in IN_MEMORY:
                closing.enter_context(model)
        return outcomes | _run(tasks, models, asked)


def _run(tasks: Mapping[Run, Task], models: Mapping[Run, Model], asked: Asked) -> dict[Run, Outcome]:
    try:
        _, logs = eval_set(
            [tasks[run] for run in models],
            log_dir=str(asked.log_dir),
            model=None,
            limit=asked.questions,
            retry_attempts=ATTEMPTS,
            log_dir_allow_dirty=True,
            metadata=None if asked.plan is None else {STAMP: asked.plan},
            max_tasks=len(models),
            # A third faster without; a run that is killed then loses its last answers, which cost nothing with ours.
            log_realtime=any(run.provider not in EXACT for run in models),
            **asked.options,
        )
    except Exception as error:  # Inspect's own refusals, which name no model
        return {run: failure_of(run, sentence_of(error)) for run in models}
    if len(logs) < len(models) or any(log.status == "cancelled" for log in logs):
        raise KeyboardInterrupt  # Inspect took it, and gives back only the logs that there are
    outcomes: dict[Run, Outcome] = {}
    for run in models:
        log = next((log for log in logs if is_of(log, run)), None)
        outcomes[run] = failure_of(run, "Inspect gave no log") if log is None else outcome_of(run, log)
    return outcomes


def _said(run: Run, error: Exception) -> str:
    if isinstance(error, ValueError) and "not recognized" in str(error):
        return f"There is no provider {run.provider} in this installation: see `mwe models`"
    return sentence_of(error)


def outcome_of(run: Run, log: EvalLog) -> Outcome:
    """What became of a model that has this log."""
    place = place_of(log)
    if log.status != "success":
        why = log.error.message if log.error else f"the run ended with status {log.status}"
        return Outcome(run, place, answered_questions(log), None, first_sentence(why))
    return Outcome(run, place, answered_questions(log), _seconds(log), None, without_logodds(log))


def place_of(log: EvalLog) -> str:
    """The file of a log."""
    return unquote(log.location.removeprefix("file://"))


def failure_of(run: Run, why: str) -> Outcome:
    """What became of a model that has none."""
    return Outcome(run, None, 0, None, on_one_line(why))


def _seconds(log: EvalLog) -> float | None:
    try:
        ended, began = (datetime.fromisoformat(each) for each in (log.stats.completed_at, log.stats.started_at))
    except ValueError:
        return None
    return (ended - began).total_seconds()
