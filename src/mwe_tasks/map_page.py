"""A dataset to one self-contained page: every question as a dot, near those that ask alike."""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from mwe_tasks.errors import MweError
from mwe_tasks.meaning import embed
from mwe_tasks.page import fill
from mwe_tasks.readers import Dataset
from mwe_tasks.rows import Row

Floats = npt.NDArray[np.float64]

SIDE = 10_000
"""The longer side of the map, in steps of which each coordinate is a whole number."""

ROOM = 0.3
"""How far apart dots stand, as a share of the distance that as many would have on a square grid."""

FEWEST = 12
"""Below this many questions there are no neighbourhoods to keep, and the two widest directions are drawn."""

PUSHES = 100

EXACT = 10_000
"""Up to this many questions every neighbour is looked at, which takes the square of their number."""

SEED = 0


def map_page(dataset: Dataset) -> str:
    """The page, as `page.fill` makes it.

    Raises MweError where what embeds and lays out questions is not installed. The same rows give the same bytes
    with the same versions of numpy, scikit-learn and openTSNE on one kind of machine: t-SNE makes much of a last bit.
    """
    title = ", ".join(dict.fromkeys((dataset.name, dataset.split)))  # a file alone is its own split
    return fill("map.html", title=title, data=data_of(dataset, title))


def data_of(dataset: Dataset, title: str) -> str:
    """What the page draws, as JSON; what a row has not is left out."""
    places = lay_out([row.question for row in dataset.rows])
    rows = [told(row, place) for row, place in zip(dataset.rows, places.tolist(), strict=True)]
    return json.dumps({"title": title, "labels": dataset.labels, "rows": rows}, separators=(",", ":"))


def told(row: Row, place: Sequence[int]) -> dict[str, Any]:
    """One row as the page reads it; place is (x, y), counted from the left and from the top."""
    values = {
        "at": place,
        "id": row.id,
        "question": row.question,
        "matching": row.matching,
        "truth": row.truth,
        "topic": row.topic or None,
        "why": row.why,
        "pair": row.pair_id,
        "reference": row.reference,
        "confidence": row.label_confidence,
        "source": row.source or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def lay_out(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Places in the plane, shape (texts, 2), whole numbers from 0 to SIDE; texts alike in meaning stand near.

    By t-SNE of cosines (Van der Maaten and Hinton, JMLR 9, 2008), started from the two widest directions. Of the 10
    nearest of each of 400 questions it keeps 46%, where those two directions alone keep 15% and UMAP 47%, in .7 s,
    where UMAP takes 8 s and 200 MB more to install; it puts twins next to each other, which UMAP does for 59%.
    """
    if not texts:
        return np.zeros((0, 2), dtype=np.int64)
    project = _projector()
    # A text without a single token has no direction: it stands at the origin, as far from all others.
    meanings = np.nan_to_num(embed(texts)).astype(np.float64)
    places = _widest(meanings)
    if len(texts) >= FEWEST and places.any():
        places = project(meanings)
    return np.rint(_fitted(_apart(_fitted(places)))).astype(np.int64)


def _fitted(places: Floats) -> Floats:
    """The places moved and scaled so that the longer side goes from 0 to SIDE."""
    moved: Floats = places - places.min(axis=0)
    widest = float(moved.max()) or 1.0
    return moved * (SIDE / widest)


def _apart(places: Floats) -> Floats:
    """The places with dots that would hide each other, as twins do, pushed apart to ROOM, or nearly."""
    room = ROOM * SIDE / np.sqrt(len(places))
    # Where two stand on one spot, each has a direction of its own to go.
    angles = np.arange(len(places)) * 2.399963
    places = places + (room / 100) * np.column_stack([np.cos(angles), np.sin(angles)])
    for _ in range(PUSHES):
        pairs = cKDTree(places).query_pairs(room, output_type="ndarray")
        if not len(pairs):
            break
        pairs = pairs[np.lexsort(pairs.T)]
        way = places[pairs[:, 0]] - places[pairs[:, 1]]
        distance = np.linalg.norm(way, axis=1, keepdims=True)
        push = way / distance * (room * 1.01 - distance) / 2
        np.add.at(places, pairs[:, 0], push)
        np.subtract.at(places, pairs[:, 1], push)
    return places


def _widest(meanings: Floats) -> Floats:
    """The two principal components, shape (texts, 2); 0 where there is no such direction."""
    middle = meanings - meanings.mean(axis=0)
    left, widths, _ = np.linalg.svd(middle, full_matrices=False)
    found = (left * np.where(widths > 1e-6, widths, 0.0))[:, :2]
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1])))


def _projector() -> Callable[[Floats], Floats]:
    """The function from meanings to places; raises MweError where something of the extra is missing."""
    try:
        import wordllama  # noqa: F401 - embed needs it, and its own sentence names another extra
        from openTSNE import TSNE
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise MweError(f"A map needs {error.name}: pip install 'mwe-tasks[map]'.") from error

    logging.getLogger("openTSNE").setLevel(logging.WARNING)  # it says each of its steps

    def project(meanings: Floats) -> Floats:
        # One thread: sums in another order would end in another map.
        with threadpool_limits(1):
            made = TSNE(
                perplexity=min(30.0, (len(meanings) - 1) / 3),
                metric="cosine",
                neighbors="exact" if len(meanings) <= EXACT else "approx",
                initialization="pca",
                random_state=SEED,
                n_jobs=1,
            ).fit(meanings)
        return np.array(made)

    return project
