"""Whether questions mean the same in other words: cosines of WordLlama's averaged token embeddings, offline."""

import logging
import math
from array import array
from collections.abc import Iterator, Sequence
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
Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

EXACT = 2**14
"""Vectors up to which each one is compared; beyond, those under the nearest of some centres: see `Meanings`."""
NEAREST = 32
"""Centres whose vectors are compared."""
CHUNK = 4096


class Meanings:
    """Embeddings, of which the closest to others is found, and those that are close to each other.

    Beyond EXACT of them each stands under the nearest of 4 sqrt(n) centres, which are some of themselves and chosen
    anew whenever n has doubled; only what stands under the NEAREST centres is compared then (an inverted file).
    """

    def __init__(self) -> None:
        self._vectors = np.empty((1, DIMENSIONS), dtype=np.float32)
        self._count = 0
        """How many of them are filled; there is always room for as many again."""
        self._centres = np.empty((0, DIMENSIONS), dtype=np.float32)
        self._under: list[array[int]] = []
        """The places of the vectors under each centre."""
        self._centred = EXACT // 2
        """How many there were when the centres were chosen."""

    def add(self, new: Vectors) -> None:
        """Takes vectors in, shape (vectors, DIMENSIONS)."""
        first, self._count = self._count, self._count + len(new)
        if self._count > len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors), np.empty_like(new)])
        self._vectors[first : self._count] = new
        if self._count > 2 * self._centred:
            self._centred = self._count
            self._centres = self._vectors[: self._count : math.isqrt(self._count) // 4].copy()
            self._under = [array("q") for _ in self._centres]
            first = 0
        if self._under:
            for start in range(first, self._count, CHUNK):
                part = self._vectors[start : min(start + CHUNK, self._count)]
                for place, centre in enumerate((part @ self._centres.T).argmax(axis=1).tolist(), start):
                    self._under[centre].append(place)

    def __len__(self) -> int:
        return self._count

    def since(self, first: int) -> Vectors:
        """The vectors from one place on, in the order in which they were taken in."""
        return self._vectors[first : self._count]

    def closest(self, to: Sequence[Vectors]) -> list[float]:
        """For each of some facts' vectors the highest cosine with one that was taken in; -1 where none is compared."""
        if not to:
            return []
        asked = np.concatenate(to)
        of = np.repeat(np.arange(len(to)), [len(each) for each in to])
        found = np.full(len(to), -1.0, dtype=np.float32)
        for places, which in self.compared(asked, of):
            np.maximum.at(found, of[which], (asked[which] @ self._vectors[places].T).max(axis=1))
        return found.tolist()

    def pairs(self, over: float) -> Iterator[tuple[Places, Places, Vectors]]:
        """Places of vectors that have a cosine over this, the smaller ones first, and their cosines; some at a time.

        A pair comes up once or, asked from its other side, twice; each vector with itself, too.
        """
        for start in range(0, self._count, CHUNK):
            asked = self._vectors[start : min(start + CHUNK, self._count)]
            for places, which in self.compared(asked, np.arange(len(asked))):
                cosines = asked[which] @ self._vectors[places].T
                one, other = np.nonzero(cosines > over)
                first, second = start + which[one], places[other]
                yield np.minimum(first, second), np.maximum(first, second), cosines[one, other]

    def compared(self, asked: Vectors, of: Places) -> Iterator[tuple[Places, Places]]:
        """Places of vectors, with those of the asked that they are compared with: all, or what is under near centres.

        `of`: the number of the fact of each one asked. What is near to one of a fact's is compared with all of them.
        """
        if not self._under:
            for start in range(0, self._count, CHUNK):
                yield np.arange(start, min(start + CHUNK, self._count)), np.arange(len(asked))
            return
        near = np.zeros((of[-1] + 1, len(self._centres)), dtype=np.bool_)
        near[of[:, None], np.argpartition(asked @ self._centres.T, -NEAREST, axis=1)[:, -NEAREST:]] = True
        for under, facts in zip(self._under, near.T, strict=True):
            which = np.flatnonzero(facts[of])
            for start in range(0, len(under) if len(which) else 0, CHUNK):
                yield np.array(under[start : start + CHUNK], dtype=np.int64), which


def embed(texts: Sequence[str]) -> Vectors:
    """The embeddings, shape (texts, DIMENSIONS), each of length 1; raises MweError where wordllama is missing."""
    found: Vectors = _model().embed(list(texts), norm=True)
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
