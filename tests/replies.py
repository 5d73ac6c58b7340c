"""What a scripted model says: a `Reply` to each prompt, spoken token by token.

Pure: the server in `server.py` puts it on the wire.
"""

import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

REFUSAL = "I'm sorry, but I can't help with that."
UNLIKELY = -9999.0  # OpenAI's log probability of a generated token that is too unlikely to have one


@dataclass(frozen=True)
class Reply:
    """What the model would say to one prompt."""

    logprobs: Mapping[str, float] = field(default_factory=dict)
    """Log probabilities of the tokens at the answer's first position, after any thinking."""
    text: str | None = None
    """The whole answer; where None, one token drawn from `logprobs`."""
    thinking: str | None = None
    refusal: str | None = None
    """Said in place of the answer, in chat in OpenAI's field of that name. A plain refusal is a `text`."""
    finish_reason: str = "stop"


class Token(NamedTuple):
    text: str
    logprob: float
    ranked: list[tuple[str, float]]  # what could have stood here, the most probable first


class Choice(NamedTuple):
    thinking: list[Token]
    answer: list[Token]
    refused: bool
    finish_reason: str

    @property
    def tokens(self) -> list[Token]:
        return self.thinking + self.answer


def pieces(text: str) -> list[str]:
    """The tokens of a text: words with the space before them, marks, thinking tags. Their sum is the text."""
    return re.findall(r"</?think>|\s?\w+|\s?[^\w\s<]+|<|\s", text)


def join(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens)


def token_at(piece: str, logprobs: Mapping[str, float]) -> Token:
    ranked = sorted(logprobs.items(), key=lambda entry: (-entry[1], entry[0]))
    return Token(piece, logprobs.get(piece, UNLIKELY), ranked)


def tokens_of(text: str) -> list[Token]:
    return [token_at(piece, {piece: math.log(0.9), "...": math.log(0.1)}) for piece in pieces(text)]


def pick(logprobs: Mapping[str, float], temperature: float, draw: random.Random) -> str:
    best = max(logprobs, key=lambda token: logprobs[token])
    if temperature == 0:
        return best
    weights = [math.exp((logprob - logprobs[best]) / temperature) for logprob in logprobs.values()]
    return draw.choices(list(logprobs), weights)[0]


def speak(reply: Reply, *, temperature: float, limit: int | None, draw: random.Random) -> Choice:
    """A reply as tokens, cut at the limit, towards which thinking counts."""
    said = reply.text if reply.refusal is None else reply.refusal
    if said is None:
        answer = [token_at(pick(reply.logprobs, temperature, draw), reply.logprobs)]
    else:
        answer = tokens_of(said)
        if answer and reply.logprobs:
            answer[0] = token_at(answer[0].text, reply.logprobs)
    thinking = tokens_of("" if reply.thinking is None else f"<think>\n{reply.thinking}\n</think>\n\n")
    length = len(thinking) + len(answer)
    kept = length if limit is None else min(limit, length)
    finish_reason = reply.finish_reason if kept == length else "length"
    return Choice(thinking[:kept], answer[: max(0, kept - len(thinking))], reply.refusal is not None, finish_reason)


def chat_logprobs(tokens: list[Token], k: int) -> list[dict[str, Any]]:
    def entry(text: str, logprob: float) -> dict[str, Any]:
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}

    return [
        entry(token.text, token.logprob) | {"top_logprobs": [entry(*top) for top in token.ranked[:k]]}
        for token in tokens
    ]


def completion_logprobs(tokens: list[Token], k: int) -> dict[str, Any]:
    """The older shape, in which the generated token joins the top k where it is not one of them."""
    return {
        "tokens": [token.text for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [dict(token.ranked[:k]) | {token.text: token.logprob} for token in tokens],
        "text_offset": [len(join(tokens[:position])) for position in range(len(tokens))],
    }
