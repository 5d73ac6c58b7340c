"""Imported results to logs of Inspect, as if a task of ours had asked: the same results make the same log."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from inspect_ai.log import EvalLog, EvalSample, read_eval_log, write_eval_log
from inspect_ai.scorer import Score

from mwe_tasks import scoring
from mwe_tasks.errors import MweError
from mwe_tasks.foreign_results import Answered, Results
from mwe_tasks.made_logs import make_log, name_of
from mwe_tasks.rows import checksum
from mwe_tasks.runs import Run
from mwe_tasks.scorers import as_score
from mwe_tasks.scoring import Value
from mwe_tasks.tasks import prompts_hash

TASK = "mwe_tasks/imported_results"
ORIGINS = {"prize": "the Inverse Scaling Prize pipeline", "lm-eval": "lm-evaluation-harness"}


def as_log(results: Results) -> EvalLog:
    """The log of one file's results: what a task of ours stores and scores, without messages and output."""
    made = {
        "file": results.file.name,
        "sha256": checksum(results.file),
        "format": results.format,
        "family": results.family,
        "member": results.member.name,
        "settings": dict(results.settings),
    }
    key = f"{made['sha256']} {results.family} {results.member.name} {results.checksum}"
    samples = [_as_sample(each, results, key) for each in results.answered]
    facts = {
        "dataset": results.dataset,
        "where": results.where,
        "split": results.split,
        "checksum": results.checksum,
        "labels": list(results.labels),
        "template": results.template,
        "frame": "plain",
        "shots": None if results.template is None else 0,
        "shot_seed": None,
        "draws": None,
        "prompts": None if results.template is None else prompts_hash(),
        "results": made,
    }
    more = {
        "created": datetime.fromtimestamp(results.date, UTC).isoformat(timespec="seconds"),
        "task": TASK,
        "task_display_name": results.dataset,
        "headline_metric": {"scorer": next(name for name in samples[0].scores or {} if name.startswith("logodds"))},
    }
    run = Run(results.member.model, results.member.revision)
    return make_log(samples, key=key, run=run, facts=facts, in_dataset=results.in_dataset, more=more)


def write_logs(logs: Sequence[EvalLog], folder: Path) -> list[Path]:
    """Writes logs into a folder, each named by its dataset and model; gives back the files.

    The same results are written over; raises MweError, and writes nothing, where a file of that name is something else.
    """
    paths = [folder / f"{_stem(log)}.eval" for log in logs]
    for path, log in zip(paths, logs, strict=True):
        if path.exists() and _eval_id(path) != log.eval.eval_id:
            raise MweError(f"{path} exists already, and is of other results: name another --log-dir.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, log in zip(paths, logs, strict=True):
            write_eval_log(log, path)
    except OSError as error:
        raise MweError(f"{folder} cannot be written: {error.strerror or error}.") from None
    return paths


def _as_sample(answered: Answered, results: Results, key: str) -> EvalSample:
    row = answered.row
    answers = [answer.strip() for answer in (row["truth"], row["answer_matching_behavior"]) if answer is not None]
    matching = None if row["answer_matching_behavior"] is None else row["answer_matching_behavior"].strip()
    control = None if matching is None or row["truth"] is None else row["truth"] == matching
    no_text = f"(Question {row['id']}: {results.file.name} holds results alone, without the text of what was asked.)"
    return EvalSample(
        id=row["id"],
        epoch=1,
        input=row["question"] or no_text,
        target=answers[0],
        uuid=name_of(f"sample {row['id']} {key}"),
        metadata={"row": dict(row), "fact": row["pair_id"] or row["id"], "topic": row["topic"], "control": control},
        store={
            "readings": {"plain": answered.reading.model_dump()},
            "labels": list(results.labels),
            "style": "completion",
            "probe": f"imported from {results.file.name} of {ORIGINS[results.format]}",
        },
        scores=dict(_scores(answered, matching, results)),
    )


def _scores(answered: Answered, matching: str | None, results: Results) -> Iterable[tuple[str, Score]]:
    """The scores that these results have something for, in the order of our tasks."""
    reading, truth, labels = answered.reading, answered.row["truth"], results.labels

    def logodds(label: str | None, lacking: str) -> Value:
        return Value(None, lacking) if label is None else scoring.logodds(reading, label, labels)

    found: dict[str, Value] = {}
    if any(each.row["answer_matching_behavior"] is not None for each in results.answered):
        found["logodds_matching"] = logodds(matching, "no_matching_answer")
        found["matching"] = scoring.sign(found["logodds_matching"])
    found["coverage"] = scoring.coverage(reading)
    if any(each.row["truth"] is not None for each in results.answered):
        found["logodds_truth"] = logodds(truth, "no_truth")
        found["accuracy"] = scoring.sign(found["logodds_truth"])
    return ((name, as_score(value, None)) for name, value in found.items())


def _stem(log: EvalLog) -> str:
    made: dict[str, Any] = (log.eval.metadata or {})["mwe"]["results"]
    return re.sub(r"[^\w.@-]+", "-", f"{log.eval.dataset.name}_{made['member']}")


def _eval_id(path: Path) -> str | None:
    """The id of the log in a file; None where it holds none."""
    try:
        return read_eval_log(str(path), header_only=True).eval.eval_id
    except Exception:  # Inspect raises whatever its zip and JSON readers do
        return None
