"""From Inspect's messages and config to what a local model is asked, and from what it gives to Inspect's output."""

from collections.abc import Mapping
from typing import Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelOutput,
    ModelUsage,
    StopReason,
    TopLogprob,
)

from mwe_tasks.asks import Draft, Given
from mwe_tasks.labels import LabelLogprobs, Tokens
from mwe_tasks.llama import Completion

MAX_TOKENS = 2048
"""The length of a text for which nobody asked one."""
NO_TEXT = Completion("", 0, False)
"""What stands for the text after a prompt that does not fit the context."""


def drafts(prompt: Tokens, config: GenerateConfig) -> tuple[Draft, ...]:
    """The num_choices texts that a config asks for, whose seeds count up from the one that was asked for."""
    one = Draft(
        prompt,
        max_tokens=config.max_tokens or MAX_TOKENS,
        stop=tuple(config.stop_seqs or ()),
        temperature=1.0 if config.temperature is None else config.temperature,
        top_p=1.0 if config.top_p is None else config.top_p,
        top_k=config.top_k or 0,
    )
    seeds = [None if config.seed is None else config.seed + n for n in range(config.num_choices or 1)]
    return tuple(one._replace(seed=seed) for seed in seeds)


def as_output(model: str, tokens: int, given: Given, config: GenerateConfig) -> ModelOutput:
    """The output after a prompt of so many tokens; where neither labels nor text were given, that of one too long."""
    written = sum(text.tokens for text in given.texts)
    choices = [_choice(model, text, config) for text in given.texts or (NO_TEXT,)]
    if given.labels is not None and not given.texts:
        choices[0].stop_reason = "unknown"  # none was asked for
    return ModelOutput(
        model=model,
        choices=choices,
        usage=ModelUsage(input_tokens=tokens, output_tokens=written, total_tokens=tokens + written),
        metadata={"labels": given.labels.model_dump()} if isinstance(given.labels, LabelLogprobs) else None,
    )


def stop_reason(text: Completion, config: GenerateConfig) -> StopReason:
    """Why a text ended: a stop, what was asked, or the context."""
    if text.finished:
        return "stop"
    return "max_tokens" if text.tokens >= (config.max_tokens or MAX_TOKENS) else "model_length"


def _choice(model: str, text: Completion, config: GenerateConfig) -> ChatCompletionChoice:
    message = ChatMessageAssistant(content=text.text, source="generate", model=model)
    logprobs = Logprobs(content=[_logprob(token) for token in text.listed]) if text.listed else None
    return ChatCompletionChoice(message=message, stop_reason=stop_reason(text, config), logprobs=logprobs)


def _logprob(token: Mapping[str, Any]) -> Logprob:
    top = [TopLogprob(token=each["token"], logprob=each["logprob"]) for each in token["top_logprobs"]]
    return Logprob(token=token["token"], logprob=token["logprob"], top_logprobs=top)
