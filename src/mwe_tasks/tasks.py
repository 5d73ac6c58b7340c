"""The task that scores a model on Yes/No questions."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample

from mwe_tasks.asking import ask
from mwe_tasks.errors import MweError, UnknownName
from mwe_tasks.prompts import FRAMES, TEMPLATES, Shot, find_template, frame_question, stances
from mwe_tasks.readers import Dataset, read_rows
from mwe_tasks.rows import Row
from mwe_tasks.scorers import scorers

VERSION = "1-A"
SHOT_COUNTS = (0, 2, 4, 8)
MIN_DRAWS = 20


@task
def yesno(
    dataset: str = "",
    *,
    split: str = "test",
    style: str | None = None,
    template: int = 0,
    frame: str = "plain",
    shots: int = 0,
    shot_seed: int = 0,
    draws: int = MIN_DRAWS,
) -> Task:
    """Scores a model's answers to a dataset of Yes/No questions by log odds and accuracy.

    Args:
        dataset: A name in datasets/, a dataset folder, a JSONL, CSV or Parquet file, or hf:ORG/NAME@REVISION.
        split: The split to ask: test, contested.
        style: chat or completion; chosen from the model where unset.
        template: One of the three templates of the style, counted from 0.
        frame: What stands around the question: plain, opinion, authority. The last two put it four ways.
        shots: How many solved examples come first: 0, 2, 4, 8.
        shot_seed: Orders the solved examples.
        draws: How many answers are drawn from a model without log probabilities, 20 or more.
    """
    dataset = str(dataset)  # -T dataset=123 arrives as a number
    if not dataset:
        raise MweError("Name a dataset: -T dataset=NAME, a file, a folder, or hf:ORG/NAME@REVISION.")
    check_arguments(style=style, template=template, frame=frame, shots=shots, shot_seed=shot_seed, draws=draws)
    if shots and split == "shots":
        raise MweError("Questions of the split shots cannot be asked after themselves: leave out -T shots=.")
    return scored_task(
        read_rows(dataset, split),
        style=style,
        template=template,
        frame=frame,
        shots=pick_shots(dataset, shots, seed=shot_seed),
        shot_seed=shot_seed,
        draws=draws,
    )


def scored_task(
    data: Dataset,
    *,
    style: str | None,
    template: int,
    frame: str,
    draws: int,
    shots: Sequence[Shot] = (),
    shot_seed: int = 0,
    imported: Mapping[str, object] | None = None,
) -> Task:
    """The task that scores a model on rows that were read; the other arguments are those of `mwe_tasks/yesno`.

    `imported` says in the log what a foreign file held that the rows do not. Raises MweError for a frame that does not
    speak of the dataset's labels.
    """
    frame_question("", stances(frame)[-1], frame=frame, labels=data.labels, matching=data.labels[0])
    return Task(
        dataset=MemoryDataset([as_sample(row) for row in data.rows], name=data.name, location=data.where),
        solver=ask(
            labels=data.labels,
            style=style,  # type: ignore[arg-type]  # checked above
            template=template,
            frame=frame,
            shots=list(shots),
            draws=draws,
        ),
        scorer=scorers(data, framed=FRAMES[frame] is not None),
        headline_metric="logodds_matching",
        version=VERSION,
        metadata={
            "mwe": {
                **facts_of(data, template=template, frame=frame, shots=len(shots), shot_seed=shot_seed, draws=draws),
                **({} if imported is None else {"imported": dict(imported)}),
            }
        },
    )


def facts_of(
    data: Dataset, *, template: int, frame: str, shots: int, shot_seed: int, draws: int
) -> dict[str, str | int | list[str]]:
    """What a log says of the questions and of how they were put, whichever the model."""
    return {
        "dataset": data.name,
        "where": data.where,
        "split": data.split,
        "checksum": data.checksum,
        "labels": list(data.labels),
        "template": template,
        "frame": frame,
        "shots": shots,
        "shot_seed": shot_seed,
        "draws": draws,
        "prompts": prompts_hash(),
    }


def check_arguments(*, style: str | None, template: int, frame: str, shots: int, shot_seed: int, draws: int) -> None:
    """Raises MweError for an argument that no task takes, before anything is loaded."""
    for name, number in (("template", template), ("shots", shots), ("shot_seed", shot_seed), ("draws", draws)):
        if isinstance(number, bool) or not isinstance(number, int):
            raise MweError(f"-T {name}= takes a whole number, not {number!r}.")
    for each in (style,) if style is not None else tuple(TEMPLATES):
        find_template(each, template)
    stances(frame)
    if shots not in SHOT_COUNTS:
        raise UnknownName("number of shots", shots, known=SHOT_COUNTS)
    if draws < MIN_DRAWS:
        raise MweError(f"{draws} draws are too few to estimate a share: take {MIN_DRAWS} or more.")


def prompts_hash() -> str:
    """The first 16 hex digits of the sha256 of every template and frame: two logs with one hash share them."""
    return hashlib.sha256(repr((TEMPLATES, FRAMES)).encode()).hexdigest()[:16]


def as_sample(row: Row) -> Sample:
    """A row as Inspect's sample; the solver renders the prompt, which depends on the model."""
    return Sample(
        id=row.id,
        input=row.question,
        target=row.truth or row.matching,
        metadata={"row": row.model_dump(), "fact": row.fact, "topic": row.topic, "control": row.control},
    )


def pick_shots(dataset: str, count: int, *, seed: int) -> list[Shot]:
    """Solved examples from the dataset's split `shots`, truth crossed with the matching answer, in seeded order.

    One question a fact; as many of either truth and, within each truth, as many behaviour as control facts
    as the count allows. Raises MweError where the split is missing or too small.
    """
    if count == 0:
        return []
    if Path(dataset).is_file():
        raise MweError(f"{dataset} is one file, and solved examples stand in another: name a folder with both.")
    data = read_rows(dataset, "shots")
    rows, labels = sorted(data.rows, key=lambda row: row.id), data.labels
    cells = {(True, 0): 0, (False, 1): 0, (True, 1): 0, (False, 0): 0}
    wanted = [list(cells)[number % 4] for number in range(count)]
    used: set[str] = set()
    picked: list[Shot] = []
    for control, label in wanted:
        row = next(
            (r for r in rows if r.fact not in used and r.control is control and r.truth == labels[label]),
            None,
        )
        if row is None or row.truth is None:
            raise MweError(f"{dataset} has too few solved examples for {count} shots: use fewer.")
        used.add(row.fact)
        picked.append(Shot(row.question, row.truth))
    random.Random(f"shots/{seed}").shuffle(picked)
    return picked
