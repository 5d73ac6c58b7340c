"""Through Inspect: its own `hf` provider against the bulk engine, and our task against Inspect's minimal one."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.append(str(Path(__file__).parent.parent / "tests"))

from bulk_speed import DATASET, LABELS, prompts_of
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig, Model, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate
from server import OpenAIServer, Reply

from mwe_tasks.bulk_running import write_log
from mwe_tasks.engines.bulk import log_of, plan_job, run_batches
from mwe_tasks.jobs import Job, open_job
from mwe_tasks.parts import Part
from mwe_tasks.providers.mwe_hf import MweHfAPI
from mwe_tasks.readers import read_rows
from mwe_tasks.runs import choose_models
from mwe_tasks.sources import known_datasets
from mwe_tasks.tasks import yesno

BATCH = 32
AS_IT_IS = "{{ messages[0]['content'] }}"
"""A chat template that adds nothing: the prompts are those that we ask."""


def hf_provider(folder: Path, rows: int, pairs: int, dtype: str) -> tuple[list[float], list[float]]:
    """Seconds, pair by pair, of the bulk engine and of an eval with Inspect's `hf` provider; both models are loaded.

    Both write a log. Inspect's task asks for one token with the 20 likeliest beside it, and has no scorer.
    """
    ours = MweHfAPI(str(folder), dtype=dtype, device="cpu")
    config = GenerateConfig(max_tokens=1, logprobs=True, top_logprobs=20, max_connections=BATCH)
    options: dict[str, Any] = {"dtype": dtype, "device": "cpu", "chat_template": AS_IT_IS, "do_sample": False}
    theirs = get_model(f"hf/{folder}", config=config, memoize=False, **options)
    samples = [Sample(input=prompt) for prompt in prompts_of(rows, 0)]
    with TemporaryDirectory() as made:
        evaluated(Task(dataset=samples[:BATCH], solver=generate()), theirs, made)
        return by_turns(
            lambda: in_bulk(ours, folder, rows),
            lambda: evaluated(Task(dataset=MemoryDataset(samples), solver=generate()), theirs, made),
            time.perf_counter,
            pairs,
        )


def in_bulk(model: MweHfAPI, folder: Path, rows: int) -> None:
    """A whole job with a loaded model, from the dataset's file to the log's."""
    (run,) = choose_models([f"mwe-hf/{folder}"], [], style="completion").runs
    job = Job(DATASET, "mwe_tasks/yesno", {"dataset": DATASET, "style": "completion"}, run, rows, text=False)
    with TemporaryDirectory() as made:
        opened, part = open_job(job), Part(f"{made}/part")
        planned = plan_job(opened, model)
        planned = planned._replace(begun=part.begin(planned.begun))
        for _ in run_batches(planned, model, part, range(planned.begun.batches)):
            pass
        log = log_of(opened, part)
        if log is None:
            raise SystemExit("A batch of the bulk engine is lacking.")
        write_log(log, Path(made))


def overhead(rows: int, pairs: int) -> tuple[list[float], list[float]]:
    """This process's seconds, pair by pair, of our task and of Inspect's minimal one, with a model on loopback.

    The minimal task puts the same questions as they are (`generate`) and compares the answer (`match`).
    """
    asked = read_rows(str(known_datasets()[DATASET])).rows[:rows]
    samples = [Sample(input=row.question, target=row.truth or LABELS[0]) for row in asked]
    with TemporaryDirectory() as made, serving() as url:
        model = get_model("openai-api/local/toy", base_url=url, api_key="none", memoize=False)

        def minimal(most: int) -> None:
            evaluated(Task(dataset=MemoryDataset(samples[:most]), solver=generate(), scorer=match()), model, made)

        def ours(most: int) -> None:
            evaluated(yesno(dataset=DATASET, style="chat"), model, made, limit=most)

        ours(5), minimal(5)
        return by_turns(lambda: ours(rows), lambda: minimal(rows), time.process_time, pairs)


def by_turns(
    one: Callable[[], None], other: Callable[[], None], clock: Callable[[], float], pairs: int
) -> tuple[list[float], list[float]]:
    """What each takes by a clock, pair by pair."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(pairs):
        for work, seconds in zip((one, other), took, strict=True):
            start = clock()
            work()
            seconds.append(clock() - start)
    return took


def evaluated(task: Task, model: Model, folder: str, **options: Any) -> None:
    """Runs a task; ends the benchmark where it fails."""
    (log,) = inspect_eval(task, model=model, log_dir=folder, display="none", **options)
    if log.status != "success":
        raise SystemExit(f"{log.eval.task} ended with {log.status}: {log.error}")


@contextmanager
def serving() -> Iterator[str]:
    """The address of a server in a process of its own, which answers at once."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
        ours.send("stop")
    finally:
        process.join(5)
        process.kill()


def serve(parent: Connection) -> None:
    """Serves until the parent says something."""
    with OpenAIServer(lambda question, body: Reply({"Yes": -0.11, "No": -2.3})) as server:
        parent.send(server.base_url)
        parent.recv()
