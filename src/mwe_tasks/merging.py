"""The batches of a part to one log of Inspect, as the job's task would leave it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from inspect_ai.log import EvalLog, EvalPlan, EvalPlanStep, EvalSample, EvalStats
from inspect_ai.model import ModelUsage

from mwe_tasks.asking import read
from mwe_tasks.jobs import Opened
from mwe_tasks.made_logs import id_of, make_log, name_of
from mwe_tasks.parts import MODEL, Begun, Finished, Said
from mwe_tasks.plan import STAMP
from mwe_tasks.probing import ability_of, as_message
from mwe_tasks.rows import Row
from mwe_tasks.scorers import Asked, scores_of
from mwe_tasks.scoring import Reading, without_text
from mwe_tasks.tasks import as_sample
from mwe_tasks.translating import as_output

ENGINE = "bulk"


def merge(opened: Opened, begun: Begun, finished: Mapping[int, Finished]) -> EvalLog:
    """The log of a job all of whose batches are finished; the same batches make the same log.

    Its times are those at which the first batch began and the last one ended.
    """
    said = {
        (each.id, each.stance): each
        for batch in [*finished.values(), Finished("", "", begun.too_long)]
        for each in batch.said
    }
    samples = [_sample(row, opened, begun, said) for row in opened.rows]
    facts, job = opened.facts, opened.job
    began = min((batch.began for batch in finished.values()), default=begun.began)
    ended = max((batch.ended for batch in finished.values()), default=began)
    params: dict[str, Any] = {
        "labels": list(opened.data.labels),
        "style": job.run.style,
        "template": facts["template"],
        "frame": facts["frame"],
        "shots": [list(shot) for shot in opened.shots],
        "draws": facts["draws"],
    }
    return make_log(
        samples,
        key=begun.key,
        run=job.run,
        facts=facts,
        in_dataset=len(opened.data.rows),
        more={
            "created": datetime.fromisoformat(began).isoformat(timespec="seconds"),
            "task": job.task,
            "task_registry_name": job.task,
            "task_display_name": job.task.rpartition("/")[2],
            "task_args": job.all_arguments,
            "task_args_passed": {name: given for name, given in job.all_arguments.items() if name in job.arguments},
            "config": {"limit": job.questions, "epochs": 1},
            "headline_metric": {"scorer": "logodds_matching"},
            "metadata": {
                **({} if job.plan is None else {STAMP: job.plan}),
                "engine": begun.header.get("engine", ENGINE),
                **({} if job.text else {"text": False}),
            },
        },
        plan=EvalPlan(steps=[EvalPlanStep(solver="mwe_tasks/ask", params=params, params_passed=params)]),
        stats=EvalStats(started_at=began, completed_at=ended, model_usage={job.run.model: _usage(said.values())}),
    )


def is_log_of(begun: Begun, header: EvalLog) -> bool:
    """Whether a log was made of the part that says this of its job."""
    return header.eval.eval_id == id_of(begun.key)


def _sample(row: Row, opened: Opened, begun: Begun, said: Mapping[tuple[str, str], Said]) -> EvalSample:
    labels, model = opened.data.labels, opened.job.run.model
    style = begun.header["style"]
    ability = ability_of(labels, begun.header)
    turns = opened.turns(row, style)
    ours = {stance: said[row.id, stance] for stance in turns}
    outputs = {
        stance: as_output(model.partition("/")[2], each.tokens, each.given, ability.config)
        for stance, each in ours.items()
    }
    readings: dict[str, Reading] = {
        stance: read(turns[stance], [output], ability, labels) for stance, output in outputs.items()
    }
    for stance, each in ours.items():
        if each.labels is None and not each.texts:
            readings[stance] = readings[stance].model_copy(update={"missing": "prompt_too_long"})
    if not opened.job.text:
        readings = {stance: without_text(reading) for stance, reading in readings.items()}
    plain = outputs["plain"]
    messages = [*map(as_message, turns["plain"]), plain.choices[0].message]
    key = name_of(f"sample {row.id} {begun.key}")
    for number, message in enumerate(messages):
        message.id = f"{key}-{number}"
    sample = as_sample(row)
    return EvalSample(
        id=row.id,
        epoch=1,
        input=sample.input,
        target=sample.target,
        uuid=key,
        metadata=sample.metadata or {},
        messages=messages,
        output=plain,
        store={
            "readings": {stance: reading.model_dump() for stance, reading in readings.items()},
            "labels": list(labels),
            "style": style,
            "probe": ability.note,
            "model_facts": begun.header[MODEL],
        },
        scores=scores_of(Asked(row, list(labels), readings), opened.scores),
        model_usage={model: _usage(ours.values())},
    )


def _usage(said: Iterable[Said]) -> ModelUsage:
    read, written = 0, 0
    for each in said:
        read += each.tokens
        written += sum(text[1] for text in each.texts)
    return ModelUsage(input_tokens=read, output_tokens=written, total_tokens=read + written)
