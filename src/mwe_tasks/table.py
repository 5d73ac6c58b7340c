"""Logs to one table: a row for each question that each model was asked."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd
from inspect_ai.log import EvalLog, EvalSample, list_eval_logs, read_eval_log

from mwe_tasks.errors import MweError
from mwe_tasks.plan import STAMP
from mwe_tasks.rows import checksum
from mwe_tasks.sources import known_datasets, locate

SCORES = ("logodds_truth", "logodds_matching", "accuracy", "matching", "coverage", "answered", "shift")


def load(logs: str | Path | Sequence[str | Path]) -> pd.DataFrame:
    """The questions and scores of one or more logs, one row a question.

    Columns: log, model, revision (of a training checkpoint, else None), plan (the sha256 of the plan that it was scored
    under, else None), dataset, split, checksum, style, estimator, id, fact, topic, control, truth,
    matching_answer, first_label, second_label, question, the scores of each scorer (floats, NaN where unscored),
    missing and missing_shift (why log odds and shift are), censored, shift_censored and coverage_censored (whether
    log odds, shift or coverage are a bound), logodds_first
    (the first label against the second) with the interval that it lies in (logodds_first_low, logodds_first_high:
    equal where it is known, infinite on an open side), the interval for each stance asked (logodds_first_STANCE_low,
    logodds_first_STANCE_high), and how the question was asked and read: template, frame, shots,
    shot_seed (None without shots), prompts (the hash of every template and frame), draws, probe,
    spellings (what counts as a label: all of its spellings, or the canonical one alone, as in imported results),
    tolerance, quantised, dtype (in which a model of transformers was run, else None), canonical, text, missing_answer,
    unread_draws, has_twin, where, and of the whole log failed (questions that ended in an error) and in_dataset (how
    many there are). Log odds are in nats.

    Unfinished and foreign logs in a folder are left out with a warning, and so is told a log of another version of its
    dataset than the one here. Raises MweError for a log that is named
    and missing, unfinished or not of this package, and where two logs differ in dataset version, split, estimator or
    spellings.
    """
    runs, left_out = read_runs([logs] if isinstance(logs, str | Path) else logs)
    for reason in [*left_out, *filter(None, map(another_version, runs))]:
        warnings.warn(reason, stacklevel=2)
    table = pd.concat(runs, ignore_index=True)
    if len(estimators := table["estimator"].unique()) > 1:
        raise MweError(f"These logs hold scores of {' and '.join(estimators)}, which are no one table: load one kind.")
    if table["spellings"].nunique() > 1:
        alone = ", ".join(sorted(table.loc[table["spellings"] == "canonical", "model"].unique()))
        raise MweError(
            f'Some of these logs count a label in all its spellings, and those of {alone} the canonical one (" Yes") '
            "alone, which are no one table: load one kind."
        )
    if len(set(names := [run["log"].iloc[0] for run in runs])) < len(names):
        raise MweError("The same log is named twice: name it once.")
    for column in ("checksum", "split"):
        for dataset, values in table.groupby("dataset")[column].unique().items():
            if len(values) > 1:
                raise MweError(
                    f"These logs of {dataset} differ in {column} ({', '.join(map(str, values))}), so their scores are "
                    "no one table: load them one at a time."
                )
    return table


def read_runs(logs: Iterable[str | Path]) -> tuple[list[pd.DataFrame], list[str]]:
    """One table a log, and a sentence for each log of a folder that has none.

    Raises MweError where a log that was named has none, and where nothing is left.
    """
    runs: list[pd.DataFrame] = []
    left_out: list[str] = []
    for log in logs:
        path = Path(log)
        if path.is_dir():
            for inside in _inside(path):
                try:
                    runs.append(_one(inside))
                except MweError as error:
                    left_out.append(error.message)
        elif path.is_file():
            runs.append(_one(str(path)))
        else:
            raise MweError(f"There is no log {path}: `inspect eval` prints where it wrote one.")
    if not runs:
        raise MweError(f"There is no finished log: {' '.join(left_out[:3])}")
    return runs, left_out


def another_version(run: pd.DataFrame, dataset: str | None = None) -> str | None:
    """Says so where a run was made with other rows than a dataset has now, by default the one that its log names.

    None where they are the same, and where that dataset is not on this machine. Raises MweError for a dataset that is
    named and cannot be read.
    """
    head = run.iloc[0]
    name, split, where = dataset, str(head["split"]), str(head["where"])
    if name is None:
        known = where.startswith("datasets/") and head["dataset"] in known_datasets()
        name = str(head["dataset"]) if known else where if Path(where).is_file() else None
    if name is None:
        return None
    try:
        now = checksum(locate(name, split).path)
    except MweError:
        if dataset is not None:
            raise
        return f"The split {split} of the log's dataset is not in {name} here."
    if head["checksum"] == now:
        return None
    return f"The log's dataset has checksum {head['checksum'][:12]}, {name} here has {now[:12]}"


def _inside(folder: Path) -> list[str]:
    found = sorted(unquote(info.name.removeprefix("file://")) for info in list_eval_logs(str(folder)))
    if not found:
        raise MweError(f"{folder} holds no logs: run `inspect eval mwe_tasks/sycophantic_yesno --model ...`.")
    return found


def read_log(path: str) -> EvalLog:
    """A finished log of one of our tasks; raises MweError where it is something else."""
    try:
        log = read_eval_log(path)
    except Exception as error:  # Inspect raises whatever its zip and JSON readers do
        raise MweError(f"{path} is no Inspect log, or was cut short: {str(error)[:200]}") from None
    if "mwe" not in (log.eval.metadata or {}):
        raise MweError(f"{path} is a log of {log.eval.task}, not of a Yes/No task of mwe_tasks.")
    if log.status != "success":
        reason = f": {log.error.message[:200].rstrip('.')}" if log.error else ""
        how = "is still running, or was killed" if log.status == "started" else f"ended with status {log.status}"
        raise MweError(f"{path} is a log of a run that {how}{reason}.")
    return log


def _one(path: str) -> pd.DataFrame:
    log = read_log(path)
    facts: dict[str, Any] = (log.eval.metadata or {})["mwe"]
    common = {
        "log": path,
        "model": log.eval.model,
        "revision": log.eval.model_args.get("revision"),
        "plan": (log.eval.metadata or {}).get(STAMP),
        "dataset": facts["dataset"],
        "split": facts["split"],
        "checksum": facts["checksum"],
        "template": facts["template"],
        "frame": facts["frame"],
        "shots": facts["shots"],
        "shot_seed": facts.get("shot_seed") if facts["shots"] else None,
        "prompts": facts.get("prompts"),
        "draws": facts.get("draws"),
        "where": facts["where"],
    }
    samples = log.samples or []
    asked = [sample for sample in samples if sample.scores and "readings" in sample.store]
    common |= {"failed": len(samples) - len(asked), "in_dataset": log.eval.dataset.samples}
    rows = [{**common, **_question(sample)} for sample in asked]
    if not rows:
        raise MweError(f"{path} holds no scored questions.")
    table = pd.DataFrame(rows)
    if set(table["missing"]) == set(table["missing_answer"]) == {"no_response"}:
        raise MweError(f"{log.eval.model} gave an empty reply to each of {len(table)} questions in {path}.")
    return table


def _question(sample: EvalSample) -> dict[str, Any]:
    row = sample.metadata["row"]
    readings, facts = sample.store["readings"], sample.store.get("model_facts", {})
    plain = readings["plain"]
    scores = sample.scores or {}
    # Results that were imported may know the truth alone; the log odds of either answer are missing together.
    shown = scores["logodds_matching" if "logodds_matching" in scores else "logodds_truth"]
    matching = row["answer_matching_behavior"]
    low, high = _bounds(plain)
    values = {name: _number(scores[name].value) for name in SCORES if name in scores}

    def is_censored(name: str) -> bool:
        return name in scores and bool((scores[name].metadata or {}).get("censored", False))

    return {
        "style": sample.store["style"],
        "probe": sample.store["probe"],
        "estimator": plain["estimator"],
        "quantised": facts.get("quantised", None if facts.get("engine") == "server" else False),
        "dtype": facts.get("dtype"),
        "spellings": plain.get("spellings", "all"),
        "tolerance": plain["tolerance"],
        "id": row["id"],
        "fact": sample.metadata["fact"],
        "has_twin": row["pair_id"] is not None,
        "topic": row["topic"],
        "control": sample.metadata["control"],
        "truth": row["truth"],
        "matching_answer": None if matching is None else matching.strip(),
        "first_label": sample.store["labels"][0],
        "second_label": sample.store["labels"][1],
        "question": row["question"],
        "text": plain["text"],
        **values,
        "logodds_first": _nearest_zero(low, high),
        "logodds_first_low": low,
        "logodds_first_high": high,
        "canonical": plain["canonical"],
        "missing": shown.reason,
        "missing_shift": scores["shift"].reason if "shift" in scores else None,
        "missing_answer": scores["answered"].reason if "answered" in scores else None,
        "unread_draws": sum(plain.get("unread", {}).values()),
        "censored": bool((shown.metadata or {}).get("censored", False)),
        "shift_censored": is_censored("shift"),
        "coverage_censored": is_censored("coverage"),
        **{
            f"logodds_first_{stance}{end}": value
            for stance, reading in readings.items()
            if stance != "plain"
            for end, value in zip(("_low", "_high"), _bounds(reading), strict=True)
        },
    }


def _bounds(reading: dict[str, Any]) -> tuple[float, float]:
    """The interval that the log odds lie in: infinite on an open side, NaN where nothing is known."""
    low, high = reading["low"], reading["high"]
    if low is None and high is None:
        return float("nan"), float("nan")
    return float("-inf") if low is None else low, float("inf") if high is None else high


def _nearest_zero(low: float, high: float) -> float:
    """The number that an interval is, else its bound nearer to 0; NaN where 0 is inside or nothing is known."""
    if low == high or low > 0:
        return low
    return high if high < 0 else float("nan")


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
