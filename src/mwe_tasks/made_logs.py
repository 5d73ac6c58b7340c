"""Logs of Inspect that no eval wrote, through its public log API: the same results make the same log."""

import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from inspect_ai.log import EvalLog, EvalPlan, EvalSample, EvalSpec, EvalStats, recompute_metrics

from mwe_tasks.runs import Run
from mwe_tasks.scorers import METRICS_LOGGED
from mwe_tasks.tasks import VERSION


def make_log(
    samples: Sequence[EvalSample],
    *,
    key: str,
    run: Run,
    facts: Mapping[str, Any],
    in_dataset: int | None,
    more: Mapping[str, Any],
    plan: EvalPlan | None = None,
    stats: EvalStats | None = None,
) -> EvalLog:
    """The log of a finished task, with its metrics.

    `key` names the results, and all ids follow from it; `facts` stand in the metadata under "mwe"; `more` are further
    fields of the log's spec, among them created, task, task_display_name, headline_metric and metadata.
    """
    names = list(samples[0].scores or {})
    spec = {
        "eval_id": id_of(key),
        "run_id": name_of(f"run {key}"),
        "task_id": name_of(f"task {key}"),
        "task_version": VERSION,
        "dataset": {
            "name": facts["dataset"],
            "location": facts["where"],
            "samples": in_dataset,
            "sample_ids": [sample.id for sample in samples],
        },
        "model": run.model,
        "model_args": run.model_args,
        "config": {"epochs": 1},
        "packages": {"mwe-tasks": version("mwe-tasks")},
        "scorers": [{"name": name, "options": {}, "metrics": METRICS_LOGGED, "metadata": {}} for name in names],
        **more,
        "metadata": {"mwe": dict(facts), **more.get("metadata", {})},
    }
    log = EvalLog(
        status="success",
        eval=EvalSpec.model_validate(spec),
        samples=list(samples),
        plan=plan or EvalPlan(),
        stats=stats or EvalStats(),
    )
    recompute_metrics(log)
    return log


def id_of(key: str) -> str:
    """The eval id of the log of the results that have this key."""
    return name_of(f"eval {key}")


def name_of(text: str) -> str:
    """22 letters and digits, as many as Inspect's ids have, that follow from a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:22]
