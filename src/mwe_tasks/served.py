"""A completions server on a network: what it gives, and lists of prompts sent to it until answers come.

The openai client tries again what fails in passing (408, 409, 429, 5xx, a lost or silent connection), each time after
a longer wait, or as Retry-After says.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, NamedTuple, Self

import openai
from openai import AsyncOpenAI

from mwe_tasks.addresses import Server
from mwe_tasks.completions import (
    LABEL_OPTIONS,
    Choice,
    Incomplete,
    Options,
    Prompt,
    choices_of,
    completion_of,
    likeliest_of,
    list_options,
    scored_of,
    with_spellings,
)
from mwe_tasks.errors import MweError
from mwe_tasks.label_logprobs import SIZES
from mwe_tasks.labels import Tokens
from mwe_tasks.probing import PROBE, WITH_LISTS, Served
from mwe_tasks.prompts import render

MOST_PROMPTS = 64
"""In one request: vLLM's own most is higher, and the replies to more are large."""
INCOMPLETE = 3
"""How often a request is sent whose reply has not one choice for each prompt."""
TOO_LONG = re.compile(r"context (length|size|window)|maximum (sequence|model) length", re.IGNORECASE)
"""In what servers say of a prompt that does not fit."""


class Refused(Exception):
    """A request that the server does not take as it is."""

    @property
    def too_long(self) -> bool:
        """Whether that is because a prompt does not fit the context."""
        return TOO_LONG.search(str(self)) is not None


class Reply(NamedTuple):
    """What came back for a list of prompts."""

    choices: Sequence[Choice]
    """One for each, in their order."""
    tokens: int
    """Of all prompts together, as the server counts them; 0 where it does not."""


PASSING = ("created", "permission")
"""What a server says of a model that is new at each start."""


def find_served(server: Server, labels: Sequence[str]) -> Served:
    """What the server gives for the model, found out by asking it one fixed question.

    Raises MweError where there is none, it does not know the model or key, or it gives no log probabilities.
    """

    async def find() -> Served:
        async with Connection(server._replace(retries=min(server.retries, 2))) as connection:
            return await _probe(connection, labels)

    return asyncio.run(find())


class Connection:
    """An open client; for use in one event loop."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._models: list[str] = []
        self.about: dict[str, Any] = {}
        """What the server says of the model that is asked, once `models` was called."""
        self._tokenize = f"{server.url.rstrip('/').removesuffix('/v1')}/tokenize"
        self._client = AsyncOpenAI(
            api_key=server.key, base_url=server.url, max_retries=server.retries, timeout=server.seconds
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.close()

    async def models(self) -> list[str]:
        """The model that is asked where the server says that it serves it, else all that it does; without folders.

        Others come and go, so they are no part of what is asked. Empty where the server does not say.
        """
        try:
            with self._in_sentences():
                try:
                    found: Any = await self._client.get("/models", cast_to=object)
                except openai.NotFoundError:
                    return []
        except Refused:
            return []
        listed = found.get("data") if isinstance(found, dict) else None
        entries = [each for each in listed or [] if isinstance(each, dict)]
        self._models = [str(each.get("id")) for each in entries]
        asked = next((each for each in entries if each.get("id") == self.server.model), {})
        self.about = {name: _without_folders(value) for name, value in asked.items() if name not in PASSING}
        return [_without_folders(name) for name in ([self.server.model] if self.about else self._models)]

    async def encode(self, text: str) -> Tokens | None:
        """The tokens of a text, with BOS where the tokenizer adds one; None where the server does not say as llama.cpp.

        Special tokens are read as such, as in the prompts that are sent.
        """
        body = {"content": text, "add_special": True, "parse_special": True}
        try:
            with self._in_sentences():
                try:
                    found: Any = await self._client.post(self._tokenize, body=body, cast_to=object)
                except openai.NotFoundError:
                    return None
        except Refused:
            return None
        tokens = found.get("tokens") if isinstance(found, Mapping) else None
        return tuple(tokens) if tokens is not None and all(isinstance(each, int) for each in tokens) else None

    async def complete(self, prompts: Sequence[Prompt], options: Options) -> Reply:
        """The server's choices for these prompts; raises Refused, and MweError for what trying again does not help."""
        choices: list[Choice] = []
        tokens = 0
        for first in range(0, len(prompts), MOST_PROMPTS):
            some = prompts[first : first + MOST_PROMPTS]
            reply = await self._ask(some, {"model": self.server.model, "prompt": list(some), **options})
            choices += reply.choices
            tokens += reply.tokens
        return Reply(choices, tokens)

    async def _ask(self, prompts: Sequence[Prompt], body: Mapping[str, Any]) -> Reply:
        said = ""
        for _ in range(INCOMPLETE):
            with self._in_sentences():
                reply: Any = await self._client.post("/completions", body=body, cast_to=object)
            try:
                choices = choices_of(reply, len(prompts))
            except Incomplete as error:
                said = str(error)
                continue
            usage = reply.get("usage")
            return Reply(choices, (usage.get("prompt_tokens") or 0) if isinstance(usage, Mapping) else 0)
        raise MweError(
            f"{self.server.url} answered a list of prompts with {said}, {INCOMPLETE} times: the same command goes on "
            "from here, and a server that takes no lists of prompts is asked with --engine inspect."
        )

    @contextmanager
    def _in_sentences(self) -> Iterator[None]:
        server = self.server
        try:
            yield
        except openai.APITimeoutError:
            raise MweError(
                f"{server.url} gave no answer within {server.seconds:g} seconds: the same command goes on from here, "
                "with fewer --max-connections where the server is busy."
            ) from None
        except openai.APIConnectionError:
            raise MweError(
                f"There is no server at {server.url}, or it went away: start it, or set {server.service}_BASE_URL."
            ) from None
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            raise MweError(f"{server.url} does not take the key in {server.service}_API_KEY.") from None
        except openai.NotFoundError as error:
            known = f"it serves {', '.join(self._models)}" if self._models else f"it said: {_said(error)}"
            raise MweError(f"{server.url} knows no completions of {server.model}: {known}.") from None
        except openai.APIStatusError as error:
            if error.status_code < 500 and error.status_code != 429:
                raise Refused(_said(error)) from None
            raise MweError(
                f"{server.url} still answers {error.status_code} after {server.retries} retries: the same command "
                f"goes on from here (it said: {_said(error)})."
            ) from None
        except (openai.APIError, ValueError):
            raise MweError(f"{server.url} answers what is no JSON: it is no completions server.") from None


async def _probe(connection: Connection, labels: Sequence[str]) -> Served:
    models = await connection.models()
    [turn] = render(PROBE, labels=labels, style="completion", template=0)
    refusal = ""
    try:
        reply = await connection.complete(with_spellings(turn.text, labels), LABEL_OPTIONS)
        if all(scored_of(choice) is not None for choice in reply.choices):
            return Served("prompts", None, "prompt log probabilities", models, connection.about)
    except Refused as refused:
        refusal = f" (it said: {refused})"
    try:
        tokens = await connection.encode(turn.text)
    except MweError:  # of a path that this server may not have
        tokens = None
    if tokens is not None:
        try:
            reply = await connection.complete([list(tokens)], list_options(SIZES[0]))
            if len(likeliest_of(reply.choices[0]) or ()) == SIZES[0]:
                return Served("tokens", None, "log probabilities of any token", models, connection.about)
        except Refused as refused:
            refusal = f" (it said: {refused})"
    for most in dict.fromkeys(config.top_logprobs or 0 for config in WITH_LISTS):
        try:
            reply = await connection.complete([turn.text], list_options(most))
        except Refused as refused:
            refusal = f" (it said: {refused})"
            continue
        listed = completion_of(reply.choices[0]).listed
        if listed and (count := len(listed[0]["top_logprobs"])):
            return Served("lists", most, f"top {min(count, most)} log probabilities", models, connection.about)
    raise MweError(
        f"{connection.server.url} gives no log probabilities of {connection.server.model}: score it with "
        f"--engine inspect, which draws answers{refusal}."
    )


def _said(error: openai.APIStatusError) -> str:
    body = error.body if isinstance(error.body, Mapping) else {}
    return " ".join(str(body.get("message") or error.message).split())[:200].rstrip(".")


def _without_folders(value: Any) -> Any:
    return PurePath(value).name if isinstance(value, str) and value.startswith("/") else value
