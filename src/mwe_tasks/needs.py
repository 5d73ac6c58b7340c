"""What scoring a dataset with each model takes, before anything is asked: calls, tokens, money, bytes."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from inspect_ai.model import ModelCost, get_model_info

from mwe_tasks.downloads import Weights, find_weights_of
from mwe_tasks.prompts import Shot, Style, render_stances
from mwe_tasks.readers import Dataset
from mwe_tasks.rows import Row
from mwe_tasks.runs import EXACT, IN_MEMORY, Run
from mwe_tasks.tasks import MIN_DRAWS, pick_shots

CHARACTERS_A_TOKEN = 4
"""What English text has per token of common tokenizers, roughly."""
TOKENS_AN_ANSWER = 8
SAMPLED = ("anthropic", "azureai", "bedrock", "groq", "mistral")
"""Providers that give no log probabilities, so that answers are drawn."""


class Prompts(NamedTuple):
    """The prompts of one style, counted."""

    number: int
    characters: int


class Range(NamedTuple):
    """From the least, where one call gives the log probabilities, to the most, where answers are drawn."""

    low: float
    high: float


class Need(NamedTuple):
    """What one model takes."""

    run: Run
    weights: Weights
    calls: Range
    tokens_in: Range
    tokens_out: Range
    dollars: Range | None
    """None where no price is known of a model of a service."""


def needs_of(
    runs: Sequence[Run],
    dataset: str,
    data: Dataset,
    arguments: Mapping[str, Any],
    questions: int,
    costs: Mapping[str, ModelCost],
) -> list[Need]:
    """What each model takes for a dataset's first questions, put as the task's arguments say.

    The local cache is looked at for its weights. `costs` are dollars a million tokens, by model, and go before those
    that Inspect knows. Raises MweError for a path of weights that is not there.
    """
    shots = pick_shots(dataset, arguments.get("shots", 0), seed=arguments.get("shot_seed", 0))
    how = {"template": arguments.get("template", 0), "frame": arguments.get("frame", "plain"), "shots": shots}
    rows = data.rows[:questions]
    prompts = {
        style: count_prompts(rows, data.labels, style=cast("Style", style or "chat"), **how)
        for style in {run.style for run in runs}
    }
    # Inspect loads a model that its list does not have, to ask for its name: no weights are to be held for that.
    services = {run.model for run in runs if run.provider not in (*EXACT, *IN_MEMORY)}
    known = {model: info.cost for model in services if (info := get_model_info(model)) and info.cost}
    return [
        need(run, prompts[run.style], arguments.get("draws", MIN_DRAWS), find_weights_of(run), {**known, **costs})
        for run in runs
    ]


def count_prompts(
    rows: Sequence[Row],
    labels: Sequence[str],
    *,
    style: Style,
    template: int = 0,
    frame: str = "plain",
    shots: Sequence[Shot] = (),
) -> Prompts:
    """The number and the length of every prompt that rows become, each rendered as the task renders it."""
    characters = count = 0
    for row in rows:
        how: dict[str, Any] = {"labels": labels, "style": style, "template": template, "shots": shots}
        for turns in render_stances(row.question, matching=row.matching, frame=frame, **how).values():
            characters += sum(len(turn.text) for turn in turns)
            count += 1
    return Prompts(count, characters)


def need(run: Run, prompts: Prompts, draws: int, weights: Weights, costs: Mapping[str, ModelCost]) -> Need:
    """What one model takes for these prompts; `costs` are dollars a million tokens, by model."""
    low = draws if run.provider in SAMPLED else 1
    high = 1 if run.provider in EXACT else draws
    calls = Range(prompts.number * low, prompts.number * high)
    tokens = prompts.characters / CHARACTERS_A_TOKEN
    tokens_in = Range(tokens * low, tokens * high)
    tokens_out = Range(*(TOKENS_AN_ANSWER * number for number in calls))
    dollars: Range | None = None
    if run.provider in (*EXACT, *IN_MEMORY):
        dollars = Range(0, 0)
    elif cost := costs.get(run.model):
        pairs = zip(tokens_in, tokens_out, strict=True)
        dollars = Range(*((cost.input * read + cost.output * written) / 1e6 for read, written in pairs))
    return Need(run, weights, calls, tokens_in, tokens_out, dollars)


def table(needs: Sequence[Need]) -> list[tuple[str, ...]]:
    """A line a model under a line of headings, in words."""
    head = ("model", "style", "download", "memory", "calls", "tokens in", "tokens out", "money")
    return [head, *map(_line, needs)]


def to_download(needs: Sequence[Need]) -> tuple[int, list[str]]:
    """The bytes that are known to be downloaded, and the models of which is not known how many."""
    known = sum(each.weights.download or 0 for each in needs)
    return known, [each.run.name for each in needs if each.weights.download is None]


def downloads_in_words(needs: Sequence[Need]) -> str:
    """A sentence on what would be downloaded; empty where nothing would."""
    known, unknown = to_download(needs)
    several = sum(bool(each.weights.download) for each in needs)
    parts = [f"about {in_bytes(known)} for {several} model{'s' * (several > 1)}"] if known else []
    parts += [f"an unknown number of bytes for {', '.join(unknown)}"] if unknown else []
    return f"To download: {', and '.join(parts)}." if parts else ""


def in_bytes(number: int | None) -> str:
    """Bytes in words: 810 MB."""
    if number is None:
        return "size unknown"
    unit, letter = next(((u, name) for u, name in ((1e9, "GB"), (1e6, "MB")) if number >= u), (1e3, "kB"))
    return f"{number / unit:.3g} {letter}"


def _line(each: Need) -> tuple[str, ...]:
    calls, tokens_in, tokens_out = (_range(found) for found in (each.calls, each.tokens_in, each.tokens_out))
    weights = each.weights
    memory = "-" if weights.size == 0 else in_bytes(weights.size)
    download = "-" if weights.download == 0 else in_bytes(weights.download)
    return each.run.name, each.run.style or "its own", download, memory, calls, tokens_in, tokens_out, _money(each)


def _money(each: Need) -> str:
    if each.dollars is None:
        return "price unknown"
    low, high = (f"${number:,.2f}" for number in each.dollars)
    return "none" if each.dollars.high == 0 else low if low == high else f"{low} to {high}"


def _range(found: Range) -> str:
    low, high = (f"{number:,.0f}" for number in found)
    return low if low == high else f"{low} to {high}"
