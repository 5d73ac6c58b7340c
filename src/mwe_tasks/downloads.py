"""What a model's weights are on this machine: here already, or so many bytes to download."""

import json
from pathlib import Path
from typing import NamedTuple

from mwe_tasks.errors import MweError
from mwe_tasks.runs import Run
from mwe_tasks.weights import HUB_FORM, known_weights
from mwe_tasks.weights import Weights as Named

STORED = 2
"""Bytes a parameter of most checkpoints; the few in 32 bits are twice as large."""
HELD = {"mwe-hf": 4}
"""Bytes a parameter in memory, at most: mwe-hf computes in 32 bits where a CPU has no 16, others in what is stored."""
WHOLE = ("model.safetensors", "pytorch_model.bin")
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")


class Weights(NamedTuple):
    """The weights that a model needs on this machine."""

    download: int | None
    """Bytes still to come: 0 where nothing is, None where how much is not known."""
    size: int | None
    """Bytes of all of them in memory, 0 for a model of a service, None where not known."""


def find_weights_of(run: Run) -> Weights:
    """What a run's weights take; the local cache is looked at, and nothing is loaded or downloaded.

    Raises MweError for a path on this machine that is not there.
    """
    name = run.model.partition("/")[2]
    if run.provider == "gguf":
        return _gguf(name)
    if run.provider not in ("mwe-hf", "vllm", "sglang"):
        return Weights(download=0, size=0)
    stored = None if run.params is None else run.params * STORED
    size = None if run.params is None else run.params * HELD.get(run.provider, STORED)
    if run.provider == "mwe-hf" and (name.endswith(".gguf") or _pinned(name) or HUB_FORM.fullmatch(name)):
        return _gguf(name)._replace(size=size)
    path = Path(name).expanduser()
    if path.exists():
        return Weights(download=0, size=path.stat().st_size if path.is_file() else size)
    if path.is_absolute() or name.startswith("."):
        raise MweError(f"There is no folder or file {name}, which {run.model} names.")
    return Weights(download=0 if in_hub_cache(name, run.revision) else stored, size=size)


def in_hub_cache(repository: str, revision: str | None) -> bool:
    """Whether all of a checkpoint's weights lie in the local cache of the Hugging Face Hub."""
    from huggingface_hub.errors import HFValidationError

    try:
        if any(_cached(repository, name, revision) for name in WHOLE):
            return True
        for index in INDEXES:
            if found := _cached(repository, index, revision):
                shards = set(json.loads(found.read_text(encoding="utf-8"))["weight_map"].values())
                return all(_cached(repository, shard, revision) for shard in shards)
    except HFValidationError:  # no name of a repository
        return False
    return False


def _gguf(name: str) -> Weights:
    if pinned := _pinned(name):
        return Weights(download=0 if pinned.present else pinned.size, size=pinned.size)
    if parts := HUB_FORM.fullmatch(name):
        found = _cached(parts["repo"], parts["file"], parts["revision"])
        return Weights(0, found.stat().st_size) if found else Weights(None, None)
    path = Path(name).expanduser()
    return Weights(0, path.stat().st_size if path.is_file() else None)


def _pinned(name: str) -> Named | None:
    return next((each for each in known_weights() if each.name == f"gguf/{name}"), None)


def _cached(repository: str, file: str, revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, file, revision=revision)
    return Path(found) if isinstance(found, str) else None
