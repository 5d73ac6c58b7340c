"""What a user calls a dataset by, to the one file that holds the split asked for.

FILE.jsonl|csv|parquet      that file; its stem is its split
FOLDER                      FOLDER/data/SPLIT.jsonl (or .csv, .parquet)
NAME                        a folder of `datasets/`, found by listing it, never by joining a path
hf:ORG/NAME@REVISION        a dataset repository on the Hugging Face Hub, fetched or taken from its cache
"""

import glob
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import NamedTuple

from mwe_tasks.errors import MweError, UnknownName
from mwe_tasks.records import FORMATS, format_of

HUB_FORM = "hf:ORG/NAME@REVISION"


class Source(NamedTuple):
    """One split's file, and what to call it."""

    path: Path
    name: str
    split: str
    where: str
    """The path (from the top of the project for a name), or hf:ORG/NAME@COMMIT: enough to find the same bytes again."""


def locate(source: str | Path, split: str = "test") -> Source:
    """The file behind a source; raises MweError where there is none, saying what there is."""
    if isinstance(source, str) and source.startswith("hf:"):
        return _on_hub(source, split)
    if isinstance(source, str) and source in (known := known_datasets()):
        found = _in_folder(known[source], split)
        # The same on every machine, so that a log that is published names no folder of its author's.
        return found._replace(where=f"datasets/{source}/data/{found.path.name}")
    try:
        path = Path(source).expanduser()
    except RuntimeError:
        raise MweError(f"There is no home folder for {source}.") from None
    try:
        if path.is_dir() and str(source):
            return _in_folder(path, split)
        if path.is_file():
            return _one_file(path, split)
        exists = path.exists()
    except OSError as error:
        raise MweError(f"{str(source)[:200]} cannot be read: {error.strerror or error}.") from None
    if exists and str(source):
        raise MweError(f"{path} is neither a file nor a folder.")
    if isinstance(source, str) and len(path.parts) < 2 and path.suffix.lower() not in FORMATS:
        raise UnknownName("dataset", source, known=known_datasets())
    raise MweError(f"There is no file or folder {path}.")


def lm_eval_task(name: str, *, with_truth: bool = True) -> str:
    """What an export of the dataset NAME calls its task in lm-eval: that of the truth, or of the matching answer."""
    task = "mwe_" + (re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "rows")
    return task if with_truth else f"{task}_matching"


def shipped_folder(name: str, *, module: Path = Path(__file__)) -> Path:
    """The `datasets/` or `generators/` folder that belongs to this very copy of the package.

    In a checkout (and so in an editable install) it stands at the top level, in a wheel beside the modules.
    """
    package = module.resolve().parent
    checkout = package.parent.parent
    if package.parent.name == "src" and (checkout / "pyproject.toml").is_file():
        return checkout / name
    return package / name


def known_datasets() -> dict[str, Path]:
    """The datasets in `datasets/` by name, in alphabetical order."""
    folder = shipped_folder("datasets")
    return {path.parent.name: path.parent for path in sorted(folder.glob("*/data"))}


def split_files(folder: Path) -> dict[str, list[Path]]:
    """The files of each split in a dataset folder, by the split's name."""
    return _by_split(path for path in sorted(folder.glob("data/*")) if path.is_file())


def _by_split(paths: Iterable[Path]) -> dict[str, list[Path]]:
    splits = defaultdict(list)
    for path in paths:
        if path.suffix.lower() in FORMATS:
            splits[_split_name(path)].append(path)
    return dict(splits)


def _split_name(path: PurePath) -> str:
    """ "test" for test.jsonl and for test-00000-of-00001.parquet, as the Hub writes them."""
    return re.sub(r"-\d{5}-of-\d{5}$", "", path.stem)


def _one_file(path: Path, split: str) -> Source:
    format_of(path)
    if split not in ("test", path.stem):
        raise MweError(f"{path} is one file, without a split {split!r}: leave the split out or name its folder.")
    name = path.resolve().parent.parent.name if path.resolve().parent.name == "data" else path.stem
    return Source(path, name, path.stem, str(path))


def _in_folder(folder: Path, split: str) -> Source:
    name = folder.resolve().name
    splits = split_files(folder)
    if not splits:
        raise MweError(f"{folder} is a folder without a dataset: expected a file data/test.jsonl in it.")
    if split not in splits:
        raise UnknownName(f"split of {name}", split, known=splits)
    path = _only(splits[split], name, split)
    return Source(path, name, split, str(path))


def _only(files: list[Path], name: str, split: str) -> Path:
    if len(files) > 1:
        names = ", ".join(path.name for path in files[:3])
        raise MweError(f"Split {split!r} of {name} stands in {len(files)} files ({names}): expected one.")
    return files[0]


def _on_hub(source: str, split: str) -> Source:
    form = re.fullmatch(r"hf:([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)@([A-Za-z0-9][\w./-]*)", source)
    if form is None and "@" not in source:
        raise MweError(f"{source} names no revision, and a dataset on the Hub can change: write {HUB_FORM}.")
    if form is None:
        raise MweError(f"{source} is not of the form {HUB_FORM}.")
    repository, revision = form.groups()

    from huggingface_hub import HfApi, snapshot_download

    patterns = [f"{start}{glob.escape(split)}{end}" for start in ("", "*/") for end in (".*", "-*-of-*.*")]
    wanted = [pattern for pattern in patterns if split]
    with hub_errors(source, repository, revision):
        folder = Path(snapshot_download(repository, repo_type="dataset", revision=revision, allow_patterns=wanted))
        splits = _by_split(path for path in _data_first(folder.rglob("*")) if path.is_file())
        if split not in splits:
            listed = HfApi().list_repo_files(repository, repo_type="dataset", revision=revision)
            known = _by_split(_data_first(map(Path, listed)))
            raise UnknownName(f"split of {repository}", split, known=known)
    path = _only(splits[split], repository, split)
    # A snapshot's folder is named by its commit, which stays where a tag or a branch may move.
    return Source(path, repository, split, f"hf:{repository}@{folder.name}")


@contextmanager
def hub_errors(source: str, repository: str, revision: str) -> Iterator[None]:
    """Turns what goes wrong while a dataset is fetched from the Hub into an MweError."""
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
    from huggingface_hub.errors import HTTPError as TransportError  # type: ignore[attr-defined]  # httpx's or httpx2's

    try:
        yield
    except RepositoryNotFoundError:
        raise MweError(f"The Hub has no dataset {repository}, or none that this login may read.") from None
    except RevisionNotFoundError:
        raise MweError(f"Dataset {repository} has no revision {revision!r}: name a tag or a commit.") from None
    except (HfHubHTTPError, TransportError, OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise MweError(f"{source} could not be fetched: {reason}") from None


def _data_first(paths: Iterable[Path]) -> list[Path]:
    """Those under data/ where there are any, as in a folder here; else all."""
    every = sorted(paths)
    return [path for path in every if path.parent.name == "data"] or every
