"""Where a Hugging Face checkpoint is: a folder, a GGUF file or an id on the Hub to files on this machine."""

import hashlib
import json
import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mwe_tasks.errors import MweError
from mwe_tasks.weights import PINNED, file_hash, find_weights, pinned_file

HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")

SAFETENSORS, PICKLE = "model.safetensors", "pytorch_model.bin"
SETTINGS = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken")
"""What is downloaded beside the weights: configuration, tokenizer, chat template."""
TOKENIZERS = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "*.tiktoken",
    "tekken.json",
)
"""Files of which a folder has one where it has a tokenizer."""
DECIDING = (
    "config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    *TOKENIZERS,
)
"""Files beside the weights that decide what a model gives."""


class Checkpoint(NamedTuple):
    """A checkpoint's files on this machine."""

    name: str
    folder: Path
    weights: tuple[Path, ...]
    """The files that hold the weights: one GGUF file, or safetensors (or else PyTorch) files."""
    revision: str | None = None
    """The branch, tag or commit that was asked of the Hub; None for what is not from there."""
    commit: str | None = None
    """The commit that it stood for."""

    @property
    def gguf(self) -> str | None:
        """The name of the GGUF file; None for a folder of safetensors."""
        return self.weights[0].name if self.weights[0].suffix == ".gguf" else None


def find_checkpoint(name: str, revision: str | None = None) -> Checkpoint:
    """The files behind a folder, a GGUF file, hf:ORG/REPO/FILE.gguf@REVISION, smollm2-135m or an id on the Hub.

    What is on the Hub is downloaded, once a commit; an unset revision is its default branch. Raises MweError where
    there is no such thing, where files of it are missing, and for a revision of what is not an id on the Hub.
    """
    if not name:
        raise MweError("Name a checkpoint: mwe-hf/FOLDER, mwe-hf/FILE.gguf or mwe-hf/ORG/NAME on the Hugging Face Hub.")
    path = Path(name).expanduser()
    local = path.exists() or name.endswith(".gguf") or name.startswith("hf:") or name in {each.name for each in PINNED}
    if local and revision is not None:
        raise MweError(f"-M revision={revision} is for an id on the Hugging Face Hub, and {name} is on this machine.")
    if path.is_dir():
        return _folder(name, path.resolve())
    if local:
        file = pinned_file(name) if name in {each.name for each in PINNED} else find_weights(name)
        return Checkpoint(name, file.parent, (file,))
    if not HUB_ID.fullmatch(name):
        raise MweError(f"There is no folder {name}: give one with config.json, a .gguf file or an id on the Hub.")
    folder = _download(name, revision)
    return _folder(name, folder)._replace(revision=revision or "main", commit=folder.name)


def weights_hash(checkpoint: Checkpoint) -> str:
    """The sha256 in hex of the file of weights as it is on the disk; of several files that of their list.

    The list is what `sha256sum` prints for them in the order of their names: "HASH  NAME" and a newline each.
    """
    if len(checkpoint.weights) == 1:
        return file_hash(checkpoint.weights[0])
    return _list_hash(checkpoint.weights)


def settings_hash(checkpoint: Checkpoint) -> str | None:
    """The sha256 of the same list for config.json and the tokenizer's files; None for a GGUF file, which holds them."""
    if checkpoint.gguf:
        return None
    return _list_hash({file for pattern in DECIDING for file in checkpoint.folder.glob(pattern) if file.is_file()})


def _list_hash(files: Iterable[Path]) -> str:
    lines = [f"{file_hash(file)}  {file.name}\n" for file in sorted(files, key=lambda file: file.name)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _folder(name: str, folder: Path) -> Checkpoint:
    if not (folder / "config.json").is_file():
        ggufs = sorted(path.name for path in folder.glob("*.gguf"))
        instead = f"name its file {ggufs[0]}" if ggufs else "give the folder that save_pretrained wrote"
        raise MweError(f"{name} has no config.json, so it is no checkpoint of transformers: {instead}.")
    if not any(file for pattern in TOKENIZERS for file in folder.glob(pattern)):
        raise MweError(f"{name} has no tokenizer (tokenizer.json or the like): save it there with save_pretrained.")
    return Checkpoint(name, folder, _weights(name, folder))


def _weights(name: str, folder: Path) -> tuple[Path, ...]:
    """The files that hold the weights; safetensors, where there are both."""
    for whole in (SAFETENSORS, PICKLE):
        index = folder / f"{whole}.index.json"
        if (folder / whole).is_file():
            return ((folder / whole),)
        if index.is_file():
            try:
                named = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise MweError(f"{index.name} of {name} is damaged: copy or download it again.") from error
            if missing := [each for each in named if not (folder / each).is_file()]:
                raise MweError(f"{name} lacks {len(missing)} of {len(named)} files of weights, such as {missing[0]}.")
            return tuple(folder / each for each in named)
    raise MweError(f"{name} has no weights: neither {SAFETENSORS} nor {PICKLE}, nor an index of several files.")


def _download(name: str, revision: str | None) -> Path:
    """The folder of a commit of the Hub, with settings and weights; its name is the commit's."""
    from huggingface_hub import snapshot_download  # takes a quarter of a second
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # each retry would be a warning of several lines
    called = name if revision is None else f"{name} at revision {revision}"
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=[*SETTINGS, *_files(SAFETENSORS)]))
        if not any(file for pattern in _files(SAFETENSORS) for file in folder.glob(pattern)):
            # By its commit: the branch may have moved in between.
            snapshot_download(name, revision=folder.name, allow_patterns=_files(PICKLE))
    except GatedRepoError as error:
        raise MweError(f"{name} is gated: accept its terms on its page on the Hub, then `hf auth login`.") from error
    except RevisionNotFoundError as error:
        raise MweError(f"{name} has no revision {revision}: give a branch, tag or commit of it.") from error
    except RepositoryNotFoundError as error:
        raise MweError(
            f"{name} is neither a folder here nor a checkpoint on the Hub, or it is a private one."
        ) from error
    except LocalEntryNotFoundError as error:
        raise MweError(
            f"{called} is neither a folder here nor downloaded, and the Hub was not reached: download it once."
        ) from error
    except Exception as error:  # of the network, its proxies, the disk
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MweError(f"{called} was not downloaded ({why}): check its name and revision.") from error
    return folder


def _files(whole: str) -> list[str]:
    stem, _, ending = whole.rpartition(".")
    return [whole, f"{stem}-*.{ending}", f"{whole}.index.json"]
