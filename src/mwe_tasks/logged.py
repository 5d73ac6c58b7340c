"""What a log folder holds already: the logs that need not be made again, and those that fit with no others."""

import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log

from mwe_tasks.errors import MweError
from mwe_tasks.plan import STAMP
from mwe_tasks.runs import Run

JOINED = ("split", "checksum", "labels", "template", "frame", "shots", "shot_seed", "draws", "prompts")
"""What logs of one dataset in one folder have in common."""


class Asked(NamedTuple):
    """What every model is asked, whichever it is."""

    log_dir: Path
    questions: int
    """How many of the dataset's, from its first on."""
    plan: str | None
    """The sha256 of the plan that this run follows."""
    options: Mapping[str, Any]
    """More arguments of eval_set."""
    text: bool = True
    """Whether local models write an answer too, beside the log probabilities of the labels."""


def make_log_dir(folder: Path) -> None:
    """Makes a folder of logs where there is none; raises MweError where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise MweError(f"--log-dir {folder} cannot be written ({error.strerror}): name another.") from None


def read_headers(folder: Path) -> list[EvalLog]:
    """The heads of the logs in a folder; raises MweError for one that cannot be read."""
    found: list[EvalLog] = []
    for info in list_eval_logs(str(folder)) if folder.is_dir() else []:
        path = unquote(info.name.removeprefix("file://"))
        try:
            found.append(read_eval_log(path, header_only=True))
        except Exception:  # Inspect raises whatever its zip and JSON readers do
            raise MweError(
                f"{path} is no Inspect log, or was cut short: remove it, or name another --log-dir."
            ) from None
    return found


def refuse_others(headers: Sequence[EvalLog], ours: Mapping[str, Any], runs: Sequence[Run], asked: Asked) -> None:
    """Raises MweError where a finished log could stand in no table with those that are to be made."""
    for header in headers:
        metadata = header.eval.metadata or {}
        theirs = metadata.get("mwe", {})
        if header.status != "success" or theirs.get("dataset") != ours["dataset"]:
            continue
        name = Path(unquote(header.location)).name
        advice = f"({name}): name another --log-dir"
        for key in JOINED:
            if theirs.get(key) != ours[key]:
                raise MweError(
                    f"{asked.log_dir} holds a log of {ours['dataset']} with {key} {theirs.get(key)}, and {key} is now "
                    f"{ours[key]} {advice}."
                )
        if metadata.get(STAMP) != asked.plan:
            before, now = (f"plan {each[:12]}" if each else "no plan" for each in (metadata.get(STAMP), asked.plan))
            raise MweError(
                f"{asked.log_dir} holds a log that was made under {before}, and there is now {now} {advice}."
            )
        if asked.text and not metadata.get("text", True):
            raise MweError(f"{asked.log_dir} holds a log that was made without texts {advice}, or --no-text again.")
        if (count := answered_questions(header)) > asked.questions:
            raise MweError(
                f"{asked.log_dir} holds a log of {count} questions, and only {asked.questions} are asked now {advice}, "
                "or a --limit as large."
            )
        run = next((run for run in runs if is_of(header, run)), None)
        if run is not None and count < asked.questions and not asked.text and metadata.get("text", True):
            raise MweError(
                f"{asked.log_dir} holds a log of {run.name} with texts to {count} questions, which a log without would "
                f"stand for {advice}, or leave --no-text out."
            )
        if run is not None and (style := header.eval.task_args.get("style")) != run.style:
            before, now = (each or "left to the model" for each in (style, run.style))
            raise MweError(f"{asked.log_dir} holds a log of {run.name} with style {before}, now {now} {advice}.")
        if run is not None and header.eval.model_args != run.model_args:
            before, now = (in_words(each) for each in (header.eval.model_args, run.model_args))
            raise MweError(f"{asked.log_dir} holds a log of {run.name} with {before}, now {now} {advice}.")


def in_words(arguments: Mapping[str, object]) -> str:
    """A model's options as they are typed."""
    return " ".join(f"-M {name}={value}" for name, value in sorted(arguments.items())) or "no -M"


def finished_log(headers: Sequence[EvalLog], run: Run, dataset: str, questions: int) -> EvalLog | None:
    """The newest log of a model that has answers to so many questions of the dataset; None where there is none."""
    found = [
        header
        for header in headers
        if is_of(header, run)
        and (header.eval.metadata or {}).get("mwe", {}).get("dataset") == dataset
        and header.status == "success"
        and not header.invalidated
        and answered_questions(header) >= questions
    ]
    return max(found, key=lambda header: header.eval.created, default=None)


def is_of(header: EvalLog, run: Run) -> bool:
    """Whether a log is of this model and checkpoint."""
    return header.eval.model == run.model and header.eval.model_args.get("revision") == run.revision


def answered_questions(header: EvalLog) -> int:
    """How many questions a log has a result for."""
    return header.results.completed_samples if header.results else 0


def without_logodds(header: EvalLog) -> int:
    """How many questions a log has no log odds for: prompts that were too long, labels that no list names, and such."""
    scores = header.results.scores if header.results else []
    return next((each.unscored_samples or 0 for each in scores if each.name == "logodds_matching"), 0)
