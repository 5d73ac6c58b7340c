"""What a run will take, before anything is paid: calls, tokens and, where prices are known, money."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from inspect_ai.model import Model, get_model_info

from mwe_tasks import writing_prompts as prompts
from mwe_tasks.authoring import TOKENS_A_CANDIDATE, is_base
from mwe_tasks.behaviour import Behaviour
from mwe_tasks.calls import CHARACTERS_A_TOKEN
from mwe_tasks.cells import FACTS_PER_TREE, Cell
from mwe_tasks.judging import READINGS, Fact
from mwe_tasks.jury import BATCH
from mwe_tasks.settings import Settings, round_of

TOKENS_A_BLIND_ANSWER = 14
TOKENS_AN_OPEN_BOOK_ANSWER = 12
FACT_SHARE = 0.5
"""How much of an open-book sheet with one fact is that fact's own: a guess, on the high side."""


class Part(NamedTuple):
    """What one role is expected to take."""

    calls: float = 0
    tokens_in: float = 0
    tokens_out: float = 0


def estimate(
    behaviour: Behaviour, cells: Sequence[Cell], settings: Settings, roles: Mapping[str, Model | list[Model]]
) -> str:
    """Lines that say what the run is expected to take; nothing is asked of any model."""
    example = behaviour.examples["behaviour"][0]
    size = len(prompts.as_json(example)) / CHARACTERS_A_TOKEN
    line = len(example.wordings[0][0]) / CHARACTERS_A_TOKEN + 1
    writer, ranker, judge = Part(), Part(), Part()
    generator = roles.get("generator")
    base = isinstance(generator, Model) and is_base(generator)
    for cell in cells:
        for owed in _rounds(cell.owed, settings):
            width, most = round_of(settings, owed)
            place: dict[str, Any] = {"topic": cell.topic, "arm": cell.arm, "matching": cell.matching, "known": []}
            if base:
                asked = prompts.continue_blocks(behaviour, **place)
                writer = _plus(writer, width, width * len(asked) / CHARACTERS_A_TOKEN, width * TOKENS_A_CANDIDATE)
            else:
                asked = prompts.generate(behaviour, **place, count=width)
                writer = _plus(writer, 1, len(asked) / CHARACTERS_A_TOKEN, width * size)
            if settings.steering == "ranked" and width > most:
                shown = len(prompts.rank(behaviour, [])) / CHARACTERS_A_TOKEN + width * line
                ranker = _plus(ranker, settings.shifts, settings.shifts * shown, settings.shifts)
            if behaviour.truth_of is None or "judge" in roles:
                judge = _read(judge, behaviour, settings.accept or width, example)
    parts = {"generator": writer, "ranker": ranker, "judge": judge}
    rows = sum(cell.owed for cell in cells) * (2 if behaviour.twins else 1)
    total = _sum(parts.values())
    lines = [
        f"{behaviour.name}: {rows} rows in {len(cells)} cells, if every round keeps what it needs; more where not."
    ]
    for name, part in parts.items():
        lines.append(f"  {name}: {part.calls:.0f} calls, {part.tokens_in:,.0f} tokens in, {part.tokens_out:,.0f} out")
    used = total.tokens_in + total.tokens_out
    lines.append(f"  all: {total.calls:.0f} calls, {used:,.0f} tokens, {used / rows:.0f} tokens a row")
    lines.append(f"  {_money(parts, roles)}")
    return "\n".join(lines)


def _rounds(owed: int, settings: Settings) -> list[int]:
    """What each round owes: one a tree where it may pick as many as it needs, else as many as its picks allow."""
    each = min(FACTS_PER_TREE, settings.accept or FACTS_PER_TREE, settings.width or FACTS_PER_TREE)
    whole, rest = divmod(owed, each)
    return [each] * whole + [rest] * bool(rest)


def _read(judge: Part, behaviour: Behaviour, most: int, example: Fact) -> Part:
    """With the readings of so many picked facts."""
    sheets = -(-most // BATCH)
    question = len(example.wordings[0][0]) / CHARACTERS_A_TOKEN
    blind = sheets * len(prompts.blind(behaviour, [])) / CHARACTERS_A_TOKEN + most * question
    judge = _plus(judge, READINGS * sheets, READINGS * blind, READINGS * most * TOKENS_A_BLIND_ANSWER)
    fact = FACT_SHARE * len(prompts.open_book([example])) / CHARACTERS_A_TOKEN
    open_book = sheets * len(prompts.open_book([])) / CHARACTERS_A_TOKEN + most * fact
    return _plus(judge, sheets, open_book, most * TOKENS_AN_OPEN_BOOK_ANSWER)


def _plus(part: Part, calls: float, tokens_in: float, tokens_out: float) -> Part:
    return Part(part.calls + calls, part.tokens_in + tokens_in, part.tokens_out + tokens_out)


def _sum(parts: Iterable[Part]) -> Part:
    return Part(*map(sum, zip(*parts, strict=True)))


def _money(parts: Mapping[str, Part], roles: Mapping[str, Model | list[Model]]) -> str:
    dollars = 0.0
    for role, part in parts.items():
        if not part.calls:
            continue
        given = roles.get(role)
        models = given if isinstance(given, list) else [given]
        infos = [None if model is None else get_model_info(model) for model in models]
        costs = [info.cost for info in infos if info is not None and info.cost is not None]
        if len(costs) < len(models):
            return f"no price is known of the {role}, so none of the whole"
        dollars += sum(c.input * part.tokens_in + c.output * part.tokens_out for c in costs) / len(costs) / 1e6
    return f"about ${dollars:.2f}"
