"""The bulk engine: one local model and one dataset in this process, batch by batch, without Inspect's per-sample work.

All prompts are made before the first batch runs, and what each batch gave is kept in a part (`parts`) as soon as it is
there; once all are there they are one log (`merging`). Which prompts run together follows from the job and the model
alone, so a run that was interrupted, or that several processes shared, gives the log of one that was not.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from inspect_ai.log import EvalLog
from inspect_ai.model import get_model

from mwe_tasks.asks import Ask, Given
from mwe_tasks.errors import MweError
from mwe_tasks.jobs import Opened, Put
from mwe_tasks.merging import merge
from mwe_tasks.packing import Plan
from mwe_tasks.parts import MODEL, Begun, Finished, Part, Said, now
from mwe_tasks.probing import exact_ability
from mwe_tasks.providers.exact import BulkModelAPI, Style
from mwe_tasks.runs import Run


class Shard(NamedTuple):
    """A share of a job's batches: those of number - 1, number - 1 + of, and so on."""

    number: int = 1
    of: int = 1

    def batches(self, count: int) -> range:
        """The numbers of its batches, counted from 0."""
        return range(self.number - 1, count, self.of)


def read_shard(text: str | None) -> Shard:
    """The share that I/N names, all of it for None; raises MweError for anything else."""
    if text is None:
        return Shard()
    number, _, of = text.partition("/")
    if not (number.isascii() and number.isdigit() and of.isascii() and of.isdigit() and 1 <= int(number) <= int(of)):
        raise MweError(f"--shard {text} names no share: write I/N with I from 1 to N, as in 1/8.")
    return Shard(int(number), int(of))


class Planned(NamedTuple):
    """A job as one model takes it."""

    begun: Begun
    puts: Sequence[Put]
    """Those that are run: of a local model the ones that fit its context, as `asks` has them."""
    asks: Sequence[Ask]
    """Empty where a server encodes its prompts."""
    plan: Plan

    def prompts(self, number: int) -> int:
        """How many prompts a batch has."""
        return len(self.plan.batches[number].asks)


def load(run: Run, threads: int | None = None) -> BulkModelAPI:
    """The model, on so many CPU threads, or on as many as its engine takes by itself; close it after use.

    Raises MweError where it cannot be loaded, and for a model that this engine does not run.
    """
    arguments: dict[str, Any] = dict(run.model_args)
    if threads is not None and run.provider == "gguf":
        arguments.setdefault("threads", threads)
    elif threads is not None and run.provider == "mwe-hf":
        with contextlib.suppress(ImportError):  # the provider says what is lacking
            import torch

            torch.set_num_threads(threads)
    api = get_model(run.model, memoize=False, **arguments).api
    if not isinstance(api, BulkModelAPI):
        raise MweError(f"The bulk engine runs no {run.provider} models: score {run.name} with --engine inspect.")
    return api


def plan_job(opened: Opened, model: BulkModelAPI) -> Planned:
    """Every prompt of a job as the model takes it, and which of them run together.

    Raises MweError where the model cannot take one of them.
    """
    style = cast("Style", opened.job.run.style or model.default_style)  # the task's arguments were checked
    ability = exact_ability(opened.data.labels, style)
    puts: list[Put] = []
    asks: list[Ask] = []
    too_long: list[Said] = []
    for put in opened.put(ability.style):
        prepared = model.prepare(put.turns, ability.config)
        if prepared.fits:
            puts.append(put)
            asks.append(prepared.ask if opened.job.text else prepared.ask._replace(drafts=()))
        else:
            too_long.append(Said(put.row.id, put.stance, len(prepared.tokens), None, ()))
    plan = model.plan(asks)
    header = {
        **opened.header,
        "style": ability.style,
        MODEL: model.facts,
        "batches": len(plan.batches),
        "batch plan": _hash(plan),
    }
    return Planned(Begun(header, len(plan.batches), now(), too_long), puts, asks, plan)


def run_batches(planned: Planned, model: BulkModelAPI, part: Part, numbers: Sequence[int]) -> Iterator[int]:
    """Runs these batches and keeps each in the part; gives the number of each once it is kept.

    Raises MweError where the model gives NaN for a label.
    """
    for number in numbers:
        began = now()
        given = model.run(planned.plan, planned.asks, number)
        said = [
            _said(planned.puts[ask], len(planned.asks[ask].prompt), each)
            for ask, each in zip(planned.plan.batches[number].asks, given, strict=True)
        ]
        part.add(planned.begun, number, Finished(began, now(), said))
        yield number


def log_of(opened: Opened, part: Part) -> EvalLog | None:
    """The log of a job, made of its part; None where a batch is lacking."""
    begun = part.begun()
    if begun is None:
        return None
    part.refuse_other(begun, opened.header)
    finished = part.finished(begun)
    return merge(opened, begun, finished) if len(finished) == begun.batches else None


def _said(put: Put, tokens: int, given: Given) -> Said:
    if isinstance(given.labels, MweError):
        raise given.labels
    labels = None if given.labels is None else given.labels.model_dump()
    return Said(put.row.id, put.stance, tokens, labels, [text[:3] for text in given.texts])


def _hash(plan: Plan) -> str:
    """The sha256 of which asks run together, in which rows of tokens."""
    found = hashlib.sha256()
    for batch in plan.batches:
        found.update(repr(batch).encode())
    return found.hexdigest()
