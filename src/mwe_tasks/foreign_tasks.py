"""The tasks that score a model on datasets of other projects, read where they stand."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from inspect_ai import Task, task

from mwe_tasks.errors import MweError, UnknownName
from mwe_tasks.exchange import Imported, as_dataset, import_rows
from mwe_tasks.sources import hub_errors
from mwe_tasks.tasks import MIN_DRAWS, check_arguments, scored_task

REPOSITORY = "Anthropic/model-written-evals"
NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*")
REVISION = re.compile(r"[A-Za-z0-9][\w./-]*")

logger = logging.getLogger(__name__)


@task
def anthropic_mwe(
    name: str = "",
    *,
    revision: str = "",
    path: str = "",
    labels: str | list[str] | None = None,
    style: str | None = None,
    template: int = 0,
    frame: str = "plain",
    draws: int = MIN_DRAWS,
) -> Task:
    """Scores a model on a file of Anthropic's model-written evals, from the Hub or from a checkout.

    Questions are asked in the words of `template`; those that stand around them in the file come off.

    Args:
        name: The file without its suffix, such as persona/agreeableness.
        revision: A commit or a tag of the Hub's repository, which can change: the log names the commit.
        path: A local checkout, instead of a revision.
        labels: The two labels to keep, as in he,she; the commonest pair where unset.
        style: chat or completion; chosen from the model where unset.
        template: One of the three templates of the style, counted from 0.
        frame: What stands around the question: plain, opinion, authority. The last two put it four ways.
        draws: How many answers are drawn from a model without log probabilities, 20 or more.
    """
    check_arguments(style=style, template=template, frame=frame, shots=0, shot_seed=0, draws=draws)
    name = str(name).removesuffix(".jsonl")
    if not NAME.fullmatch(name):
        raise MweError(f"{name!r} names no file of {REPOSITORY}: write it as in -T name=persona/agreeableness.")
    if bool(revision) == bool(path):
        raise MweError(
            f"Say where {name} stands: -T revision=COMMIT for {REPOSITORY} on the Hub, or -T path=FOLDER, a checkout."
        )
    file, where = in_checkout(Path(str(path)), name) if path else on_hub(name, str(revision))
    imported = import_rows(file, "anthropic", labels=as_labels(labels))
    data = as_dataset(imported, name=name.replace("/", "-"), where=where)
    return scored_task(data, style=style, template=template, frame=frame, draws=draws, imported=told(imported))


@task
def inverse_scaling(
    file: str = "",
    *,
    labels: str | list[str] | None = None,
    style: str | None = None,
    template: int = 0,
    frame: str = "plain",
    draws: int = MIN_DRAWS,
) -> Task:
    """Scores a model on a file of the Inverse Scaling Prize: classification, or logodds with a control prompt.

    Questions are asked in the words of `template`, and not in the file's own prompts.

    Args:
        file: The CSV file.
        labels: The two classes to keep, as in yes,no; the commonest pair where unset.
        style: chat or completion; chosen from the model where unset.
        template: One of the three templates of the style, counted from 0.
        frame: What stands around the question: plain, opinion, authority. The last two put it four ways.
        draws: How many answers are drawn from a model without log probabilities, 20 or more.
    """
    check_arguments(style=style, template=template, frame=frame, shots=0, shot_seed=0, draws=draws)
    if not file:
        raise MweError("Name a file: -T file=FILE.csv, with the columns prompt, classes and answer_index.")
    source = Path(str(file))
    imported = import_rows(source, "inverse-scaling", labels=as_labels(labels))
    data = as_dataset(imported, name=source.stem, where=f"inverse-scaling:{file}")
    return scored_task(data, style=style, template=template, frame=frame, draws=draws, imported=told(imported))


def in_checkout(folder: Path, name: str) -> tuple[Path, str]:
    """A file of a checkout and what the log calls it; raises MweError where there is none, naming its neighbours."""
    file = folder / f"{name}.jsonl"
    if not folder.is_dir():
        raise MweError(f"There is no folder {folder}: give the checkout that holds {name}.jsonl.")
    if not file.is_file():
        raise UnknownName(f"file of {folder}", name, known=beside(folder, file))
    return file, f"anthropic:{file}"


def beside(folder: Path, file: Path) -> list[str]:
    """The names that there are in the file's folder or, where that is none, in all folders."""
    found = sorted(file.parent.glob("*.jsonl")) or sorted(folder.rglob("*.jsonl"))
    return [each.relative_to(folder).with_suffix("").as_posix() for each in found]


def on_hub(name: str, revision: str) -> tuple[Path, str]:
    """A file of a revision, fetched or from the cache, and its place with the commit; raises MweError."""
    from huggingface_hub import HfApi, snapshot_download

    if not REVISION.fullmatch(revision):
        raise MweError(f"{revision!r} is no revision: name a commit or a tag of {REPOSITORY}.")
    wanted = f"{name}.jsonl"
    with hub_errors(f"hf:{REPOSITORY}@{revision}", REPOSITORY, revision):
        folder = Path(snapshot_download(REPOSITORY, repo_type="dataset", revision=revision, allow_patterns=[wanted]))
        if not (folder / wanted).is_file():
            listed = HfApi().list_repo_files(REPOSITORY, repo_type="dataset", revision=revision)
            known = sorted(each.removesuffix(".jsonl") for each in listed if each.endswith(".jsonl"))
            near = [each for each in known if each.partition("/")[0] == name.partition("/")[0]]
            raise UnknownName(f"file of {REPOSITORY}", name, known=near or known)
    # A snapshot's folder is named by its commit, which stays where a tag or a branch may move.
    return folder / wanted, f"hf:{REPOSITORY}@{folder.name}/{wanted}"


def as_labels(labels: str | Sequence[str] | None) -> list[str] | None:
    """-T labels=he,she arrives as a list, and in quotes as text."""
    if labels is None:
        return None
    return labels.split(",") if isinstance(labels, str) else [str(label) for label in labels]


def told(imported: Imported) -> dict[str, object]:
    """What the log says of records that are no rows, which are also warned of."""
    if imported.left_out:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in imported.reasons.items())
        logger.warning("%d records are no rows and are not asked: %s", len(imported.left_out), reasons)
    return {"left_out": imported.reasons, "notes": list(imported.notes)}
