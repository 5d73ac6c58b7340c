"""Whether questions mean the same in other words: cosines of WordLlama's averaged token embeddings, offline."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mwe_tasks.errors import MweError

SAME = 0.85
"""Cosine from which two questions of different facts ask the same: on sycophantic_yesno twins lie at .90 (median), the
nearest questions of different facts at .79."""

DIMENSIONS = 256


def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """The embeddings, shape (texts, DIMENSIONS), each of length 1; raises MweError where wordllama is missing."""
    found: npt.NDArray[np.float32] = _model().embed(list(texts), norm=True)
    return found


def is_there() -> bool:
    """Whether wordllama is installed."""
    return find_spec("wordllama") is not None


@lru_cache
def _model() -> Any:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        import wordllama
    except ImportError as error:
        raise MweError("Meanings need wordllama: pip install 'mwe-tasks[write]'.") from error
    finally:  # importing it makes every library print what it logs
        root.handlers[:], root.level = handlers, level
    # The wheel holds the weights; its loader would look for the tokenizer on the Hub.
    return wordllama.WordLlama.load(disable_download=True, cache_dir=Path(wordllama.__file__).parent)
