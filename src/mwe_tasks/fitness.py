"""What may be published, under which name, and as which version."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mwe_tasks.errors import MweError, UnknownName
from mwe_tasks.findings import Report
from mwe_tasks.quality import check
from mwe_tasks.readers import read_rows
from mwe_tasks.rows import checksum
from mwe_tasks.sources import known_datasets, split_files

FIRST_VERSION = "1.0.0"


def check_repository(repository: str) -> None:
    """Raises MweError for what is not ORG/NAME as the Hub takes it: no spaces, no path, no second slash."""
    part = r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9_])?"
    form = re.fullmatch(rf"{part}/{part}", repository, re.ASCII)
    if form is None or re.search(r"--|\.\.|\.git$", repository) or len(repository) > 96:
        raise MweError(
            f"--to {repository!r} is not of the form ORG/NAME: letters, digits, single - and ., and _, 96 at the most."
        )


def folder_of(dataset: str) -> Path:
    """The folder of a name in datasets/ (found by listing, never by joining a path), or the folder itself."""
    if dataset in (known := known_datasets()):
        return known[dataset]
    try:
        if dataset.strip() and Path(dataset).is_dir():
            return Path(dataset)
        exists = Path(dataset).exists()
    except (OSError, ValueError):
        exists = False
    if exists and dataset.strip():
        raise MweError(f"{dataset} is no folder: a card belongs to a dataset's folder, and is published with it.")
    if len(Path(dataset).parts) > 1:
        raise MweError(f"There is no folder {dataset!r}: name a dataset's folder, or one of {', '.join(known)}.")
    raise UnknownName("dataset", dataset, known=known)


def check_folder(folder: Path) -> tuple[str, Report]:
    """The version of a folder that is fit to be published (manifest.json's, or 1.0.0), and the check of its test split.

    Raises MweError (BadRows for bad rows) where a split cannot be read, `mwe check` finds an error in the test split,
    the card leaves out a split, or manifest.json is of other data.
    """
    report = check(read_rows(folder))
    if report.errors:
        faults = "\n".join(f"  {each.text}" + (f" ({len(each.cases)})" if each.cases else "") for each in report.errors)
        raise MweError(f"{folder} is not fit to be published; `mwe check {folder}` shows every case.\n{faults}")
    splits = split_files(folder)
    for split in splits:
        read_rows(folder, split)
    patterns = named(folder)
    names = [f"data/{file.name}" for files in splits.values() for file in files]
    if missing := [name for name in names if not any(fnmatchcase(name, pattern) for pattern in patterns)]:
        raise MweError(f"The configs in {folder / 'README.md'} do not name {missing[0]}, which nobody would load.")
    manifest = read_manifest(folder)
    for split, known in manifest.get("checksums", {}).items():
        if split not in splits or checksum(splits[split][0]) != known:
            raise MweError(f"{folder / 'manifest.json'} is of another {split} split than data/ has: build both anew.")
    version = manifest.get("version", FIRST_VERSION)
    if not isinstance(version, str) or not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version, re.ASCII):
        raise MweError(f'{folder / "manifest.json"} has the version {version!r}: expected one as "1.0.0".')
    return version, report


def named(folder: Path) -> list[str]:
    """The data files, or patterns of them, that the card's configs name; raises MweError without a card to be read."""
    from huggingface_hub import metadata_load
    from yaml import YAMLError

    card = folder / "README.md"
    try:
        configs = (metadata_load(card) or {}).get("configs", [])
        return [pattern for config in configs for pattern in _patterns(config["data_files"])]
    except FileNotFoundError:
        raise MweError(f"{folder} has no card: `mwe card {folder}` writes it.") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, YAMLError):
        raise MweError(f"The front matter of {card} cannot be read: `mwe card {folder}` writes it anew.") from None


def read_manifest(folder: Path) -> dict[str, Any]:
    """What manifest.json holds; nothing where there is none."""
    path = folder / "manifest.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("checksums", {}), dict):
        raise MweError(f"{path} is no JSON object that can be read: build it anew.")
    return found


def _patterns(found: Any) -> Iterator[str]:
    """Every pattern in `data_files`: one, a list of them, or one or more for each split."""
    if isinstance(found, str):
        yield found
    else:
        for each in found:
            yield from _patterns(each["path"] if isinstance(each, dict) else each)
