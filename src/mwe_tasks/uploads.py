"""A dataset folder against what the Hub holds: what would be uploaded, and what that would change.

Everything in the folder is uploaded, sources/ with it: a dataset whose labels can be traced is worth more. Never
uploaded are hidden files (.git, .env, .DS_Store), __pycache__, and what a link leads to outside of that. Hidden files
on the Hub (.gitattributes) are the Hub's own and stay.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from mwe_tasks.errors import MweError

Kind = Literal["new", "changed", "unchanged", "deleted"]


class Upload(NamedTuple):
    """One file to be uploaded."""

    name: str
    """Its path in the repository, with "/"."""
    content: Path | bytes
    size: int
    """In bytes."""
    git: str
    """The sha1 by which git names the content; the Hub gives it for an ordinary file."""
    sha256: str
    """The sha256 of the content; the Hub gives it for a large file."""


class Stored(NamedTuple):
    """One file on the Hub."""

    size: int
    digest: str
    """The sha256 of a large file, git's sha1 of any other."""


class Change(NamedTuple):
    """What publishing would do to one file."""

    kind: Kind
    name: str
    size: int
    """In bytes, afterwards; of a deleted file before."""
    before: int | None
    """In bytes; None for a new file."""


class Found(NamedTuple):
    """What a folder holds."""

    uploads: tuple[Upload, ...]
    left_out: tuple[str, ...]
    """Hidden files and folders, which are never uploaded."""


def find_uploads(folder: Path, instead: Mapping[str, bytes]) -> Found:
    """The files of a folder by name, some of them with other content than on disk.

    Raises MweError for a link to what is not uploaded itself, and for what is no file, has no name that can be shown,
    or cannot be read.
    """
    top = folder.resolve()
    uploads = {name: _upload(name, content) for name, content in instead.items()}
    left_out = []
    for at, folders, files in os.walk(folder, onerror=_refuse):
        for name in sorted([*folders, *files]):
            path = Path(at) / name
            inside = path.relative_to(folder).as_posix()
            if not inside.isprintable() or "\\" in inside:
                raise MweError(f"{str(path)!r} has a name that the Hub cannot hold: rename it.")
            if hidden(name):
                left_out.append(inside)
                continue
            if path.is_symlink() and (name in folders or not _leads_to_upload(path, top)):
                raise MweError(
                    f"{path} is a link out of the dataset, to a folder, or to a hidden file: put a file in its place."
                )
            if name in folders:
                continue
            if not path.is_file():
                raise MweError(f"{path} is no file and cannot be uploaded: remove it.")
            if inside not in uploads:
                uploads[inside] = _upload(inside, path)
        folders[:] = [name for name in folders if not hidden(name)]
    return Found(tuple(uploads[name] for name in sorted(uploads)), tuple(sorted(left_out)))


def compare(uploads: Sequence[Upload], stored: Mapping[str, Stored]) -> tuple[Change, ...]:
    """What uploading would change, by name; what the Hub has and the folder has not is deleted, if not hidden."""
    changes = []
    for each in uploads:
        before = stored.get(each.name)
        if before is None:
            changes.append(Change("new", each.name, each.size, None))
        else:
            same = before.digest in (each.git, each.sha256)
            changes.append(Change("unchanged" if same else "changed", each.name, each.size, before.size))
    names = {each.name for each in uploads}
    for name, before in stored.items():
        if name not in names and not any(map(hidden, name.split("/"))):
            changes.append(Change("deleted", name, before.size, before.size))
    return tuple(sorted(changes, key=lambda change: change.name))


def hidden(name: str) -> bool:
    """Whether a file or folder of this name is never uploaded, and left alone on the Hub."""
    return name.startswith(".") or name == "__pycache__"


def _leads_to_upload(link: Path, top: Path) -> bool:
    """Whether a link leads to what is uploaded anyway."""
    target = link.resolve()
    return target.is_relative_to(top) and not any(map(hidden, target.relative_to(top).parts))


def _upload(name: str, content: Path | bytes) -> Upload:
    try:
        data = content if isinstance(content, bytes) else content.read_bytes()
    except OSError as error:
        raise MweError(f"{content!s} cannot be read: {error.strerror or error}.") from None
    git = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    return Upload(name, content, len(data), git, hashlib.sha256(data).hexdigest())


def _refuse(error: OSError) -> None:
    raise MweError(f"{error.filename} cannot be read: {error.strerror or error}.")
