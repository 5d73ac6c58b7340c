"""What is asked of a local model, and what it gives: plain data, which no engine is needed for."""

from typing import NamedTuple

from mwe_tasks.errors import MweError
from mwe_tasks.label_rows import Added
from mwe_tasks.labels import LabelLogprobs, Tokens
from mwe_tasks.llama import Completion


class Draft(NamedTuple):
    """A text that is wanted after a prompt."""

    prompt: Tokens
    max_tokens: int
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    """0 takes the likeliest token each time."""
    top_p: float = 1.0
    top_k: int = 0
    """0 for all."""
    seed: int | None = None


class Ask(NamedTuple):
    """One prompt of many, and what is wanted after it."""

    prompt: Tokens
    added: Added
    """What the labels add after the prompt (`Transformer.continuations`); empty where no label is read."""
    drafts: tuple[Draft, ...] = ()
    """The texts that are wanted after it, each of which names the prompt again."""


class Given(NamedTuple):
    """What a model gives for an ask."""

    labels: LabelLogprobs | MweError | None
    """None where no label was asked for; an error where the model gives NaN, and then there are no texts."""
    texts: tuple[Completion, ...]
