"""Questions that are asked twice, or nearly: between different facts, never between twins.

Near means that the sets of word bigrams have a Jaccard index of `NEAR` or more. Candidates come from MinHash
signatures cut into bands, so the work grows with the number of rows and not with its square; a pair just at
that index is missed rarely, one far above it never. Words are runs of letters and digits, so a question in a
script without spaces is compared as a whole.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mwe_tasks.rows import Row, normalise

NEAR = 0.7
PERMUTATIONS = 128
BANDS = 32
SEED = 42
# A bigram of more than this many questions, or this share of them, is a template's and makes no candidates.
COMMON_COUNT, COMMON_SHARE = 50, 0.005
# Among equal bands each question meets only so many of those after it: linear, and a chain still links.
NEIGHBOURS = 32
TEMPLATE_NEIGHBOURS = 4
CHUNK = 4096


class Pair(NamedTuple):
    """Two rows of different facts, and the Jaccard index of their questions' word bigrams."""

    first: Row
    second: Row
    similarity: float


def exact_duplicates(rows: Sequence[Row]) -> list[Pair]:
    """Rows that ask the normalised question of an earlier row of another fact, each with that row."""
    first: dict[str, Row] = {}
    return [Pair(earlier, row, 1.0) for row in rows if (earlier := first.setdefault(row.id, row)).fact != row.fact]


def near_duplicates(rows: Sequence[Row], *, near: float = NEAR) -> list[Pair]:
    """Pairs of rows of different facts, worded differently and yet alike, in the order of the rows."""
    shingles = [bigrams(row.question) for row in rows]
    pairs: list[Pair] = []
    for i, j in _candidates(shingles):
        if rows[i].fact != rows[j].fact and rows[i].id != rows[j].id:
            similarity = len(shingles[i] & shingles[j]) / len(shingles[i] | shingles[j])
            if similarity >= near:
                pairs.append(Pair(rows[i], rows[j], similarity))
    return pairs


def rouge_l(one: Sequence[str], two: Sequence[str]) -> float:
    """ROUGE-L of two texts' words (Lin 2004): the F1 of their longest common subsequence; 0 for an empty text."""
    if not one or not two:
        return 0.0
    lengths = [0] * (len(two) + 1)
    for word in one:
        diagonal = 0
        for number, other in enumerate(two, start=1):
            above = lengths[number]
            lengths[number] = diagonal + 1 if word == other else max(above, lengths[number - 1])
            diagonal = above
    return 2 * lengths[-1] / (len(one) + len(two))


def contradicts(pair: Pair) -> bool:
    """Whether the two truths are known and differ, which no two rows that ask the same thing may do."""
    return None not in (pair.first.truth, pair.second.truth) and pair.first.truth != pair.second.truth


def words(text: str) -> list[str]:
    """The words of a text, normalised; an apostrophe inside one belongs to it."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", normalise(text).replace("’", "'"))


def bigrams(text: str) -> frozenset[str]:
    """The pairs of neighbouring words of a text; the text itself where it has fewer than two words."""
    found = words(text)
    return frozenset(map(" ".join, pairwise(found))) or frozenset([normalise(text)])


def _candidates(shingles: Sequence[Set[str]]) -> Iterator[tuple[int, int]]:
    """Pairs of positions, the smaller first, in order, that share a band of their signatures."""
    rare = _rare(shingles)
    codes = [*_alike(_band_keys(rare), NEIGHBOURS)]
    if any(len(one) < len(whole) for one, whole in zip(rare, shingles, strict=True)):
        # Questions of one template differ in little but what is rare: their whole sets find them.
        codes += _alike(_band_keys([sorted(each) for each in shingles]), TEMPLATE_NEIGHBOURS)
    for code in np.unique(np.concatenate(codes)) if codes else ():
        yield int(code) // len(shingles), int(code) % len(shingles)


def _alike(keys: npt.NDArray[np.uint64], neighbours: int) -> Iterator[npt.NDArray[np.int64]]:
    """Pairs of positions with an equal band, each as first * rows + second."""
    for band in keys.T:
        order = np.argsort(band, kind="stable")
        ranked = band[order]
        for step in range(1, min(neighbours + 1, len(order))):
            alike = ranked[:-step] == ranked[step:]
            if not alike.any():
                break
            # A stable sort keeps equal keys in the order of the rows, so the first is the smaller.
            yield order[:-step][alike] * len(order) + order[step:][alike]


def _rare(shingles: Sequence[Set[str]]) -> list[list[str]]:
    """Each set without the bigrams that too many share; whole, as one item, where nothing else is left."""
    counts = Counter(bigram for each in shingles for bigram in each)
    most = max(COMMON_COUNT, COMMON_SHARE * len(shingles))
    common = {bigram for bigram, count in counts.items() if count > most}
    return [sorted(each - common) or ["\n".join(sorted(each))] for each in shingles]


def _band_keys(shingles: Sequence[Sequence[str]]) -> npt.NDArray[np.uint64]:
    """One number for each band of each signature, shape (rows, BANDS); equal bands have equal numbers."""
    from rensa import RMinHash

    # Odd factors and wrap-around: unequal bands that collide cost one needless comparison, nothing more.
    factors = np.random.default_rng(SEED).integers(2**63, size=PERMUTATIONS // BANDS, dtype=np.uint64) * 2 + 1
    keys = np.empty((len(shingles), BANDS), dtype=np.uint64)
    for start in range(0, len(shingles), CHUNK):
        digests = RMinHash.digests_from_token_sets(shingles[start : start + CHUNK], PERMUTATIONS, SEED)
        bands = np.asarray(digests, dtype=np.uint64).reshape(len(digests), BANDS, -1)
        keys[start : start + CHUNK] = (bands * factors).sum(axis=2, dtype=np.uint64)
    return keys
