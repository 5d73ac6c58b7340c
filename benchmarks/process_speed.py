"""Whole processes: `mwe score` in bulk, lm-eval's command line and the bare loop, by turns: seconds and peak memory.

A process is started by a small one, which measures it: Linux counts the memory of the process that starts another in
the other's peak.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bulk_speed import DATASET
from lm_eval_agreement import MWE, OFFLINE, run

MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps([seconds, peak, done.returncode, (done.stdout + done.stderr)[-2000:]]))
"""


class Process(NamedTuple):
    """What a process took."""

    seconds: float
    peak: int
    """Bytes."""


class Processes(NamedTuple):
    """Each kind, pair by pair."""

    ours: list[Process]
    theirs: list[Process]
    bare: list[Process]


def compare(folder: Path, rows: int, pairs: int, dtype: str, size: int) -> Processes:
    """All three by turns, on the first rows in completion style without examples; `size` is lm-eval's batch size."""
    found = Processes([], [], [])
    beside = str(Path(__file__).with_name("bulk_speed.py"))
    with TemporaryDirectory() as made:
        run(*MWE, "export", DATASET, "--format", "lm-eval", "--out", f"{made}/tasks", cwd=made)
        for pair in range(pairs):
            given = ("-M", f"dtype={dtype}", "-M", "device=cpu", "--style", "completion", "--limit", str(rows))
            how = ("--engine", "bulk", "--no-text", "--log-dir", f"{made}/logs-{pair}")
            found.ours.append(measured(made, *MWE, "score", DATASET, "--model", f"mwe-hf/{folder}", *given, *how))
            found.bare.append(measured(made, beside, str(folder), "--rows", str(rows), "--dtype", dtype, "--bare"))
            task = ("--include_path", f"{made}/tasks", "--tasks", f"mwe_{DATASET}", "--limit", str(rows))
            model = ("--model", "hf", "--model_args", f"pretrained={folder},dtype={dtype}", "--device", "cpu")
            found.theirs.append(measured(made, "-m", "lm_eval", *task, *model, "--batch_size", str(size)))
    return found


def measured(folder: str, *arguments: str) -> Process:
    """What Python takes with these arguments, offline; ends the benchmark where it fails."""
    command = [sys.executable, "-c", MEASURE, sys.executable, *arguments]
    environment = {**os.environ, **OFFLINE, "INSPECT_DISPLAY": "none"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    seconds, peak, code, said = json.loads(done.stdout)
    if code:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{said}")
    return Process(seconds, peak)
