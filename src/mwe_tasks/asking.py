"""The solver: puts each question to the model in the way that `probing` found, and stores the Readings."""

from collections.abc import Mapping, Sequence
from typing import Any

import anyio
from inspect_ai.model import (
    CachePolicy,
    ChatMessage,
    GenerateConfig,
    Model,
    ModelOutput,
    get_model,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.util import collect

from mwe_tasks.labels import LabelLogprobs, from_top_logprobs
from mwe_tasks.parsing import Answer, read_answer
from mwe_tasks.probing import Ability, as_message, find_ability
from mwe_tasks.prompts import Shot, Style, Turn, render_stances
from mwe_tasks.providers.exact import ExactModelAPI
from mwe_tasks.rows import Row
from mwe_tasks.scoring import Reading, read_draws, read_exact, read_top


@solver
def ask(
    *,
    labels: tuple[str, str],
    style: Style | None,
    template: int,
    frame: str,
    shots: Sequence[Shot],
    draws: int,
) -> Solver:
    """Stores under `readings` what the model gives for the sample's question, one Reading a stance."""
    abilities: dict[str, Ability] = {}
    lock = anyio.Lock()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        model = get_model()
        async with lock:
            if str(model) not in abilities:
                abilities[str(model)] = await find_ability(model, labels, style)
        ability = abilities[str(model)]
        row = Row.model_construct(**state.metadata["row"])  # its rules were kept where it was read
        readings: dict[str, Reading] = {}
        how: dict[str, Any] = {"labels": labels, "style": ability.style, "template": template, "shots": shots}
        for stance, turns in render_stances(row.question, matching=row.matching, frame=frame, **how).items():
            messages = [as_message(turn) for turn in turns]
            told = {
                "id": row.id,
                "fact": row.fact,
                "truth": row.truth,
                "matching": row.matching,
                "stance": stance,
            }
            outputs = await put(model, messages, ability, labels, draws=draws, row=told)
            readings[stance] = read(turns, outputs, ability, labels)
            if stance == "plain":
                state.messages = [*messages, outputs[0].message]
                state.output = outputs[0]
        state.store.set("readings", {stance: reading.model_dump() for stance, reading in readings.items()})
        state.store.set("labels", list(labels))
        state.store.set("style", ability.style)
        state.store.set("probe", ability.note)
        if isinstance(model.api, ExactModelAPI):
            state.store.set("model_facts", model.api.facts)
        return state

    return solve


async def put(
    model: Model,
    messages: list[ChatMessage],
    ability: Ability,
    labels: Sequence[str],
    *,
    draws: int,
    row: Mapping[str, Any],
) -> list[ModelOutput]:
    """The model's outputs for one prompt: `draws` of them where answers are sampled, else one."""
    config = ability.config
    if ability.estimator != "sampled":
        if isinstance(model.api, ExactModelAPI) and model.api.reads_row:
            config = config.merge(GenerateConfig(extra_body={**(config.extra_body or {}), "row": row}))
        return [await model.generate(messages, config=config)]

    async def draw(number: int) -> ModelOutput:
        # Equal requests share one cache entry, and so one answer, unless a scope tells them apart; equal seeds
        # give one answer too.
        seed = model.config.seed
        seeded = config if seed is None else config.merge(GenerateConfig(seed=seed + number))
        cache = CachePolicy(expiry=None, scopes={"draw": str(number)}) if model.config.cache else False
        return await model.generate(messages, config=seeded, cache=cache)

    return list(await collect(*[draw(number) for number in range(draws)]))


def read(turns: Sequence[Turn], outputs: Sequence[ModelOutput], ability: Ability, labels: Sequence[str]) -> Reading:
    """What these outputs say, by the model's estimator."""
    prompt = "\n\n".join(turn.text for turn in turns)
    answers = [answer_of(output, labels) for output in outputs]
    text = text_of(outputs[0])
    if ability.estimator == "exact":
        known = (outputs[0].metadata or {}).get("labels")  # absent where the prompt exceeds the context
        found = None if known is None else LabelLogprobs.model_validate(known)
        return read_exact(prompt, labels, found, text, answers[0])
    if ability.estimator == "top_logprobs":
        bounds = from_top_logprobs(top_of_answer(outputs[0], ability.config.top_logprobs), labels)
        return read_top(prompt, labels, bounds, text, answers[0])
    return read_draws(prompt, labels, [text_of(output) for output in outputs], answers)


def text_of(output: ModelOutput) -> str:
    """The generated text after any thinking; "" where the thinking was cut before its end.

    Inspect sets thinking apart where both of its tags stand in the reply, so only half a pair is left here.
    """
    _, tag, after = output.completion.rpartition("</think>")
    return after if tag else "" if after.lstrip().startswith("<think>") else after


def answer_of(output: ModelOutput, labels: Sequence[str]) -> Answer:
    """The label that an output's text gives, or why it gives none."""
    details = output.choices[0].stop_details if output.choices else None
    return read_answer(
        text_of(output),
        labels,
        refused=output.stop_reason == "content_filter" or (details is not None and details.type == "refusal"),
        cut=output.stop_reason in ("max_tokens", "model_length"),
    )


def top_of_answer(output: ModelOutput, most: int | None = None) -> list[tuple[str, float]]:
    """The likeliest tokens with ln P at the answer position; empty where the output lists none.

    That is the first token or, for a model that thought first, the first one of its answer that is not
    blank: the lists keep every token of the thinking. Of a longer list than was asked for only the
    `most` likeliest count, since some servers add the sampled token to them.
    """
    if not output.choices or output.choices[0].logprobs is None:
        return []
    tokens = output.choices[0].logprobs.content
    content = output.choices[0].message.content
    start: int | None = 0
    apart = not isinstance(content, str) and any(part.type == "reasoning" for part in content)
    if apart or text_of(output) != output.completion:
        start = _first_of(text_of(output).strip(), [token.token for token in tokens])
    if start is None or start >= len(tokens):
        return []
    listed = sorted(tokens[start].top_logprobs or [], key=lambda top: -top.logprob)[:most]
    return [(top.token, top.logprob) for top in listed]


def _first_of(answer: str, tokens: Sequence[str]) -> int | None:
    """Where the tokens begin that spell the answer last; only special tokens may follow it."""
    starts = (number for number, token in enumerate(tokens) if token.strip())
    found = [number for number in starts if "".join(tokens[number:]).strip().startswith(answer)]
    return found[-1] if answer and found else None
