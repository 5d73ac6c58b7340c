"""Which prompts begin alike: groups whose common beginning is worth running once for all of them."""

from collections.abc import Iterator, Sequence

from mwe_tasks.labels import Tokens

LEAST = 8
"""Tokens: a shorter beginning is run again in every row, which costs less than its keys and values."""
GAIN = 16
"""Tokens that a part of a group must share beyond what the group shares, to be a group of its own."""
MANY = 32
"""Prompts that such a part must have."""


def groups(prompts: Sequence[Tokens]) -> Iterator[tuple[Tokens, tuple[int, ...]]]:
    """Groups of prompts as (what they begin with, their numbers in the order of their tokens); each number in one.

    What a group begins with leaves at least one token of each of its prompts, and may be empty.
    """
    order = sorted(range(len(prompts)), key=lambda number: prompts[number])
    yield from _split(prompts, order)


def _split(prompts: Sequence[Tokens], order: Sequence[int]) -> Iterator[tuple[Tokens, tuple[int, ...]]]:
    if not order:
        return
    common = _common(prompts, order)
    parts: list[list[int]] = []
    for number in order:
        if not parts or prompts[number][: common + 1] != prompts[parts[-1][0]][: common + 1]:
            parts.append([])
        parts[-1].append(number)
    apart = [part for part in parts if len(parts) > 1 and _pays(prompts, part, common)]
    for part in apart:
        yield from _split(prompts, part)
    rest = [number for part in parts if part not in apart for number in part]
    if rest:
        common = _common(prompts, rest)
        yield prompts[rest[0]][: common if common >= LEAST else 0], tuple(rest)


def _pays(prompts: Sequence[Tokens], part: Sequence[int], common: int) -> bool:
    return len(part) >= MANY and _common(prompts, part) >= common + GAIN


def _common(prompts: Sequence[Tokens], order: Sequence[int]) -> int:
    """How many tokens all of them begin with; of sorted ones the first and the last differ most."""
    pairs = zip(prompts[order[0]], prompts[order[-1]], strict=False)
    least = min(len(prompts[number]) for number in order) - 1
    return next((n for n, (one, other) in enumerate(pairs) if one != other or n == least), least)
