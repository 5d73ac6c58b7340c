"""The server engine: one dataset and one model of an OpenAI-compatible completions server, many prompts a request.

This is how models are scored that this machine cannot hold. Batches are kept in a part and merged into a log as the
bulk engine's are; prompts with a common beginning stand next to each other, for the server's prefix cache. Where the
server gives log probabilities of prompts (vLLM) each prompt is sent with every spelling of the labels behind it, and
what comes back is exact. So is what is read of lists of any length (llama.cpp), as the gguf provider reads them.
Elsewhere the likeliest tokens at the answer position are read, as Inspect's way reads them.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from mwe_tasks.addresses import Server
from mwe_tasks.completions import (
    LABEL_OPTIONS,
    Choice,
    Scored,
    completion_of,
    likeliest_of,
    list_options,
    read_spellings,
    scored_of,
    text_options,
    with_spellings,
)
from mwe_tasks.engines.bulk import Planned
from mwe_tasks.errors import MweError
from mwe_tasks.jobs import Opened, Put
from mwe_tasks.label_logprobs import measure
from mwe_tasks.labels import LabelLogprobs, Tokens, continuations
from mwe_tasks.packing import Batch, Plan
from mwe_tasks.parts import MODEL, Begun, Finished, Part, Said, now
from mwe_tasks.probing import SERVED, Ability, Served, served_ability
from mwe_tasks.providers.exact import raw_prompt
from mwe_tasks.served import Connection, Refused
from mwe_tasks.translating import NO_TEXT

Given = TypeVar("Given")

MOST = 32
"""Prompts a batch."""
CONNECTIONS = 8
"""Requests at a time, where nobody says how many: 256 prompts, as many as vLLM runs together by itself."""


class Wanted(NamedTuple):
    """What is asked after each prompt of a job."""

    way: str
    """As `Served` has it."""
    ability: Ability
    labels: Sequence[str]
    text: bool


def plan_job(opened: Opened, served: Served) -> Planned:
    """Every prompt of a job and which of them go together, for a server that gives what `served` says.

    Raises MweError for the chat style.
    """
    if opened.job.run.style == "chat":
        raise MweError(
            f"--engine server sends raw prompts, so {opened.job.run.name} cannot be asked in the chat style: leave "
            "--engine server out, and name it openai-api/SERVICE/MODEL."
        )
    puts = opened.put("completion")
    prompts = [raw_prompt(put.turns) for put in puts]
    order = sorted(range(len(puts)), key=prompts.__getitem__)
    plan = Plan(tuple(Batch((), tuple(order[first : first + MOST])) for first in range(0, len(order), MOST)))
    header = {
        **opened.header,
        "style": "completion",
        "engine": "server",
        SERVED: served._asdict(),
        MODEL: {"engine": "server", "served": list(served.models), "about": dict(served.about)},
        "batches": len(plan.batches),
        "batch plan": hashlib.sha256(repr([batch.asks for batch in plan.batches]).encode()).hexdigest(),
    }
    return Planned(Begun(header, len(plan.batches), now(), []), puts, [], plan)


def run_batches(
    opened: Opened,
    planned: Planned,
    server: Server,
    part: Part,
    numbers: Sequence[int],
    *,
    connections: int,
    tell: Callable[[int], None],
) -> None:
    """Runs these batches, so many at a time, keeps each in the part and then tells its number.

    Raises MweError where the server goes away, or gives what no score can be made of; what is kept stays.
    """
    labels = opened.data.labels
    served = planned.begun.header[SERVED]
    wanted = Wanted(served["way"], served_ability(labels, served), labels, opened.job.text)
    left = iter(numbers)

    async def work(connection: Connection) -> None:
        for number in left:
            began = now()
            said = await _ask([planned.puts[each] for each in planned.plan.batches[number].asks], connection, wanted)
            await asyncio.to_thread(part.add, planned.begun, number, Finished(began, now(), said))
            tell(number)

    async def run() -> None:
        # Readers of tokens wait in threads for requests, which need one themselves: for a host's address, above all.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2 * connections + 4))
        async with Connection(server) as connection:
            workers = [asyncio.create_task(work(connection)) for _ in range(min(connections, len(numbers)))]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)

    asyncio.run(run())


class Read(NamedTuple):
    """What was read of the labels after a prompt."""

    tokens: int
    """Of the prompt."""
    labels: LabelLogprobs


async def _ask(puts: Sequence[Put], connection: Connection, wanted: Wanted) -> list[Said]:
    """What the server gives for these; alone, each that is too long for it."""
    try:
        if wanted.way == "lists":
            return await _read_lists(puts, connection, wanted)
        read = _read_prompts if wanted.way == "prompts" else _read_tokens
        found = await read([raw_prompt(put.turns) for put in puts], connection, wanted.labels)
        try:
            texts = await _write(puts, connection, wanted)
        except Refused as refused:  # the labels were read; only a text has no room
            if len(puts) > 1 or not refused.too_long:
                raise
            texts = [[NO_TEXT[:3]]]
        return [
            Said(put.row.id, put.stance, each.tokens, each.labels.model_dump(), text)
            for put, each, text in zip(puts, found, texts, strict=True)
        ]
    except Refused as refused:
        if len(puts) > 1:
            return [said for put in puts for said in await _ask([put], connection, wanted)]
        if not refused.too_long:
            raise MweError(f"{connection.server.url} refused a prompt: {refused}.") from None
        return [Said(puts[0].row.id, puts[0].stance, 0, None, ())]


async def _read_prompts(prompts: Sequence[str], connection: Connection, labels: Sequence[str]) -> list[Read]:
    sent = [with_spellings(prompt, labels) for prompt in prompts]
    reply = await connection.complete([text for texts in sent for text in texts], LABEL_OPTIONS)
    choices = iter(reply.choices)
    scored = [[_scored(next(choices)) for _ in texts] for texts in sent]
    return [Read(len(each[0].ids), read_spellings(each, labels)) for each in scored]


async def _read_tokens(prompts: Sequence[str], connection: Connection, labels: Sequence[str]) -> list[Read]:
    loop = asyncio.get_running_loop()

    def wait_for(answer: Coroutine[Any, Any, Given]) -> Given:
        return asyncio.run_coroutine_threadsafe(answer, loop).result()

    def encode(text: str) -> Tokens:
        return _given_before(wait_for(connection.encode(text)))

    def likeliest(tokens: Tokens, most: int) -> Mapping[int, float]:
        reply = wait_for(connection.complete([list(tokens)], list_options(most)))
        return _given_before(likeliest_of(reply.choices[0]))

    def read(prompt: str) -> Read:
        tokens = encode(prompt)
        added = continuations(encode, prompt, labels)
        return Read(len(tokens), measure(likeliest, tokens, added))

    return [await asyncio.to_thread(read, prompt) for prompt in prompts]


async def _write(
    puts: Sequence[Put], connection: Connection, wanted: Wanted
) -> Sequence[Sequence[tuple[str, int, bool]]]:
    """The texts after these prompts; none where none are wanted."""
    if not wanted.text:
        return [()] * len(puts)
    options = {**text_options(wanted.ability.config), "logprobs": 1}  # how many tokens a text has is not said else
    reply = await connection.complete([raw_prompt(put.turns) for put in puts], options)
    return [[completion_of(choice)[:3]] for choice in reply.choices]


async def _read_lists(puts: Sequence[Put], connection: Connection, wanted: Wanted) -> list[Said]:
    prompts = [raw_prompt(put.turns) for put in puts]
    alone = list_options(wanted.ability.config.top_logprobs or 0)
    reply = await connection.complete(prompts, text_options(wanted.ability.config) if wanted.text else alone)
    found = [completion_of(choice) for choice in reply.choices]
    # llama.cpp lists nothing for a text that its stop sequence ends at once.
    if (lacking := [number for number, text in enumerate(found) if not text.listed]) and wanted.text:
        again = await connection.complete([prompts[number] for number in lacking], alone)
        for number, choice in zip(lacking, again.choices, strict=True):
            found[number] = found[number]._replace(listed=completion_of(choice).listed)
    return [
        Said(put.row.id, put.stance, tokens, None, [list(text)])
        for put, tokens, text in zip(puts, _shares(reply.tokens, prompts), found, strict=True)
    ]


def _scored(choice: Choice) -> Scored:
    return _given_before(scored_of(choice))


def _given_before(what: Given | None) -> Given:
    if what is None:
        raise MweError("The server gave log probabilities before that it does not give now: start it as it was.")
    return what


def _shares(tokens: int, prompts: Sequence[str]) -> list[int]:
    """The tokens of each prompt, of which the server counts the sum alone: by length, and with that sum."""
    ends = [0]
    for prompt in prompts:
        ends.append(ends[-1] + len(prompt))
    marks = [round(tokens * end / max(1, ends[-1])) for end in ends]
    return [after - before for before, after in pairwise(marks)]
