"""One call of a model while a dataset is written: cached for good, counted against a budget, its faults counted.

Inspect retries what a provider says is passing. What is left ends nothing: the call gives no reply, and a reason.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from inspect_ai.model import CachePolicy, GenerateConfig, Model, ModelOutput
from inspect_ai.util import JSONSchema

from mwe_tasks.budget import BudgetSpent, Ledger
from mwe_tasks.errors import MweError

CHARACTERS_A_TOKEN = 4
"""Where no provider has counted."""
RETRIES = 6
"""Of a call that fails in passing (429, 5xx, a lost connection), unless --max-retries says otherwise; for a Task."""
ATTEMPT_SECONDS = 300
"""After which a call without an answer is tried again, unless the role's own `attempt_timeout` says otherwise."""
REFUSED_OPTIONS = {400, 404, 422}
"""HTTP codes with which providers answer options that they do not take."""


@dataclass
class Caller:
    """Calls models on behalf of one tree; equal calls of one name are one call, on this run and on any later one."""

    tree: str
    ledger: Ledger
    calls: int = 0
    """What this tree has used."""
    tokens: int = 0
    usd: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    """Calls without a reply, and replies that could not be read, by reason."""
    stopped: bool = False
    """Whether a call was not made because a budget was spent."""
    refused: dict[tuple[str, str], int] = field(default_factory=dict)
    """How many of the ways of asking each model refuses, by model and kind of call; shared by all trees of a run."""

    async def ask(
        self, model: Model, prompt: str, *, kind: str, name: str, ways: Sequence[GenerateConfig]
    ) -> ModelOutput | None:
        """The model's output; None, counted with its reason, where it gave none.

        `name` tells equal prompts apart in the cache: without it k draws would be one. `ways` are configs from the best
        to the plainest; where a model refuses the options of one, the next is tried, then and from then on. A call that
        no budget is left for is not made: it sets `stopped`, and lets those in flight come to their end.
        """
        patience = GenerateConfig(attempt_timeout=model.config.attempt_timeout or ATTEMPT_SECONDS)
        key = (str(model), kind)
        # An answer does not go stale: an entry never expires.
        cache = CachePolicy(expiry=None, scopes={"tree": self.tree, "call": f"{kind}/{name}"})
        for number, way in enumerate(ways):
            if number < self.refused.get(key, 0):
                continue
            expected = len(prompt) / CHARACTERS_A_TOKEN + (way.max_tokens or 0) / 2
            if not await self.ledger.begin(expected):
                self.stopped = True
                return None
            try:
                output = await model.generate(prompt, config=way.merge(patience), cache=cache)
            except MweError:
                raise
            except Exception as error:
                if number + 1 < len(ways) and status_of(error) in REFUSED_OPTIONS:
                    continue  # perhaps of this prompt alone: only where a plainer way is taken was it the options
                self.faults[f"{type(error).__name__} of {model}"] += 1
                return None
            else:
                self.refused[key] = max(self.refused.get(key, 0), number)
                self.count(model, output, tokens_of(output, prompt))
            finally:
                self.ledger.end(expected)
            if output.stop_reason == "content_filter":
                self.faults[f"refusal of {model}"] += 1
                return None
            return output
        return None

    def count(self, model: Model, output: ModelOutput, tokens: int) -> None:
        """Adds what a call of this tree used."""
        self.calls += 1
        self.tokens += tokens
        self.usd += (output.usage and output.usage.total_cost) or 0.0
        self.ledger.count(model, output, tokens)

    def check(self) -> None:
        """Raises BudgetSpent where a call was not made for want of budget, and what it would have said is missing."""
        if self.stopped:
            raise BudgetSpent


def ways_to_ask(base: GenerateConfig, *, temperature: float, wanted: GenerateConfig) -> list[GenerateConfig]:
    """Configs from the best to the plainest: not every provider takes a temperature, or what is wanted."""
    warm = GenerateConfig(temperature=temperature)
    return [base.merge(warm).merge(wanted), base.merge(wanted), base.merge(warm), base]


def tokens_of(output: ModelOutput, prompt: str) -> int:
    """The tokens, in and out, of a call; a quarter of its characters where the provider counts none."""
    if output.usage and output.usage.total_tokens:
        return output.usage.total_tokens
    return (len(prompt) + len(output.completion)) // CHARACTERS_A_TOKEN


def status_of(error: Exception) -> int | None:
    """The HTTP code of a provider's error, or of what it was raised from."""
    found = [getattr(each, "status_code", None) for each in (error, error.__cause__)]
    return next((code for code in found if isinstance(code, int)), None)


def schema_of(properties: Mapping[str, str], *, many: str) -> JSONSchema:
    """The schema of an object with one list, of objects whose properties have these JSON types."""
    item = JSONSchema(
        type="object",
        properties={name: JSONSchema(type=kind) for name, kind in properties.items()},  # type: ignore[arg-type]
        required=list(properties),
        additionalProperties=False,
    )
    return JSONSchema(
        type="object",
        properties={many: JSONSchema(type="array", items=item)},
        required=[many],
        additionalProperties=False,
    )
