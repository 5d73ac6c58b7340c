"""Two Ray workers of one thread each against one process of two threads: the same model, questions and machine.

    python benchmarks/ray_speed.py [--rows N] [--pairs N] [--folder FOLDER]

The first N rows of the dataset are scored by `mwe score` with the embedded weights written out as safetensors (or
the checkpoint in --folder), in completion style, the opinion frame (four prompts a question) and without texts, by
turns in both ways: enough work that loading the model twice pays (`pieces.worth_another`). Throughput is that of steady
state: of one process all questions over the time from the first batch to the last, of the workers those over the time
in which both are at work, a batch that is partly in it counted by its share; the times are those that each batch's
file holds. Ray runs in a network namespace that has loopback alone, since it binds to every interface.

The logs of the workers are compared, but for times, with that of one process of one thread, and their log odds with
those of two threads, whose sums round differently.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest import mock

from inspect_ai.log import EvalLog, read_eval_log

from mwe_tasks.parts import Begun, Finished, Part

DATASET = "sycophantic_yesno"
NAMESPACE = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


class Measured(NamedTuple):
    """What came of all pairs."""

    ratios: list[float]
    """Throughput of two workers over that of one process, pair by pair."""
    workers: list[float]
    """Prompts a second of two workers."""
    process: list[float]
    """Prompts a second of one process of two threads."""
    same: bool
    """Whether every log of two workers is that of one process of one thread to the bit, times aside."""
    difference: float
    """Largest difference of log odds to those of two threads, nats."""


def main() -> None:
    """Prints the ratio with its spread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000, help="how many questions, from the first on")
    parser.add_argument("--pairs", type=int, default=5, help="how often each way is timed")
    parser.add_argument("--folder", type=Path, help="a checkpoint, in place of the embedded weights")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside is not None:
        try:
            found = compare(asked.folder, asked.rows, asked.pairs)
        except ValueError as error:
            raise SystemExit(str(error)) from None
        asked.inside.write_text(json.dumps(found._asdict()), encoding="utf-8")
        return
    found = measure(asked.folder, rows=asked.rows, pairs=asked.pairs)
    print(f"{asked.rows} questions, {asked.pairs} pairs")
    for what, values in (
        ("prompts/s of two workers of one thread", found.workers),
        ("prompts/s of one process of two threads", found.process),
        ("ratio", found.ratios),
    ):
        print(f"  {what}: {statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})")
    print(f"  logs are those of one process of one thread to the bit: {'yes' if found.same else 'no'}")
    print(f"  largest difference of log odds to two threads: {found.difference:.1e} nats")


def measure(folder: Path | None = None, *, rows: int = 1000, pairs: int = 5) -> Measured:
    """Both ways by turns, in a network namespace; raises CalledProcessError where one is not allowed."""
    with TemporaryDirectory() as made:
        if folder is None:
            from lm_eval_log_odds import write_safetensors

            from mwe_tasks.weights import pinned_file

            folder = write_safetensors(pinned_file("smollm2-135m"), Path(made, "smollm2-135m"))
        out = Path(made, "found.json")
        how = ["--rows", rows, "--pairs", pairs, "--folder", folder, "--inside", out]
        subprocess.run([*NAMESPACE, sys.executable, __file__, *map(str, how)], check=True, stdout=sys.stderr)
        return Measured(**json.loads(out.read_text(encoding="utf-8")))


def compare(folder: Path, rows: int, pairs: int) -> Measured:
    """Both ways by turns, on a cluster that is started for as long."""
    import ray

    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "INSPECT_DISPLAY": "none"}
    given = ["--limit", rows, "--frame", "opinion", "--style", "completion", "--no-text"]
    command = ["score", DATASET, "--model", f"mwe-hf/{folder}", *map(str, given)]
    ratios, workers, process = [], [], []
    ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    with TemporaryDirectory() as made:

        def run(name: str, *how: str) -> tuple[EvalLog, list[Finished]]:
            with kept() as batches:
                score([*command, "--log-dir", str(Path(made, name)), *how])
            (log,) = Path(made, name).glob("*.eval")
            return read_eval_log(str(log)), batches

        alone, _ = run("one", "--threads", "1")
        same, difference = True, 0.0
        for pair in range(pairs):
            spread, batches = run(f"ray-{pair}", "--engine", "ray", "--threads", "1")
            workers.append(pace_together(batches))
            two, batches = run(f"two-{pair}", "--threads", "2")
            process.append(pace_alone(batches))
            ratios.append(workers[-1] / process[-1])
            print(f"  {workers[-1]:.1f} and {process[-1]:.1f} prompts/s", flush=True)
            same = same and timeless(spread) == timeless(alone)
            difference = max(difference, *map(abs, differences(spread, two)))
    ray.shutdown()
    return Measured(ratios, workers, process, same, difference)


def score(arguments: Sequence[str]) -> None:
    """`mwe score` in this process."""
    from mwe_tasks.cli import main as command

    command(list(arguments), standalone_mode=False)


@contextmanager
def kept() -> Iterator[list[Finished]]:
    """The batches of every part that is made into a log within, which removes them."""
    batches: list[Finished] = []
    remove = Part.remove

    def removed(part: Part) -> None:
        begun: Begun | None = part.begun()
        batches.extend(part.finished(begun).values() if begun else ())
        remove(part)

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(Part, "remove", removed))
        yield batches


def pace_alone(batches: Sequence[Finished]) -> float:
    """Prompts a second from the first batch to the last."""
    spans = [span(batch) for batch in batches]
    return sum(len(batch.said) for batch in batches) / (max(end for _, end in spans) - min(begin for begin, _ in spans))


def pace_together(batches: Sequence[Finished]) -> float:
    """Prompts a second while two batches run at a time; raises ValueError where no two ever do."""
    spans = [span(batch) for batch in batches]
    edges = sorted({edge for each in spans for edge in each})
    both = [
        (begin, end) for begin, end in pairwise(edges) if sum(one <= begin and end <= other for one, other in spans) > 1
    ]
    if not both:
        raise ValueError("one worker did all of it, since loading the model twice would not have paid: more --rows")
    start, stop = min(begin for begin, _ in both), max(end for _, end in both)
    done = 0.0
    for batch, (begin, end) in zip(batches, spans, strict=True):
        within = max(0.0, min(end, stop) - max(begin, start))
        done += len(batch.said) * within / (end - begin)
    return done / (stop - start)


def span(batch: Finished) -> tuple[float, float]:
    """When it began and ended, seconds."""
    return datetime.fromisoformat(batch.began).timestamp(), datetime.fromisoformat(batch.ended).timestamp()


def timeless(log: EvalLog) -> dict[str, Any]:
    """Everything of a log but when and where it was made."""
    values = log.model_dump(exclude={"location", "etag"})
    del values["eval"]["created"], values["stats"]["started_at"], values["stats"]["completed_at"]
    return values


def differences(one: EvalLog, other: EvalLog) -> list[float]:
    """Of each question the difference of its log odds, nats."""
    pairs = zip(one.samples or (), other.samples or (), strict=True)
    name = "logodds_matching"
    return [(a.scores or {})[name].as_float() - (b.scores or {})[name].as_float() for a, b in pairs]


if __name__ == "__main__":
    main()
