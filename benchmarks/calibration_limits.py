"""The limits that a verdict has to keep, each over the cells of the simulation that it is about."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from question_model import Cell

KS, NS, TAUS = (4, 5, 6, 8), (200, 1000), (0.0, 0.02, 0.05, 0.08)
FAMILY_KS = KS[1:]
SHAPES = frozenset({"standard", "inverse", "U", "inverted-U"})
BENT = frozenset({"U", "inverted-U"})
OPPOSITE = {"standard": "inverse", "inverse": "standard"}
BOTH = ("accuracy", "log odds")


class Limit(NamedTuple):
    """One limit of the procedure."""

    what: str
    level: str
    limit: float
    cells: tuple[Cell, ...]
    counted: Callable[[str], frozenset[str]]
    """Of a truth, the words that count."""
    scores: tuple[str, ...] = BOTH
    least: bool = False
    """Whether the rate is to be at least the limit, not at most."""
    allowance: bool = False
    """Whether two Monte Carlo standard errors are added to the limit."""


def cells(
    truths: Iterable[str],
    effects: Iterable[float],
    numbers: Iterable[int],
    ns: Sequence[int],
    taus: Iterable[float],
    **more: object,
) -> tuple[Cell, ...]:
    """Every combination of these."""
    return tuple(Cell(*each, **more) for each in itertools.product(truths, effects, numbers, ns, taus))  # type: ignore[arg-type]


def limits(ns: Sequence[int] = NS) -> Iterator[Limit]:
    """Every limit of the procedure, over cells of so many facts."""

    def of(word: str) -> frozenset[str]:
        return frozenset({word})

    def shapes(_: str) -> frozenset[str]:
        return SHAPES

    for level, numbers, taus in (("checkpoints", KS, (0.0,)), ("family", FAMILY_KS, TAUS)):
        family = level == "family"
        flat = cells(["flat"], [0.0], numbers, ns, taus)
        lines = cells(["standard", "inverse"], [0.1, 0.2], numbers, ns, taus)
        steep = tuple(cell for cell in lines if cell.effect == 0.2)
        rising = tuple(cell for cell in lines if cell.truth == "standard")
        bends = cells(["hinge", "plateau", "step"], [0.2], numbers, ns, taus)
        twins = {"numbers": numbers, "ns": ns, "taus": taus, "twins": True}
        scaled = cells(["flat"], [0.0], **twins, scale=8.0)
        biased = cells(["flat"], [0.0], **twins, bias=3.0)
        yield Limit("any shape under flat", level, 0.05 if family else 0.07, flat, shapes, allowance=family)
        yield Limit(
            "inverse under flat or standard", level, 0.03 if family else 0.05, flat + rising, lambda _: of("inverse")
        )
        yield Limit(
            "a U under line, hinge, plateau, step", level, 0.025, lines + bends, lambda _: BENT, allowance=family
        )
        yield Limit("standard called inverse, or back", level, 0.005, steep, lambda truth: of(OPPOSITE[truth]))
        yield Limit("wrong headline, logits x1 to x8", level, 0.02 if family else 0.04, scaled, shapes, ("headline",))
        yield Limit(
            "wrong headline, Yes-bias 0 to 3 nats", level, 0.03 if family else 0.05, biased, shapes, ("headline",)
        )
    paraphrased = cells(["flat"], [0.0], [4], [50], [0.0], copies=20)
    yield Limit("any shape under flat, 20 paraphrases", "checkpoints", 0.07, paraphrased, shapes, ("accuracy",))
    for truth, level, n, tau, number, least in POWERS:
        if n in ns:
            found = cells(
                [truth], [0.2], [number] if number else KS if level == "checkpoints" else FAMILY_KS, [n], [tau]
            )
            name = f"power, {truth} .20, n = {n}" + (f", tau {tau:g}, K {number or 'any'}" if level == "family" else "")
            yield Limit(name, level, least, found, of, ("accuracy",), least=True)


POWERS = (
    ("standard", "checkpoints", 200, 0.0, None, 0.95),
    ("U", "checkpoints", 1000, 0.0, None, 0.95),
    ("standard", "family", 200, 0.02, 6, 0.75),
    ("standard", "family", 200, 0.02, 8, 0.93),
    ("standard", "family", 1000, 0.02, None, 0.95),
    ("standard", "family", 1000, 0.05, 6, 0.45),
    ("standard", "family", 1000, 0.05, 8, 0.65),
    ("U", "family", 1000, 0.02, 6, 0.60),
    ("U", "family", 1000, 0.02, 8, 0.90),
)
