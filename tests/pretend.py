"""A local model that costs nothing: what it gives is a hash of the prompt and of those in the same batch.

Importing this registers its provider, `pretend/NAME`, and has `mwe score` run it in bulk. As a script it is `mwe` with
that provider, for tests that kill it.
"""

import hashlib
import math
import os
import sys
import time
from contextlib import suppress
from typing import ClassVar
from weakref import WeakSet

from inspect_ai.model import modelapi

from mwe_tasks import runs
from mwe_tasks.asks import Given
from mwe_tasks.errors import MweError
from mwe_tasks.labels import LabelLogprobs
from mwe_tasks.llama import Completion
from mwe_tasks.packing import Batch, Plan
from mwe_tasks.providers.exact import BulkModelAPI, Prepared
from mwe_tasks.translating import drafts

BATCH = 3
SPECIAL = "<|end|>"


@modelapi(name="pretend")
def pretend():
    return Pretend


class Pretend(BulkModelAPI):
    """Its `ran` are the batches that were run, `loaded` the models that are not closed, `alone` how many there were.

    Like a model of torch it holds itself, so that only a collection frees it.
    """

    context = 10_000
    stop_after = math.inf
    ran = 0
    loaded: ClassVar[list[str]] = []
    alone: ClassVar[list[int]] = []
    held: ClassVar[WeakSet] = WeakSet()

    def __init__(self, model_name, base_url=None, api_key=None, config=None, **options):
        super().__init__(model_name, base_url, api_key, [], config)
        if model_name == "absent":
            raise MweError("There is no such model. Take another.")
        self.options = options
        self.loaded.append(model_name)
        self.itself = self
        self.held.add(self)
        self.alone.append(len(self.held))
        if model_name == "late":
            raise MweError("Its context is too short.")

    def close(self):
        with suppress(ValueError):
            self.loaded.remove(self.model_name)

    @property
    def default_style(self):
        return "chat"

    @property
    def facts(self):
        return {"engine": "pretence", "threads": int(os.environ.get("PRETEND_THREADS", "1")), **self.options}

    def prepare(self, messages, config):
        prompt = "".join(f"[{each.role}] {each.text}\n" for each in messages)
        if SPECIAL in prompt:
            raise MweError(f"A question holds {SPECIAL}, a special token: take it out.")
        tokens = tuple(prompt.encode())
        added = {label: {(number,): f" {label}"} for number, label in enumerate(self.asked(config).labels)}
        return Prepared(prompt, tokens, added, drafts(tokens, config), len(tokens) <= self.context)

    def plan(self, asks):
        order = sorted(range(len(asks)), key=lambda number: len(asks[number].prompt))
        return Plan(tuple(Batch((), tuple(order[n : n + BATCH])) for n in range(0, len(order), BATCH)))

    def run(self, plan, asks, number):
        time.sleep(float(os.environ.get("PRETEND_SECONDS", "0")))
        if type(self).ran >= self.stop_after:
            raise KeyboardInterrupt
        type(self).ran += 1
        together = repr([asks[each].prompt for each in plan.batches[number].asks])
        return [self.given(asks[each], together) for each in plan.batches[number].asks]

    def given(self, ask, together):
        share = share_of(f"{self.model_name} {together} {ask.prompt}")
        if self.model_name == "damaged":
            return Given(MweError("It gives NaN. Copy it again."), ())
        found = {label: math.log(part) for label, part in zip(ask.added, (share, 0.9 - share), strict=True)}
        labels = LabelLogprobs(
            logprob=found, canonical=found, tolerance=0.0, spellings={f" {label}": ln for label, ln in found.items()}
        )
        text = "Yes" if share > 0.3 else "No" if share > 0.1 else "Well"
        return Given(labels, tuple(Completion(text, 2, True) for _ in ask.drafts))

    async def generate(self, input, tools, tool_choice, config):
        raise AssertionError("pretend models are run in bulk alone")


def share_of(text):
    """A number from 0.05 to 0.85 that follows from a text."""
    return 0.05 + 0.8 * int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


runs.BULK = (*runs.BULK, "pretend")
runs.IN_MEMORY = (*runs.IN_MEMORY, "pretend")

if __name__ == "__main__":
    from mwe_tasks.cli import main

    main(sys.argv[1:])
