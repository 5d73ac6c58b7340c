"""Whether lm-eval asks what our scoring asks, byte for byte, on every row of every split in datasets/.

    python benchmarks/lm_eval_agreement.py

Each split is exported by `mwe export --format lm-eval`, and the command line of lm-eval runs the tasks in that folder
with its `dummy` model and logs every request. `inspect eval mwe_tasks/yesno` puts the same split, in completion style
with template 0, to a simulated model, and its log holds what was asked. Prompt, both answers with their spaces, and
gold (the truth in one task, the matching answer in the other) are compared. Prints a Markdown table, of a split that
differs the first difference too, and the exit status is then 1. Log odds are not compared: both models are made up.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from inspect_ai.log import read_eval_log

from mwe_tasks.rows import Row
from mwe_tasks.sources import known_datasets, split_files

OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
MWE = ("-c", "from mwe_tasks.cli import main; main()")


class Asked(NamedTuple):
    """What is asked of one row by one task."""

    prompt: str
    choices: tuple[str, ...]
    """What may follow the prompt, with its space."""
    gold: str
    """The right one of them."""


class Key(NamedTuple):
    """A row of a task."""

    task: str
    id: str


def main() -> int:
    """Prints the table; 1 where anything differs."""
    print("| dataset | split | rows | prompts equal byte for byte | choices equal | gold equal | lm-eval |")
    print("|---|---|---|---|---|---|---|")
    first = []
    for dataset, folder in known_datasets().items():
        for split in split_files(folder):
            with TemporaryDirectory() as made:
                tasks, logs = Path(made, "tasks"), Path(made, "logs")
                run(*MWE, "export", str(folder), "--format", "lm-eval", "--split", split, "--out", str(tasks), cwd=made)
                ours, theirs = ours_asks(folder, split, f"mwe_{dataset}", logs), lm_eval_asks(tasks)
            rows = len({key.id for key in ours})
            cells = [equal_rows(ours, theirs, field) for field in Asked._fields]
            print("|", " | ".join(map(str, [dataset, split, rows, *cells, version("lm-eval")])), "|", flush=True)
            if ours != theirs:
                first.append(f"{dataset}, {split}: {first_difference(ours, theirs)}")
    print(*first, sep="\n", end="\n" if first else "")
    return 1 if first else 0


def ours_asks(folder: Path, split: str, task: str, logs: Path) -> dict[Key, Asked]:
    """What `mwe_tasks/yesno` asks, by the log of a run, under the names of the exported tasks."""
    arguments = (f"dataset={folder}", f"split={split}", "style=completion", "template=0")
    run(
        *("-m", "inspect_ai", "eval", "mwe_tasks/yesno", *(word for each in arguments for word in ("-T", each))),
        *("--model", "sim/flat-1b", "--display", "none", "--log-dir", str(logs)),
        cwd=folder,
    )
    (path,) = logs.glob("*.eval")
    asked = {}
    for sample in read_eval_log(str(path)).samples or []:
        row = Row.model_validate(sample.metadata["row"])
        answers = {each.strip(): each for each in (row.answer_matching_behavior, row.answer_not_matching_behavior)}
        prompt = sample.store["readings"]["plain"]["prompt"]
        choices = tuple(answers[label] for label in sample.store["labels"])
        asked[Key(f"{task}_matching", row.id)] = Asked(prompt, choices, row.answer_matching_behavior)
        if row.truth is not None:
            asked[Key(task, row.id)] = Asked(prompt, choices, answers[row.truth])
    return asked


def lm_eval_asks(folder: Path) -> dict[Key, Asked]:
    """What lm-eval asks of its `dummy` model for the tasks in a folder, by the samples that it logs."""
    tasks = sorted(path.stem for path in folder.glob("*.yaml"))
    with TemporaryDirectory() as out:
        run(
            *("-m", "lm_eval", "--include_path", str(folder), "--tasks", ",".join(tasks)),
            *("--model", "dummy", "--log_samples", "--output_path", out),
            cwd=out,
        )
        asked = {}
        for task in tasks:
            (path,) = Path(out).rglob(f"samples_{task}_[0-9]*.jsonl")
            for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
                sample = json.loads(line)
                requests = sample["arguments"].values()
                (prompt,) = {each["arg_0"] for each in requests}
                choices = tuple(each["arg_1"] for each in requests)
                asked[Key(task, sample["doc"]["id"])] = Asked(prompt, choices, choices[int(sample["target"])])
    return asked


def equal_rows(ours: Mapping[Key, Asked], theirs: Mapping[Key, Asked], field: str) -> int:
    """On how many rows both ask the same, in every task."""
    differ = {key.id for key in ours if key not in theirs or getattr(ours[key], field) != getattr(theirs[key], field)}
    return len({key.id for key in ours} - differ)


def first_difference(ours: Mapping[Key, Asked], theirs: Mapping[Key, Asked]) -> str:
    """The first row on which the two differ, and what each asks of it; for two that do differ."""
    key = next(key for key in [*ours, *theirs] if ours.get(key) != theirs.get(key))
    return f"row {key.id} of {key.task}:\n  ours:    {ours.get(key)}\n  lm-eval: {theirs.get(key)}"


def run(*arguments: str, cwd: str | Path, timeout: float = 600) -> str:
    """What Python prints with these arguments, offline; ends the benchmark where it fails."""
    command: Sequence[str] = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **OFFLINE}, capture_output=True, text=True, check=False, timeout=timeout
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
