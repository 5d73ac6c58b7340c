"""What a completions server is asked, and what its replies mean, in the shapes of vLLM, SGLang and llama.cpp.

Pure: `served` sends and receives. The text and the likeliest tokens of a choice stand in one of two shapes:

    vLLM, SGLang  "logprobs": {"tokens": [..], "token_logprobs": [..], "top_logprobs": [{TOKEN: ln P, ..}, ..]}
    llama.cpp     "logprobs": {"content": [{"token", "logprob", "top_logprobs": [{"token", "logprob"}, ..]}, ..]}

With "prompt_logprobs": 0 vLLM gives each token of the prompt itself, and no other:

    vLLM          "prompt_logprobs": [null, {ID: {"logprob", "rank", "decoded_token"}}, ..]

so that prompt and spelling, sent together, bring back their own tokenisation and the probability of each token.
llama.cpp lists as many tokens as it is asked for, each with its "id", and answers /tokenize: so any token can be read.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

from inspect_ai.model import GenerateConfig

from mwe_tasks.errors import MweError
from mwe_tasks.label_rows import Wanted, read_labels
from mwe_tasks.labels import ABOVE_ZERO, LabelLogprobs, Tokens, prefix_free, spellings
from mwe_tasks.llama import LEAST, Completion

Choice = Mapping[str, Any]
Prompt = str | Sequence[int]
"""A text, or its tokens."""
Options = dict[str, Any]

LABEL_OPTIONS: Options = {"max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 0}
"""Asks for the log probability of each token of the prompt; the one token that is generated is not read."""
UNNAMED = -1
"""What stands for the id of a prompt's first token, which vLLM does not name."""


class Incomplete(Exception):
    """A reply that has not one choice for each prompt."""


class Scored(NamedTuple):
    """The tokens of a text that was sent as a prompt."""

    ids: Tokens
    logprobs: tuple[float, ...]
    """ln P of each after those before it, nats; 0 for the first, which nothing stands before, NaN where it is none."""


def text_options(config: GenerateConfig) -> Options:
    """A request for a text, and for the likeliest tokens at its positions where the config wants them."""
    options: Options = {"max_tokens": config.max_tokens, "temperature": config.temperature}
    if config.stop_seqs:
        options["stop"] = list(config.stop_seqs)
    return options if config.top_logprobs is None else {**options, "logprobs": config.top_logprobs}


def list_options(most: int) -> Options:
    """A request for the likeliest tokens at the first position, which no stop sequence hides."""
    return {"max_tokens": 1, "temperature": 0.0, "logprobs": most}


def choices_of(reply: object, prompts: int) -> list[Choice]:
    """The choices of a reply in the order of the prompts; raises Incomplete where they are not one each."""
    found = reply.get("choices") if isinstance(reply, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise Incomplete("no choices")
    by_index = {each.get("index"): each for each in found}
    if len(found) != prompts or set(by_index) != set(range(prompts)):
        raise Incomplete(f"{len(found)} choices for {prompts} prompts")
    return [by_index[index] for index in range(prompts)]


def completion_of(choice: Choice) -> Completion:
    """The text of a choice, with the likeliest tokens at its positions where they were asked for.

    Raises MweError where one at the first position is no log of a probability.
    """
    listed = _listed(choice.get("logprobs"))
    sound = next((number for number, token in enumerate(listed) if not _is_sound(token)), len(listed))
    if listed and not sound:
        raise MweError(no_logprob("one of the likeliest tokens"))
    text = str(choice.get("text") or "")
    return Completion(text, len(listed), choice.get("finish_reason") == "stop", tuple(listed[:sound]))


def likeliest_of(choice: Choice) -> dict[int, float] | None:
    """ln P of the likeliest tokens at the first position by id, nats; None where the server gives no ids.

    Raises MweError for one that is no log of a probability.
    """
    content = (choice.get("logprobs") or {}).get("content") or [{}]
    top = content[0].get("top_logprobs") or []
    if not top or not all(isinstance(each.get("id"), int) for each in top):
        return None
    if not all(map(_is_logprob, (each["logprob"] for each in top))):
        raise MweError(no_logprob("one of the likeliest tokens"))
    return {each["id"]: max(each["logprob"], LEAST) for each in top}


def scored_of(choice: Choice) -> Scored | None:
    """The tokens of the prompt of a choice; None where the server does not give each of them alone."""
    positions = choice.get("prompt_logprobs")
    if not isinstance(positions, list) or len(positions) < 2 or positions[0] is not None:
        return None
    ids, logprobs = [UNNAMED], [0.0]
    for position in positions[1:]:
        if not isinstance(position, Mapping) or len(position) != 1:
            return None
        [(token, found)] = position.items()
        if not str(token).isdecimal() or not isinstance(found, Mapping):
            return None
        ids.append(int(token))
        value = found.get("logprob")
        logprobs.append(float(value) if _is_logprob(value) else math.nan)
    return Scored(tuple(ids), tuple(logprobs))


def with_spellings(prompt: str, labels: Iterable[str]) -> list[str]:
    """What is sent as prompts to read the labels after one: it alone, then with each spelling of each label."""
    return [prompt, *(prompt + each for each in _distinct(labels))]


def read_spellings(scored: Sequence[Scored], labels: Sequence[str]) -> LabelLogprobs:
    """ln P of each label after a prompt, of the tokens of `with_spellings`: exact, nothing is left out.

    Raises MweError where a label cannot be read after the prompt, and for what is no log of a probability.
    """
    before = scored[0].ids
    joint = dict(zip(_distinct(labels), scored[1:], strict=True))
    added = prefix_free(before, lambda spelling: joint[spelling].ids, labels)
    known: dict[Wanted, float] = {}
    for sequences in added.values():
        for tokens, spelling in sequences.items():
            values = joint[spelling].logprobs[len(before) :]
            if not all(map(math.isfinite, values)):
                raise MweError(no_logprob(repr(spelling)))
            known |= {Wanted(tokens[:n], token): values[n] for n, token in enumerate(tokens)}
    return read_labels(known, added)


def no_logprob(what: str) -> str:
    """The sentence for a log probability that is null, NaN, a text or above 0."""
    return (
        f"The server gives no log of a probability for {what}: its weights are damaged, its --dtype is too small, or "
        "it is not to be trusted with log probabilities."
    )


def _distinct(labels: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(spelling for label in labels for spelling in spellings(label)))


def _listed(logprobs: object) -> list[dict[str, Any]]:
    if not isinstance(logprobs, Mapping):
        return []
    try:
        if content := logprobs.get("content"):
            return [_entry(each["token"], each["logprob"], _pairs(each.get("top_logprobs"))) for each in content]
        tokens, values = logprobs.get("tokens") or [], logprobs.get("token_logprobs") or []
        tops = logprobs.get("top_logprobs") or [None] * len(tokens)
        return [_entry(*each[:2], _pairs(each[2])) for each in zip(tokens, values, tops, strict=True)]
    except (LookupError, TypeError, ValueError, AttributeError):
        raise MweError("The server gives log probabilities in a shape that is none of vLLM's or llama.cpp's.") from None


def _pairs(top: object) -> list[tuple[str, Any]]:
    if isinstance(top, Mapping):
        return list(top.items())
    return [(each["token"], each["logprob"]) for each in top] if isinstance(top, list) else []


def _entry(token: str, logprob: object, top: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    likeliest = [{"token": each, "logprob": value} for each, value in top]
    return {"token": token, "logprob": logprob, "top_logprobs": likeliest}


def _is_sound(token: Mapping[str, Any]) -> bool:
    return all(map(_is_logprob, [token["logprob"], *(each["logprob"] for each in token["top_logprobs"])]))


def _is_logprob(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and value <= ABOVE_ZERO
