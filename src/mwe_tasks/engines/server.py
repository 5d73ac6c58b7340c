"""The server engine: one dataset and one model of an OpenAI-compatible completions server, many prompts a request.

This is how models are scored that this machine cannot hold. Batches are kept in a part and merged into a log as the
bulk engine's are; prompts with a common beginning stand next to each other, for the server's prefix cache. Where the
server gives log probabilities of prompts (vLLM) each prompt is sent with every spelling of the labels behind it, and
what comes back is exact; elsewhere the likeliest tokens at the answer position are read, as Inspect's way reads them.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from mwe_tasks.completions import (
    LABEL_OPTIONS,
    Choice,
    Scored,
    completion_of,
    list_options,
    read_spellings,
    scored_of,
    text_options,
    with_spellings,
)
from mwe_tasks.engines.bulk import Planned
from mwe_tasks.errors import MweError
from mwe_tasks.jobs import Opened, Put
from mwe_tasks.packing import Batch, Plan
from mwe_tasks.parts import MODEL, Begun, Finished, Part, Said
from mwe_tasks.probing import SERVED, Ability, Served, served_ability
from mwe_tasks.providers.exact import raw_prompt
from mwe_tasks.served import Connection, Refused, Server

MOST = 32
"""Prompts a batch."""
CONNECTIONS = 8
"""Requests at a time, where nobody says how many: 256 prompts, as many as vLLM runs together by itself."""


class Wanted(NamedTuple):
    """What is asked after each prompt of a job."""

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
        MODEL: {"engine": "server", "served": list(served.models)},
        "batches": len(plan.batches),
        "batch plan": hashlib.sha256(repr([batch.asks for batch in plan.batches]).encode()).hexdigest(),
    }
    return Planned(Begun(header, len(plan.batches), _now(), []), puts, [], plan)


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
    wanted = Wanted(served_ability(labels, planned.begun.header[SERVED]), labels, opened.job.text)
    left = iter(numbers)

    async def work(connection: Connection) -> None:
        for number in left:
            began = _now()
            said = await _ask([planned.puts[each] for each in planned.plan.batches[number].asks], connection, wanted)
            await asyncio.to_thread(part.add, planned.begun, number, Finished(began, _now(), said))
            tell(number)

    async def run() -> None:
        async with Connection(server) as connection:
            workers = [asyncio.create_task(work(connection)) for _ in range(min(connections, len(numbers)))]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)

    asyncio.run(run())


async def _ask(puts: Sequence[Put], connection: Connection, wanted: Wanted) -> list[Said]:
    """What the server gives for these; alone, each that is too long for it."""
    try:
        if wanted.ability.estimator == "exact":
            return await _ask_exact(puts, connection, wanted)
        return await _ask_top(puts, connection, wanted)
    except Refused as refused:
        if len(puts) > 1:
            return [said for put in puts for said in await _ask([put], connection, wanted)]
        if not refused.too_long:
            raise MweError(f"{connection.server.url} refused a prompt: {str(refused).rstrip('.')}.") from None
        return [Said(puts[0].row.id, puts[0].stance, 0, None, ())]


async def _ask_exact(puts: Sequence[Put], connection: Connection, wanted: Wanted) -> list[Said]:
    sent = [with_spellings(raw_prompt(put.turns), wanted.labels) for put in puts]
    reply = await connection.complete([text for texts in sent for text in texts], LABEL_OPTIONS)
    choices = iter(reply.choices)
    read = [[_scored(next(choices)) for _ in texts] for texts in sent]
    texts: list[list[tuple[str, int, bool]]] = [[] for _ in puts]
    if wanted.text:
        options = {**text_options(wanted.ability.config), "logprobs": 1}  # how many tokens a text has is not said else
        written = await connection.complete([raw_prompt(put.turns) for put in puts], options)
        texts = [[completion_of(choice)[:3]] for choice in written.choices]
    return [
        Said(put.row.id, put.stance, len(scored[0].ids), read_spellings(scored, wanted.labels).model_dump(), text)
        for put, scored, text in zip(puts, read, texts, strict=True)
    ]


async def _ask_top(puts: Sequence[Put], connection: Connection, wanted: Wanted) -> list[Said]:
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
    scored = scored_of(choice)
    if scored is None:
        raise MweError("The server gave prompt log probabilities before, and gives none now: start it as it was.")
    return scored


def _shares(tokens: int, prompts: Sequence[str]) -> list[int]:
    """The tokens of each prompt, of which the server counts the sum alone: by length, and with that sum."""
    ends = [0]
    for prompt in prompts:
        ends.append(ends[-1] + len(prompt))
    marks = [round(tokens * end / max(1, ends[-1])) for end in ends]
    return [after - before for before, after in pairwise(marks)]


def _now() -> str:
    return datetime.now(UTC).isoformat()
