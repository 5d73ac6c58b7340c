"""What lm-evaluation-harness writes with `--log_samples` of a task that `mwe export --format lm-eval` made.

samples_TASK_DATE.jsonl    a line a question: our row, what was put, and ln P of each answer behind one space, nats
results_DATE.json          beside it: the model, its arguments, and the checksum of the exported dataset
"""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from mwe_tasks.errors import BadRows, MweError
from mwe_tasks.records import Record, read_records, shown
from mwe_tasks.rows import Row

NAME = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl")
ADAPTED = ("peft", "delta")
"""Arguments of lm-eval's models that load other weights on top of those that the name names."""


class Asked(NamedTuple):
    """One question: our row, the prompt, and ln P of each label behind one space, nats."""

    row: Row
    prompt: str
    logprob: dict[str, float]


class Run(NamedTuple):
    """What the file of results beside the samples says; None and 0 where there is none."""

    model: str | None = None
    """As lm-eval names it, and of a revision other than main MODEL@REVISION."""
    checksum: str | None = None
    """Of the dataset that was exported."""
    questions: int | None = None
    """How many that dataset has; with `--limit` fewer are asked."""
    date: float = 0.0
    """When the run began, in seconds since 1970."""
    settings: Mapping[str, Any] = {}


class Samples(NamedTuple):
    """A file of samples."""

    task: str
    folder: str
    """lm-eval names it after the model."""
    asked: list[Asked]
    run: Run


def read(path: Path) -> Samples:
    """The questions of a file of samples, and what its results say.

    Raises BadRows with every fault of it, and MweError where it is of another task or was made with adapted weights.
    """
    name = NAME.fullmatch(path.name)
    if name is None:
        raise MweError(f"{path} is not named as lm-eval names what it logs: expected samples_TASK_DATE.jsonl.")
    records = read_records(path)
    if not any(isinstance(doc := record.values.get("doc"), dict) and "id" in doc for record in records):
        raise MweError(
            f"{path} is of the task {name['task']}, whose questions carry no ids of ours: import samples of a task "
            "that `mwe export --format lm-eval` made."
        )
    faults: list[str] = []
    asked: list[Asked] = []
    seen: dict[str, str] = {}
    for record in records:
        found = _asked(record)
        if isinstance(found, str):
            faults.append(f"{record.place}, {found}")
        elif found.row.id in seen:
            faults.append(f"{record.place}, doc: expected each row once, found {found.row.id} at {seen[found.row.id]}")
        else:
            seen[found.row.id] = record.place
            asked.append(found)
    if faults:
        raise BadRows(str(path), faults)
    return Samples(name["task"], path.resolve().parent.name, asked, _run(path, name["task"], name["date"]))


def folder_of(model: str) -> str:
    """What lm-eval calls the folder of a model's files."""
    return re.sub(r"[\"<>:/|\\?*\[\]]+", "__", model)


def _asked(record: Record) -> Asked | str:
    """A line's question, or what is wrong with it."""
    values = record.values
    try:
        row = Row.model_validate(values.get("doc"))
    except ValidationError as error:
        return f"doc: expected a row of ours, found a fault in it: {error.errors(include_url=False)[0]['msg']}"
    requests, replies = values.get("arguments"), values.get("resps")
    if not isinstance(requests, dict) or not isinstance(replies, list) or len(requests) != 2 or len(replies) != 2:
        return "arguments: expected two requests and two replies of log likelihood"
    prompts: set[object] = set()
    logprob: dict[str, float] = {}
    for request, reply in zip(requests.values(), replies, strict=True):
        if not isinstance(request, dict) or request.get("arg_1") not in (f" {row.matching}", f" {row.not_matching}"):
            return f"arguments: expected the answers ' {row.matching}' and ' {row.not_matching}'"
        value = _log_likelihood(reply)
        if value is None:
            return f"resps: expected a finite log likelihood, 0 or less, found {shown(str(reply))}"
        prompts.add(request.get("arg_0"))
        logprob[str(request["arg_1"])[1:]] = value
    prompt = prompts.pop()
    if prompts or not isinstance(prompt, str) or len(logprob) != 2:
        return "arguments: expected one prompt with each of the two answers"
    return Asked(row, prompt, logprob)


def _log_likelihood(reply: object) -> float | None:
    """The log likelihood of a reply, [["-1.5", "False"]]; None where it is none."""
    try:
        value = float(reply[0][0])  # type: ignore[index]
    except (TypeError, ValueError, IndexError, KeyError):
        return None
    return value if math.isfinite(value) and value <= 0 else None


def _run(path: Path, task: str, date: str) -> Run:
    """What results_DATE.json says; raises MweError where it cannot be read, or names adapted weights."""
    file = path.with_name(f"results_{date}.json")
    if not file.is_file():
        return Run()
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        config, metadata = said["config"], said["configs"][task].get("metadata") or {}
        arguments = config.get("model_args") or {}
        if isinstance(arguments, str):  # as on the command line
            arguments = dict(each.split("=", 1) for each in arguments.split(",") if "=" in each)
        questions = said.get("n-samples", {}).get(task, {}).get("original")
        name, started = said["model_name"], float(said.get("date") or 0)
        revision = arguments.get("revision") or "main"
        adapted = [key for key in ADAPTED if arguments.get(key)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise MweError(f"{file} is no file of lm-eval's results for {task}: move it away, and give --model.") from None
    if adapted:
        raise MweError(f"{file} names {adapted[0]}={arguments[adapted[0]]}: adapted weights are no member of a family.")
    settings = {"model": config.get("model"), "model_args": arguments, "lm_eval": said.get("lm_eval_version")}
    model = str(name) if revision == "main" else f"{name}@{revision}"
    return Run(model, metadata.get("checksum"), questions, started, settings)
