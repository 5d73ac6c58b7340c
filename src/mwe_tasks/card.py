"""The card of a dataset: README.md of its folder, and the figure in it, from the folder's files alone.

What no file of data can tell stands in `sources/about.md`: front matter (license, language, tags ...), and sections,
each put before what is generated under the same heading; those of other headings stand before the limits.
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mwe_tasks.card_figure import draw_balance, drawing, drawn_of
from mwe_tasks.card_sections import (
    SPLITS,
    how_it_came_to_be,
    how_to_run,
    licence_text,
    quality_text,
    size_in_words,
    what_a_row_is,
    what_is_measured,
)
from mwe_tasks.errors import MweError
from mwe_tasks.findings import Report
from mwe_tasks.fitness import FIRST_VERSION, read_manifest
from mwe_tasks.form import is_english
from mwe_tasks.likeness import drawn
from mwe_tasks.quality import check
from mwe_tasks.readers import Dataset, read_splits
from mwe_tasks.rows import Row
from mwe_tasks.sources import split_files

ABOUT = "sources/about.md"
MARK = "<!-- Written by `mwe card` from the files beside it. To say more: sources/about.md, then `mwe card` again. -->"
FIGURE, ALT = "card.png", "Questions by matching answer and arm, and facts by topic and arm"
WRITERS = {"generators", "written_by"}
"""A manifest with one of these keys is of questions that were written here."""
READERS = ("readers", "read_by")
"""A manifest with one of these, and somebody in it, is of labels that were read here."""
MOST_ENGLISH = 0.95
"""Share of the questions, from which their language is English."""
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
LEAD, MEASURED, RUN, ROW = "", "What is measured, and what is not", "How to run it", "What a row is"
WRITTEN, QUALITY, LIMITS, LICENCE = "How it came to be", "Quality", "Limits", "Licence and citation"


class About(NamedTuple):
    """What the people who made a dataset say of it themselves."""

    front: Mapping[str, Any]
    sections: Mapping[str, str]
    """By heading; "" is what stands before the first."""
    tags: Sequence[str]


def write_card(
    folder: Path,
    report: Report | None = None,
    splits: Mapping[str, Dataset] | None = None,
    *,
    replace: bool = False,
) -> bool:
    """Writes README.md and card.png of a dataset folder; gives whether anything changed.

    `report` is the check of the test split where that is there already, and `splits` are the folder's where they have
    been read. Raises MweError as `card_of` does, where the card cannot be written, and where it would take the place of
    one in other words, unless `replace`.
    """
    splits = read_splits(folder) if splits is None else splits
    text = card_of(folder, report, splits)
    path = folder / "README.md"
    try:
        old = path.read_text(encoding="utf-8") if path.is_file() else None
        if old is not None and MARK not in old and not replace:
            raise MweError(
                f"{path} was not written by `mwe card`: move what it says to {folder / ABOUT}, or give --replace."
            )
        drawn = draw_balance(splits["test"], folder / FIGURE)
        if old == text:
            return drawn
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise MweError(f"{error.filename or path} cannot be written: {error.strerror or error}.") from None
    return True


def check_card(folder: Path, report: Report) -> str | None:
    """The card that stands in a folder where `mwe card` wrote it; None where somebody else did.

    Raises MweError where that is not what the folder's files give.
    """
    text = (folder / "README.md").read_text(encoding="utf-8")
    if MARK not in text:
        return None
    splits = read_splits(folder)
    if text != card_of(folder, report, splits) or drawn_of(folder / FIGURE) != drawing(splits["test"]):
        raise MweError(f"The card in {folder} is not what its files give: `mwe card {folder}` writes it anew.")
    return text


def card_of(folder: Path, report: Report | None, splits: Mapping[str, Dataset]) -> str:
    """The card that a folder's files give; raises MweError where one of them cannot be read."""
    files = split_files(folder)
    order = sorted(files, key=lambda split: (SPLITS.index(split) if split in SPLITS else len(SPLITS), split))
    if "test" not in splits:
        raise MweError(f"{folder} has no split test, which a card is about.")
    manifest, about = read_manifest(folder), read_about(folder / ABOUT)
    try:
        return card(
            folder_name=folder.resolve().name,
            files={split: f"data/{files[split][0].name}" for split in order},
            splits=splits,
            report=report or check(splits["test"]),
            manifest=manifest,
            about=about,
            runs_alone=(folder / "eval.yaml").is_file(),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MweError(
            f"{folder / 'manifest.json'} is not as `mwe build` writes it ({error!r}): build it anew."
        ) from None


def read_about(path: Path) -> About:
    """The front matter and sections of `sources/about.md`, none where it is missing; raises MweError for bad YAML."""
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        head, body = text[4:].split("\n---\n", 1) if text.startswith("---\n") else ("", text)
        front = yaml.safe_load(head) or {}
    except (OSError, ValueError, yaml.YAMLError):
        front, body = None, ""
    if not isinstance(front, dict):
        raise MweError(f"The front matter of {path} cannot be read: expected YAML between two lines of ---.")
    tags = front.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise MweError(f"The tags of {path} cannot be read: expected a list, as in tags: [tea, coffee].")
    lead, *parts = f"\n{body}".split("\n## ")
    sections = {LEAD: lead.strip()}
    for heading, _, text in (part.partition("\n") for part in parts):
        if heading.strip() in sections:
            raise MweError(f"{path} has two sections {heading.strip()!r}: make them one.")
        sections[heading.strip()] = text.strip()
    return About(front, sections, tags)


def card(
    *,
    folder_name: str,
    files: Mapping[str, str],
    splits: Mapping[str, Dataset],
    report: Report,
    manifest: Mapping[str, Any],
    about: About,
    runs_alone: bool,
) -> str:
    """The text of a card. `files` gives each split's file in the folder; `runs_alone`: there is an eval.yaml."""
    rows = splits["test"].rows
    name, version = manifest.get("behaviour", folder_name), manifest.get("version", FIRST_VERSION)
    ours, read = bool(WRITERS & manifest.keys()), any(manifest.get(key) for key in READERS)
    kind = ["yes-no"] if splits["test"].labels == ("Yes", "No") else []
    front: dict[str, Any] = {
        "pretty_name": name,
        "license": "unknown",
        "language": ["en"] if in_english(rows) else None,
        "task_categories": ["question-answering", "text-classification"],
        "size_categories": [size_of(sum(len(each.rows) for each in splits.values()))],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": file} for split, file in files.items()],
            }
        ],
        **about.front,
        "tags": ["evaluation", *kind, "log-odds", "inspect-ai", *about.tags],
    }
    front = {key: value for key, value in front.items() if value is not None}
    sections = {
        LEAD: "\n\n".join(filter(None, (manifest.get("description"), size_in_words(rows)))),
        MEASURED: f"{what_is_measured(rows, ours=ours, read=read)}\n\n![{ALT}]({FIGURE})",
        RUN: how_to_run(name, version, alone=runs_alone, with_truth=all(row.truth is not None for row in rows)),
        ROW: what_a_row_is(rows, ours=ours, read=read),
        WRITTEN: how_it_came_to_be(name, manifest),
        QUALITY: quality_text(report),
        LIMITS: "",
        LICENCE: licence_text(str(front["license"]), version, manifest, ours=ours),
    }
    own = {heading: text for heading, text in about.sections.items() if heading not in sections}
    limits = list(sections).index(LIMITS)
    order = [*list(sections)[:limits], *own, *list(sections)[limits:]]
    parts = [f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=110)}---", MARK, f"# {name}"]
    for heading in order:
        text = "\n\n".join(filter(None, (about.sections.get(heading), sections.get(heading))))
        if text:
            parts.append(f"## {heading}\n\n{text}" if heading else text)
    return "\n\n".join(parts) + "\n"


def in_english(rows: Sequence[Row]) -> bool | None:
    """Whether (nearly) all of a sample of the questions are English; None where py3langid is not installed."""
    if find_spec("py3langid") is None:
        return None
    questions = drawn(rows)
    return sum(map(is_english, questions)) >= MOST_ENGLISH * len(questions)


def size_of(count: int) -> str:
    """The Hub's word for a number of rows."""
    return next((size for most, size in SIZES if count < most), "100K<n<1M" if count < 1_000_000 else "n>1M")
