"""Finds out, once at the start of a run, how a model can be asked: by a look at its provider and one fixed question.

Our own engines know ln P of every label (exact), some providers list the likeliest tokens (top_logprobs), from
the rest answers are drawn (sampled). Providers drop options they do not know in silence, hence the probe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser, GenerateConfig, Model, ModelOutput

from mwe_tasks.errors import MweError
from mwe_tasks.prompts import Style, Turn, render
from mwe_tasks.providers.exact import ExactModelAPI
from mwe_tasks.scoring import Estimator

PROBE = "Is water wet?"
RAW_PROVIDERS = ("openai-api-completions", "vllm-completions", "mockllm")
"""Providers that hand a single message to the model as raw text; our own do so when asked."""
CHAT_TOKENS = 1024
"""Room for the thinking of reasoning models; others stop after their answer. `--max-tokens` overrides it."""
COMPLETION_TOKENS = 8

WITH_LISTS = (
    GenerateConfig(logprobs=True, top_logprobs=20, temperature=0.0),
    GenerateConfig(logprobs=True, top_logprobs=5, temperature=0.0),
    GenerateConfig(logprobs=True, top_logprobs=20),
)
"""Ways to ask for log probabilities; providers differ in how many they list, and in whether they take a temperature."""
DRAWN = GenerateConfig(temperature=1.0)
SERVED = "the server"
"""What a part's header calls what a completions server gives."""
RESHAPING = ("top_p", "top_k", "logit_bias", "frequency_penalty", "presence_penalty")
"""Options that change the distribution whose shares and log probabilities are measured."""


@dataclass(frozen=True)
class Ability:
    """What one model gives, and the settings that make it give that."""

    style: Style
    estimator: Estimator
    config: GenerateConfig
    note: str
    """What the probe saw, in a few words."""


async def find_ability(model: Model, labels: Sequence[str], style: Style | None) -> Ability:
    """How to ask this model, found out by asking it one fixed question.

    Raises MweError for a model that cannot be asked in this style, or whose options change what is measured, and the
    provider's own error for one that refuses every request.
    """
    if reshaping := [f"--{name.replace('_', '-')}" for name in RESHAPING if getattr(model.config, name) is not None]:
        raise MweError(f"{' and '.join(reshaping)} would change the probabilities that are measured: leave it out.")
    provider = str(model).partition("/")[0]
    if provider == "hf":
        raise MweError(
            "The hf provider reports another token's log probability than the sampled one's: score the same checkpoint "
            f"with --model mwe-{model}, which reads all of them."
        )
    if isinstance(model.api, ExactModelAPI):
        return exact_ability(labels, style or model.api.default_style, max_tokens=model.config.max_tokens)
    chosen: Style = style or default_style(model)
    if chosen == "completion" and provider not in RAW_PROVIDERS:
        raise MweError(
            f"{model} puts each text in a chat template, so it cannot be asked in the completion style. "
            "Leave -T style out, or use a completions provider such as openai-api-completions/SERVICE/MODEL."
        )
    base = GenerateConfig(
        max_tokens=model.config.max_tokens or (COMPLETION_TOKENS if chosen == "completion" else CHAT_TOKENS),
        stop_seqs=stops(chosen),
    )
    turns = render(PROBE, labels=labels, style=chosen, template=0)
    return await _probe(model, [as_message(turn) for turn in turns], base, chosen)


def exact_ability(labels: Sequence[str], style: Style, *, max_tokens: int | None = None) -> Ability:
    """How a model of ours is asked, without a probe: for each label's log probability, and the likeliest short text."""
    config = GenerateConfig(
        max_tokens=max_tokens or COMPLETION_TOKENS,
        stop_seqs=stops(style),
        temperature=0.0,
        extra_body={"labels": list(labels), "style": style},
    )
    return Ability(style, "exact", config, "log probabilities of the labels")


class Served(NamedTuple):
    """What a completions server gives, as its probe in `served` found it; plain data once in a part."""

    way: Literal["prompts", "tokens", "lists"]
    """How labels are read: of prompts that end in them (vLLM), of lists of any length that name tokens by their ids
    (llama.cpp), which both are exact, or of the few likeliest tokens."""
    most: int | None
    """How many likeliest tokens it is asked for; None where labels are read exactly."""
    note: str
    models: Sequence[str]
    """What it says that it serves."""
    about: Mapping[str, Any] = {}
    """What it says of the model that is asked: its context length, of llama.cpp the size of its weights."""


def ability_of(labels: Sequence[str], header: Mapping[str, Any]) -> Ability:
    """How a model was asked whose batches are in a part with this header, by whichever engine."""
    return served_ability(labels, header[SERVED]) if SERVED in header else exact_ability(labels, header["style"])


def served_ability(labels: Sequence[str], served: Mapping[str, Any]) -> Ability:
    """How a model of a completions server is asked: as Inspect's way asks it, one prompt or many a request."""
    exact = exact_ability(labels, "completion")
    if served["way"] != "lists":
        return replace(exact, note=served["note"])
    config = GenerateConfig(max_tokens=COMPLETION_TOKENS, stop_seqs=stops("completion"), temperature=0.0)
    config = config.merge(GenerateConfig(logprobs=True, top_logprobs=served["most"]))
    return Ability("completion", "top_logprobs", config, served["note"])


def stops(style: Style) -> list[str] | None:
    """What ends a text of this style: of a completion its line."""
    return ["\n"] if style == "completion" else None


def default_style(model: Model) -> Style:
    """Completion for providers of raw text; else chat."""
    return "completion" if str(model).partition("/")[0].endswith("-completions") else "chat"


async def _probe(model: Model, messages: list[ChatMessage], base: GenerateConfig, style: Style) -> Ability:
    refusal = ""
    for wanted in WITH_LISTS:
        config = base.merge(wanted)
        try:
            output = await model.generate(messages, config=config)
        except Exception as error:
            refusal = f", asked for them it said: {_refusal(error)}"
            continue
        if listed := _listed(output):
            return Ability(style, "top_logprobs", config, f"top {listed} log probabilities")
        if output.completion and refusal:
            break  # what it refused may have been the temperature
        if output.completion:  # an empty reply tells nothing: ask again
            return Ability(style, "sampled", base.merge(DRAWN), "no log probabilities")
    config = base.merge(DRAWN)
    try:
        await model.generate(messages, config=config)
    except Exception as error:
        _refusal(error)
        config = base  # a model with one temperature, which it does not like to be told
        await model.generate(messages, config=config)
    return Ability(style, "sampled", config, f"no log probabilities{refusal}")


def _listed(output: ModelOutput) -> int:
    """How many likeliest tokens stand at the first position of a reply."""
    if not output.choices or not (logprobs := output.choices[0].logprobs) or not logprobs.content:
        return 0
    return len(logprobs.content[0].top_logprobs or [])


def _refusal(error: Exception) -> str:
    """What a provider said of the options it was sent; raises the error where it is about something else."""
    said = error.__cause__ or error  # Inspect's own error holds the whole request
    if not {getattr(each, "status_code", None) for each in (error, said)} & {400, 404, 422}:
        raise error
    return " ".join(str(said).split())[:200]


def as_message(turn: Turn) -> ChatMessage:
    """A turn as Inspect's message."""
    kind = ChatMessageUser if turn.role == "user" else ChatMessageAssistant
    return kind(content=turn.text)
