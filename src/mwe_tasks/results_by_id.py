"""Results of lm-evaluation-harness on a dataset that was exported to it, whose samples carry our rows, to readings."""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

from mwe_tasks.errors import MweError
from mwe_tasks.families import Family, Member
from mwe_tasks.foreign_results import Answered, Results, by_hand, find_member, refuse_two_of_one
from mwe_tasks.formats.lm_eval_results import Samples, folder_of, read
from mwe_tasks.prompts import render
from mwe_tasks.readers import Dataset, read_rows
from mwe_tasks.rows import Row, checksum, find_labels, in_order, json_lines
from mwe_tasks.scoring import Reading
from mwe_tasks.sources import known_datasets, lm_eval_task, split_files


def read_results(files: Sequence[Path], family: Family, dataset: str | None, model: str | None) -> list[Results]:
    """The results in files of samples, each of the member that --model, the results beside it or its folder names.

    Raises MweError and BadRows where a file cannot be read, names no member, has rows that the dataset does not have,
    or prompts that completion style with template 0 does not put.
    """
    samples = {file: read(file) for file in files}
    members = {file: _member_of(samples[file], family, model, file) for file in files}
    refuse_two_of_one(members)
    return [_of_samples(samples[file], file, family.name, member, dataset) for file, member in members.items()]


def _member_of(samples: Samples, family: Family, model: str | None, file: Path) -> Member:
    """By --model, else by the name in the results beside the samples, else by the folder."""
    if model is not None:
        return find_member(family, model, by_hand, "--model")
    if samples.run.model is not None:
        return find_member(family, samples.run.model, lambda member: [on_hub(member)], f"What lies beside {file}")
    return find_member(family, samples.folder, lambda member: [folder_of(on_hub(member))], f"The folder of {file}")


def on_hub(member: Member) -> str:
    """A member's name without the provider."""
    return member.name.partition("/")[2]


def _of_samples(samples: Samples, file: Path, family: str, member: Member, dataset: str | None) -> Results:
    rows = in_order(each.row for each in samples.asked)
    data = _as_asked(samples, rows) if dataset is None else read_rows(dataset)
    refuse_other_rows(samples, data, file)
    asked = {each.row.id: each for each in samples.asked}
    first, second = data.labels
    answered = []
    for row in rows:
        logprob = {label: asked[row.id].logprob[label] for label in data.labels}
        logodds = logprob[first] - logprob[second]
        reading = Reading(
            prompt=asked[row.id].prompt,
            estimator="exact",
            spellings="canonical",
            text=None,
            logprob=logprob,
            low=logodds,
            high=logodds,
            canonical=logodds,
            coverage=math.exp(logprob[first]) + math.exp(logprob[second]),
        )
        answered.append(Answered(row.model_dump(), reading))
    return Results(
        file=file,
        format="lm-eval",
        family=family,
        member=member,
        dataset=data.name,
        where=data.where,
        split=data.split,
        checksum=data.checksum,
        labels=data.labels,
        in_dataset=samples.run.questions or len(data.rows),
        answered=tuple(answered),
        template=0,
        date=samples.run.date,
        settings={**samples.run.settings, "task": samples.task},
    )


def _as_asked(samples: Samples, rows: Sequence[Row]) -> Dataset:
    """The dataset that samples are of, by the rows in them: one that is shipped where the checksum says so."""
    found = samples.run.checksum or hashlib.sha256(json_lines(rows)).hexdigest()
    for name, folder in known_datasets().items():
        for split, paths in split_files(folder).items():
            if samples.task in (lm_eval_task(name), lm_eval_task(name, with_truth=False)) and found in map(
                checksum, paths
            ):
                return read_rows(name, split)
    name = samples.task.removeprefix("mwe_").removesuffix("_matching")
    return Dataset(tuple(rows), name, "test", found, find_labels(rows), f"lm-eval:{samples.task}")


def refuse_other_rows(samples: Samples, data: Dataset, file: Path) -> None:
    """Raises MweError where samples are of rows that the dataset does not have, or were put in another way."""
    rows = {row.id: row for row in data.rows}
    asked = samples.asked
    if unknown := [each.row.id for each in asked if each.row.id not in rows]:
        raise MweError(
            f"{data.name} has no row {unknown[0]}: {len(unknown)} of {len(asked)} rows of {file} are not in it."
        )
    if differ := sum(each.row != rows[each.row.id] for each in asked):
        raise MweError(f"{differ} of {len(asked)} rows of {file} are not as in {data.name}: it is of another version.")
    if samples.run.checksum not in (None, data.checksum):
        raise MweError(f"{file} is of another version of {data.name}, with the checksum {samples.run.checksum[:12]}.")
    if any({each.row.matching, each.row.not_matching} != set(data.labels) for each in asked):
        raise MweError(f"{file} has rows with other labels than {' and '.join(data.labels)}: a dataset has two.")
    ours = (render(each.row.question, labels=data.labels, style="completion", template=0)[0].text for each in asked)
    if differ := sum(text != each.prompt for text, each in zip(ours, asked, strict=True)):
        raise MweError(
            f"{differ} of {len(asked)} prompts in {file} are not those of completion style, template 0: run lm-eval "
            "without a chat template, a system instruction and solved examples."
        )
