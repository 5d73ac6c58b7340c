"""What import, check, export and build take as a dataset grows, and what they find of what is planted in it.

    python benchmarks/large.py [--rows 2000 20000 200000] [--pools varied framed]

Each command runs in a process of its own, on one thread, on made-up questions of about twelve words (large_data.py):
"varied" ones, of many forms, and "framed" ones, which all ask whether one thing is more common than another.
`mwe build` reads an Inspect log of trees. Prints two Markdown tables: CPU time, time by the clock (with the machine's
load as the command ends) and peak memory, with the exponents of CPU time and memory against rows since the number
of rows before; and the share found of each kind of what is planted (large_found.py).
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROWS, POOLS = (2_000, 20_000, 200_000), ("varied", "framed")
HEAD = ("questions", "command", "rows", "CPU s", "wall s", "load", "peak MiB", "exponent, CPU", "exponent, memory")
FOUND_HEAD = ("questions", "command", "rows", "planted", "number", "found", "share")
COMMANDS = {
    "import": ("import", "rows.csv", "--format", "csv", "--out", "rows.jsonl"),
    "check": ("check", "rows.jsonl"),
    "export csv": ("export", "rows.jsonl", "--format", "csv", "--out", "out.csv"),
    "export anthropic": ("export", "rows.jsonl", "--format", "anthropic", "--out", "out.jsonl"),
    "export lm-eval": ("export", "rows.jsonl", "--format", "lm-eval", "--out", "tasks"),
    "build": ("build", "log.eval", "--out", "built"),
}
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS")


class Used(NamedTuple):
    """What one command took."""

    cpu: float
    """Seconds."""
    wall: float
    """Seconds by the clock."""
    load: float
    """The machine's, over the last minute."""
    peak: float
    """MiB."""


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--pools", nargs="+", choices=POOLS, default=POOLS)
    options = parser.parse_args()
    found: list[list[str]] = []
    print_line(HEAD)
    print_line(["---", "---", *["---:"] * 7])
    for pool in options.pools:
        before: dict[str, tuple[int, Used]] = {}
        for rows in options.rows:
            with tempfile.TemporaryDirectory() as folder:
                for command, used in measured(pool, rows, Path(folder)):
                    growth = exponents(*before[command], rows, used) if command in before else ["", ""]
                    before[command] = rows, used
                    taken = [f"{used.cpu:.1f}", f"{used.wall:.1f}", f"{used.load:.1f}", f"{used.peak:.0f}"]
                    print_line([pool, command, f"{rows:,}", *taken, *growth])
                for command, kind, number, of in shares(Path(folder)):
                    share = f"{number / of:.1%}" if of else ""
                    found.append([pool, command, f"{rows:,}", kind, f"{of:,}", f"{number:,}", share])
    print()
    print_line(FOUND_HEAD)
    print_line(["---", "---", "---:", "---", *["---:"] * 3])
    for line in found:
        print_line(line)


def exponents(rows_before: int, before: Used, rows: int, used: Used) -> list[str]:
    """With which power of the rows CPU time and memory have grown."""
    grown = math.log(rows / rows_before)
    return [f"{math.log(now / then) / grown:.2f}" for now, then in ((used.cpu, before.cpu), (used.peak, before.peak))]


def measured(pool: str, rows: int, folder: Path) -> Iterator[tuple[str, Used]]:
    """Each command with what it took, on so many rows."""
    data = Path(__file__).with_name("large_data.py")
    subprocess.run([sys.executable, data, folder, pool, str(rows)], check=True)
    for command, arguments in COMMANDS.items():
        yield command, run(arguments, folder)


def shares(folder: Path) -> Iterator[tuple[str, str, int, int]]:
    """For a command and a kind of what is planted how many of how many were found.

    Counted by a process of its own: a command's peak memory is at least that of the process which starts it.
    """
    program = [sys.executable, Path(__file__).with_name("large_found.py"), folder]
    for line in subprocess.run(program, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines():
        command, kind, number, of = json.loads(line)
        yield command, kind, number, of


def run(arguments: tuple[str, ...], folder: Path) -> Used:
    """Runs `mwe` in a folder, in a process of its own; what it says goes to a file there."""
    program = [sys.executable, "-c", "from mwe_tasks.cli import main; main()", *arguments]
    start = time.monotonic()
    with (folder / "said.txt").open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            program, cwd=folder, stdout=said, stderr=said, env=os.environ | dict.fromkeys(THREADS, "1")
        )
        _, status, used = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # 1: what is made up repeats itself, which a check finds
        raise SystemExit((folder / "said.txt").read_text(encoding="utf-8"))
    peak = used.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    return Used(used.ru_utime + used.ru_stime, wall, os.getloadavg()[0], peak)


def print_line(cells: "list[str] | tuple[str, ...]") -> None:
    """Prints a line of the table."""
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
