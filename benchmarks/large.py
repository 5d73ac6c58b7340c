"""What import, check, export and build take as a dataset grows: CPU time and memory.

    python benchmarks/large.py [--rows 2000 20000 200000] [--pools varied framed]

Each command runs in a process of its own, on one thread, on made-up questions of about twelve words (large_data.py):
"varied" ones, of many forms, and "framed" ones, which all ask whether one thing is more common than another.
`mwe build` reads an Inspect log of trees. Prints a Markdown table; the last column is the CPU time a row, over that of
the number of rows before.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROWS, POOLS = (2_000, 20_000, 200_000), ("varied", "framed")
HEAD = ("questions", "command", "rows", "CPU s", "peak MiB", "CPU ms a row", "growth")
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
    peak: float
    """MiB."""


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--pools", nargs="+", choices=POOLS, default=POOLS)
    options = parser.parse_args()
    print_line(HEAD)
    print_line(["---", "---", *["---:"] * 5])
    for pool in options.pools:
        before: dict[str, float] = {}
        for rows in options.rows:
            for command, used in measured(pool, rows):
                each = used.cpu / rows * 1000
                growth = f"{each / before[command]:.2f}" if command in before else ""
                before[command] = each
                print_line([pool, command, f"{rows:,}", f"{used.cpu:.1f}", f"{used.peak:.0f}", f"{each:.3f}", growth])


def measured(pool: str, rows: int) -> Iterator[tuple[str, Used]]:
    """Each command with what it took, on so many rows."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(__file__).with_name("large_data.py")
        subprocess.run([sys.executable, data, folder, pool, str(rows)], check=True)
        for command, arguments in COMMANDS.items():
            yield command, run(arguments, Path(folder))


def run(arguments: tuple[str, ...], folder: Path) -> Used:
    """Runs `mwe` in a folder, in a process of its own; what it says goes to a file there."""
    program = [sys.executable, "-c", "from mwe_tasks.cli import main; main()", *arguments]
    with (folder / "said.txt").open("w", encoding="utf-8") as said:
        process = subprocess.Popen(
            program, cwd=folder, stdout=said, stderr=said, env=os.environ | dict.fromkeys(THREADS, "1")
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):  # 1: what is made up repeats itself, which a check finds
        raise SystemExit((folder / "said.txt").read_text(encoding="utf-8"))
    return Used(used.ru_utime + used.ru_stime, used.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024))


def print_line(cells: "list[str] | tuple[str, ...]") -> None:
    """Prints a line of the table."""
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
