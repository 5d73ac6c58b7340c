"""How often a verdict is wrong, and how often it finds what is there, on made-up families whose truth is known.

    python benchmarks/calibration.py [--flat 8000] [--other 2000]

Prints each limit of the procedure beside the worst that was measured over its cells (question_model.py), and other
procedures for comparison; the exit status is 1 where a limit is missed. Seeds are the cells' names.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np
from calibration_limits import BOTH, FAMILY_KS, SHAPES, Limit, limits
from question_model import Cell, generator, log_odds
from rivals import RIVALS, rival

from mwe_tasks.claims import Words, checkpoint_words, family_words
from mwe_tasks.headline import DEPENDS
from mwe_tasks.refusals import NEEDED
from mwe_tasks.trend import Floats, covariance, with_ridge
from mwe_tasks.verdict import KINDS

CHUNK = 400_000
"""How many scores are drawn at once: few enough for a processor's cache."""

Drawn = dict[tuple[str, str], Words]


class Measured(NamedTuple):
    """A limit with what was measured."""

    limit: Limit
    allowed: float
    rate: float
    """The worst over the cells and scores."""
    where: str
    holds: bool


def repeats(cell: Cell, count: int) -> Iterator[Floats]:
    """Log odds of the cell's repeats, some at a time."""
    draw = generator(cell)
    step = max(1, CHUNK // (cell.n * cell.copies * cell.number))
    for start in range(0, count, step):
        yield log_odds(cell, min(step, count - start), draw)


def means(odds: Floats, score: str, clusters: Sequence[int] | None) -> tuple[Floats, Floats, float]:
    """Means and covariance of a score over the repeats, and the delta of its kind."""
    values = (odds > 0).astype(np.float32) if score == "accuracy" else odds
    spread = 1.0 if score == "accuracy" else values.std(axis=(1, 2))
    found = with_ridge(covariance(values, clusters), values.shape[1], spread)
    return values.mean(axis=1, dtype=float), found, KINDS[score].delta


def words(cell: Cell, count: int, *, clustered: bool = True) -> Drawn:
    """The words of each repeat, by level and score; of checkpoints only where there is no noise between models."""
    made: dict[tuple[str, str], list[Words]] = {}
    by = np.repeat(np.arange(cell.n), cell.copies).tolist() if cell.copies > 1 and clustered else None
    freedom = (cell.n if by else cell.n * cell.copies) - 1
    for odds in repeats(cell, count):
        for score in BOTH:
            m, found, delta = means(odds, score, by)
            if not cell.tau:
                made.setdefault(("checkpoints", score), []).append(checkpoint_words(m, found, cell.x, freedom, delta))
            if cell.number >= NEEDED["family"]:
                made.setdefault(("family", score), []).append(family_words(m, found, cell.x, delta))
    joined = {key: np.concatenate(each) for key, each in made.items()}
    for level in {level for level, _ in joined}:
        one, other = joined[level, "accuracy"], joined[level, "log odds"]
        joined[level, "headline"] = np.where(one == other, one, DEPENDS)
    return joined


def measured(
    wanted: Sequence[Limit], flat: int, other: int, over: Callable[..., Iterator[Drawn]] = map
) -> Iterator[Measured]:
    """Each limit beside the worst rate over its cells; each cell is drawn once, by `over`, a map."""
    every = list(dict.fromkeys(cell for limit in wanted for cell in limit.cells))
    found = dict(zip(every, over(words, every, [_count(cell, flat, other) for cell in every]), strict=True))
    for limit in wanted:
        rates = [
            (float(np.isin(found[cell][limit.level, score], list(limit.counted(cell.truth))).mean()), cell, score)
            for cell in limit.cells
            for score in limit.scores
        ]
        rate, cell, score = (min if limit.least else max)(rates, key=lambda each: each[0])
        error = math.sqrt(limit.limit * (1 - limit.limit) / _count(cell, flat, other))
        allowed = limit.limit + 2 * error * limit.allowance
        holds = rate >= allowed if limit.least else rate <= allowed
        yield Measured(limit, allowed, rate, f"{score}, {shown(cell)}", holds)


def _count(cell: Cell, flat: int, other: int) -> int:
    return flat if cell.truth == "flat" else other


def shown(cell: Cell) -> str:
    """A cell in a few words."""
    effect = f" {cell.effect:g}" if cell.effect else ""
    return f"{cell.truth}{effect}, K {cell.number}, n {cell.n}, tau {cell.tau:g}"


def compared(flat: int, other: int) -> Iterator[tuple[str, str, float]]:
    """Other procedures, and what this one does where its assumption fails: name, cell, how often a shape is claimed."""

    def claimed(cell: Cell, level: str, score: str, count: int, *, clustered: bool = True) -> tuple[str, float]:
        found = words(cell, count, clustered=clustered)[level, score]
        return shown(cell), float(np.isin(found, list(SHAPES)).mean())

    for number in FAMILY_KS:
        unbiased = Cell("flat", 0.0, number, 1000, 0.08, twins=True)
        yield "family headline, twins without any Yes-bias", *claimed(unbiased, "family", "headline", flat)
    for number in FAMILY_KS:
        carried = Cell("flat", 0.0, number, 1000, 0.05, carried=0.5)
        yield "family, AR(1) noise .5", *claimed(carried, "family", "accuracy", other)
    copies = Cell("flat", 0.0, 4, 50, 0.0, copies=20)
    ignored = claimed(copies, "checkpoints", "accuracy", other, clustered=False)
    yield "checkpoints, 20 paraphrases taken for facts", *ignored
    for name, cells_of in RIVALS.items():
        for cell in cells_of:
            claims = [rival(name, *means(odds, "accuracy", None)[:2], cell) for odds in repeats(cell, other)]
            yield name, shown(cell), float(np.concatenate(claims).mean())


def main() -> int:
    """Prints both tables in Markdown; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--flat", type=int, default=8000, help="repeats of a cell without a trend")
    parser.add_argument("--other", type=int, default=2000, help="repeats of any other")
    options = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        rows = list(measured(list(limits()), options.flat, options.other, pool.map))
    print("| what | level | limit | measured | worst cell | |\n|---|---|---|---|---|---|")
    for row in rows:
        sign = ">=" if row.limit.least else "<="
        bound, told = f"{sign} {row.allowed:.2%}", "holds" if row.holds else "MISSED"
        print(f"| {row.limit.what} | {row.limit.level} | {bound} | {row.rate:.2%} | {row.where} | {told} |")
    print("\n| beside it, not bounded | cell | claims |\n|---|---|---|")
    for name, where, rate in compared(options.flat, options.other):
        print(f"| {name} | {where} | {rate:.2%} |")
    return int(not all(row.holds for row in rows))


if __name__ == "__main__":
    sys.exit(main())
