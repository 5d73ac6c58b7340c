"""A part: the finished batches of one job, each in a small file, until a log is made of them.

    FOLDER/job.json            what decides the numbers, and how many batches there are
    FOLDER/batch-000012.json   what the model gave in one batch

A folder lies on any file system that fsspec knows. A file that was cut short, by a kill or a full disk, counts as
not there, since no beginning of a JSON object is one: so nothing has to be appended, locked or renamed, which
object stores cannot do, and several processes may write batches of one job at a time.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import fsspec

from mwe_tasks.asks import Given
from mwe_tasks.errors import MweError
from mwe_tasks.labels import LabelLogprobs
from mwe_tasks.llama import Completion

JOB = "job.json"
BATCH = re.compile(r"/batch-\d+\.json$")
MODEL = "the model"
"""What the header calls the model's own facts."""


class MadeOtherwise(MweError):
    """A part holds batches of another job, model, setting or machine."""


class Said(NamedTuple):
    """What the model gave for one row in one stance."""

    id: str
    stance: str
    tokens: int
    """Of the prompt; 0 of one that was too long for a server."""
    labels: Mapping[str, Any] | None
    """`LabelLogprobs` as plain data; None where the prompt was too long, and of a server of lists."""
    texts: Sequence[Sequence[Any]]
    """Of each text the text, its tokens, whether it came to an end and, of a server, its likeliest tokens."""

    @property
    def given(self) -> Given:
        """The same as the engine gave it."""
        labels = None if self.labels is None else LabelLogprobs.model_validate(self.labels)
        return Given(labels, tuple(Completion(*text) for text in self.texts))


class Finished(NamedTuple):
    """One batch that was run."""

    began: str
    """ISO 8601, UTC."""
    ended: str
    said: Sequence[Said]


class Begun(NamedTuple):
    """What a part says of its job."""

    header: Mapping[str, Any]
    """Everything that decides the numbers, plain data."""
    batches: int
    began: str
    too_long: Sequence[Said]
    """Prompts that do not fit the model's context, and are in no batch."""

    @property
    def key(self) -> str:
        """What each file of the part says that it belongs to: the sha256 of the header."""
        return hashlib.sha256(json.dumps(self.header, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Part:
    """The folder of one job's batches."""

    folder: str
    """A path or an fsspec URL."""

    def begun(self) -> Begun | None:
        """What the part says of its job; None where nothing was begun."""
        found = self._read(f"{self._place()[1]}/{JOB}")
        if found is None:
            return None
        return Begun(found["header"], found["batches"], found["began"], [Said(*each) for each in found["too_long"]])

    def begin(self, ours: Begun) -> Begun:
        """Begins a part, or goes on with it; raises MadeOtherwise where what is there was."""
        theirs = self.begun()
        if theirs is not None:
            self.refuse_other(theirs, ours.header)
            return theirs
        self._write(JOB, {**ours._asdict()})
        written = self.begun() or ours  # that of another share, where two began at the same time
        self.refuse_other(written, ours.header)
        return written

    def refuse_other(self, theirs: Begun, header: Mapping[str, Any]) -> None:
        """Raises MadeOtherwise, which says what differs, where a header or a share of one is not that of the part."""
        before = _flat({name: theirs.header.get(name) for name in header})
        now = _flat(json.loads(_bytes(header)))
        for name in {**now, **before}:
            if before.get(name) != now.get(name):
                raise MadeOtherwise(
                    f"{self.folder} holds batches that were scored with {name} {_short(before.get(name))}, and {name} "
                    f"is now {_short(now.get(name))}: ask as before, remove it, or name another --log-dir."
                )

    def add(self, begun: Begun, number: int, batch: Finished) -> None:
        """Writes a batch that was run."""
        self._write(_name(number), {"key": begun.key, "number": number, **batch._asdict()})

    def finished(self, begun: Begun) -> dict[int, Finished]:
        """The batches that are there whole, by number."""
        system, path = self._place()
        system.invalidate_cache()
        found: dict[int, Finished] = {}
        for file in _batches(system, path):
            batch = self._read(file)
            if batch is not None and batch["key"] == begun.key:
                said = [Said(*each) for each in batch["said"]]
                found[batch["number"]] = Finished(batch["began"], batch["ended"], said)
        return found

    def remove(self) -> None:
        """Removes the part, once a log holds all of it."""
        system, path = self._place()
        with suppress(Exception):  # nothing was begun, or another share that ended too removes or writes it
            system.rm(path, recursive=True)

    def _place(self) -> tuple[Any, str]:
        """The file system, and the folder there."""
        try:
            system, path = fsspec.core.url_to_fs(self.folder)
        except (ImportError, ValueError) as error:
            raise MweError(f"{self.folder} is no place for parts ({error}): name another in --parts.") from None
        return system, path

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        system, path = self._place()
        try:
            system.makedirs(path, exist_ok=True)
            system.pipe_file(f"{path}/{name}", _bytes(value))
        except Exception as error:  # whatever a file system of fsspec raises
            raise self._not("written", error) from None

    def _read(self, path: str) -> Any:
        """The object in a file; None where there is none, or it was cut short."""
        system, _ = self._place()
        try:
            return json.loads(system.cat_file(path))
        except (FileNotFoundError, ValueError):
            return None
        except Exception as error:  # whatever a file system of fsspec raises
            raise self._not("read", error) from None

    def _not(self, what: str, error: Exception) -> MweError:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return MweError(f"{self.folder} cannot be {what} ({why}): see to that, or name another place in --parts.")


def now() -> str:
    """The time as parts have it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat()


def _batches(system: Any, folder: str) -> list[str]:
    """The files of batches: without a glob, which would read the folder's own name as a pattern too."""
    try:
        return sorted(file for file in system.ls(folder, detail=False) if BATCH.search(file))
    except FileNotFoundError:
        return []


def _name(number: int) -> str:
    return f"batch-{number:06}.json"


def _bytes(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _flat(header: Mapping[str, Any]) -> dict[str, Any]:
    """Names to values, those of an object within under "NAME of OBJECT"."""
    flat: dict[str, Any] = {}
    for name, value in header.items():
        if isinstance(value, dict):
            flat |= {f"{inner} of {name}": each for inner, each in value.items()}
        else:
            flat[name] = value
    return flat


def _short(value: object) -> str:
    text = "unset" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
