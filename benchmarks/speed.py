"""One table of what scoring costs: ours beside lm-eval, Inspect, a bare loop, a matrix product, and Ray's workers.

    python benchmarks/speed.py [--rows 1000] [--pairs 5] [--dtype float32 bfloat16] [--only steady ...]

Everything is run on the same weights (the embedded ones, written out as safetensors in float32, or --folder), in
completion style with template 0, on the first N rows of sycophantic_yesno, plain and after 8 solved examples. What is
compared is run by turns, `--pairs` times; each cell is the median of a pair's ratios, with the least and largest.
The exit status is 1 where a required number is missed. Nothing is measured in bfloat16 on a CPU that does not multiply
it itself: torch does so hundreds of times slower there, and mwe-hf takes float32. What each way does is said in
`bulk_speed`, `process_speed`, `inspect_speed` and `ray_speed`:

- steady state (`--only steady`): a loaded model; ours and lm-eval's time holds the encoding of the prompts, ours that
  of planning too; no log. The bare loop and the arithmetic are compared without encoding;
- whole process (`process`): from the start of Python to its end, logs and all; memory is the process's peak;
- Inspect's `hf` provider, batch 32 (`hf`): loaded models, whole evals, from the dataset's file to a log, in both;
- Inspect's overhead (`api`): this process's seconds, with a server on loopback in another that answers at once;
- `ray`: two workers of a thread each against one process of two threads, in a network namespace.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from bulk_speed import DATASET, Steady, compare, load, prompts_of
from inspect_speed import hf_provider, overhead
from lines import Line, number, show
from lm_eval_log_odds import CLOSE, write_safetensors
from process_speed import compare as compare_processes

from mwe_tasks.machine import fast_bfloat16
from mwe_tasks.weights import pinned_file

PARTS = ("steady", "process", "hf", "api", "ray")
DTYPES = ("float32", "bfloat16")
ARITHMETIC = {"float32": 0.65, "bfloat16": 0.55}
TIMES = {0: 1.4, 8: 8.0}
"""How many times lm-eval's questions a second are required, by solved examples."""
PLACES = {0: "plain", 8: "8-shot"}
PACKAGES = ("mwe-tasks", "torch", "transformers", "tokenizers", "lm-eval", "inspect-ai", "ray", "numpy")


def main() -> int:
    """Prints the table; 1 where a required number is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000, help="how many questions, from the first on")
    parser.add_argument("--pairs", type=int, default=5, help="how often each is timed")
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=DTYPES)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="which measurements")
    parser.add_argument("--folder", type=Path, help="a checkpoint, in place of the embedded weights")
    asked = parser.parse_args()
    before = machine()
    lines = []
    with TemporaryDirectory() as made:
        folder = asked.folder or write_safetensors(pinned_file("smollm2-135m"), Path(made, "smollm2-135m"))
        for line in measure(folder.resolve(), asked):
            print(*line.cells, sep=" | ", file=sys.stderr, flush=True)
            lines.append(line)
    print(f"{before}; load at the end {load_average()}.")
    print(f"{DATASET}, {asked.rows} questions, {asked.pairs} pairs, SmolLM2-135M as safetensors.\n")
    print(show(lines))
    return 1 if any(line.met is False for line in lines) else 0


def measure(folder: Path, asked: argparse.Namespace) -> Iterator[Line]:
    """Every line, in the order in which they are measured."""
    rows, pairs = asked.rows, asked.pairs
    for dtype in asked.dtype:
        if dtype == "bfloat16" and not fast_bfloat16(torch):
            yield Line(f"all of it, {dtype}", "", (), note="this CPU does not multiply 16 bits itself")
            continue
        size = 32
        if "steady" in asked.only:
            from lm_eval.models.huggingface import HFLM

            model = load(folder, dtype)
            theirs = HFLM(pretrained=str(folder), dtype=dtype, device="cpu", batch_size=size)
            for shots in (8, 0):
                found = compare(model, theirs, prompts_of(rows, shots), pairs)
                yield from steady(found, dtype, shots)
            size = found.size
        if "process" in asked.only:
            yield from processes(folder, rows, pairs, dtype, size)
        if "hf" in asked.only:
            ours, other = (np.array(each) for each in hf_provider(folder, rows, pairs, dtype))
            note = f"{pace(rows, ours)} and {pace(rows, other)} questions/s"
            yield Line(f"questions/s, plain, {dtype}", "Inspect's hf provider (batch 32)", other / ours, 9, note=note)
    if "api" in asked.only:
        ours, other = (np.array(each) for each in overhead(rows, pairs))
        note = f"{median(ours) / rows * 1e3:.1f} and {median(other) / rows * 1e3:.1f} ms a sample"
        yield Line("Inspect overhead a sample, API model", "Inspect's minimal task", ours / other, 1.3, True, note=note)
    if "ray" in asked.only:
        yield from workers(folder, rows, pairs)


def steady(found: Steady, dtype: str, shots: int) -> Iterator[Line]:
    """What a comparison in steady state says."""
    took, where = found.took, f"{PLACES[shots]}, {dtype}"
    whole = took["encode"] + took["ours"]
    lm_eval = f"lm-eval (hf, batch {found.size})"
    note = f"{pace(found.questions, whole)} and {pace(found.questions, took['lm-eval'])} questions/s"
    encoding = f"encoding takes {median(took['encode'] / whole):.0%}"
    yield Line(
        f"questions/s, {where}, steady state",
        lm_eval,
        took["lm-eval"] / whole,
        TIMES[shots],
        note=f"{note}; {encoding}",
    )
    required = 0.95 if shots == 0 else None
    yield Line(f"questions/s, {where}", "bare loop of the same passes", took["bare"] / took["ours"], required)
    note = f"{median(found.rate) / 1e9:.0f} Gflop/s"
    yield Line(
        f"arithmetic done, {where}",
        "product of 4096 x 4096",
        found.flops / took["ours"] / found.rate,
        ARITHMETIC[dtype],
        note=note,
    )
    close = CLOSE if dtype == "float32" else None
    note = "over questions, nats"
    yield Line(f"log odds, {where}", "lm-eval's", found.difference, close, most=True, every=True, note=note)


def processes(folder: Path, rows: int, pairs: int, dtype: str, size: int) -> Iterator[Line]:
    """What whole processes take."""
    found = compare_processes(folder, rows, pairs, dtype, size)
    ours, theirs, bare = (np.array(each) for each in found)
    note = f"{median(ours[:, 0]):.1f} and {median(theirs[:, 0]):.1f} s"
    times = theirs[:, 0] / ours[:, 0]
    yield Line(f"seconds, plain, {dtype}, whole process", f"lm-eval (hf, batch {size})", times, 1.7, note=note)
    note = f"{median(ours[:, 1]) / 2**20:.0f} and {median(bare[:, 1]) / 2**20:.0f} MiB"
    yield Line(f"peak memory, {dtype}, bulk", "bare loop", ours[:, 1] / bare[:, 1], 1.2, True, note=note)


def workers(folder: Path, rows: int, pairs: int) -> Iterator[Line]:
    """What two Ray workers do; a line that says why where they cannot run."""
    measured, against = "throughput of two Ray workers on two cores", "one process of two threads"
    try:
        version("ray")
        from ray_speed import NAMESPACE
        from ray_speed import measure as measure_ray

        subprocess.run([*NAMESPACE, "true"], check=True, capture_output=True)
    except PackageNotFoundError:
        yield Line(measured, against, (), 0.9, note="ray is not installed")
        return
    except (OSError, subprocess.CalledProcessError):
        yield Line(measured, against, (), 0.9, note="network namespaces are not allowed here")
        return
    try:
        found = measure_ray(folder, rows=rows, pairs=pairs)
    except subprocess.CalledProcessError:
        yield Line(measured, against, [float("nan")], 0.9, note="its run failed: see above")
        return
    note = f"{median(found.workers):.1f} and {median(found.process):.1f} prompts/s"
    yield Line(measured, against, found.ratios, 0.9, note=note)
    note = f"to two threads {number(found.difference)} nats at most"
    yield Line("logs of two Ray workers are equal", "one process of one thread", [float(found.same)], 1, note=note)


def pace(questions: int, seconds: Sequence[float]) -> str:
    """Questions a second, of the median."""
    return number(questions / median(seconds))


def machine() -> str:
    """The machine, its load and the versions."""
    name = platform.processor()
    known = Path("/proc/cpuinfo")
    if known.is_file():
        names = [line for line in known.read_text(encoding="utf-8").splitlines() if line.startswith("model name")]
        name = names[0].partition(":")[2].strip() if names else name
    made = []
    for package in PACKAGES:
        try:
            made.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            made.append(f"no {package}")
    return (
        f"{name}, {os.cpu_count()} cores, torch with {torch.get_num_threads()} threads, Python "
        f"{platform.python_version()}, {', '.join(made)}; load at the start {load_average()}"
    )


def load_average() -> str:
    """Processes that ran or waited, over the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    sys.exit(main())
