"""What a writing run has used, and may: no call begins that a budget would not pay."""

import math
from dataclasses import dataclass, field

import anyio
from inspect_ai.model import Model, ModelOutput

from mwe_tasks.errors import MweError


@dataclass
class Ledger:
    """What a run has used, and may."""

    budget_tokens: int | None = None
    budget_usd: float | None = None
    tokens: int = 0
    usd: float = 0.0
    calls: int = 0
    owed: int = 0
    """Facts that the trees which have ended owed: what they took tells what the next ones will."""
    in_flight: list[float] = field(default_factory=list)
    """The tokens that each call which has begun is expected to take."""
    ended: anyio.Event = field(default_factory=anyio.Event)
    """Set when the next call ends."""

    @property
    def spent(self) -> bool:
        """Whether a budget is used up, so that no further call may begin."""
        return (self.budget_tokens is not None and self.tokens >= self.budget_tokens) or (
            self.budget_usd is not None and self.usd >= self.budget_usd
        )

    async def begin(self, expected: float) -> bool:
        """Whether a call of so many tokens may begin; waits while those in flight may use up what is left for it."""
        while not self.spent:
            unknown = self.budget_usd is not None and not self.usd  # what a call costs, the first one tells
            if not self.in_flight or not (unknown or self._exceeds(sum(self.in_flight) + expected)):
                self.in_flight.append(expected)
                return True
            await self.ended.wait()
        return False

    def end(self, expected: float) -> None:
        """A call of so many expected tokens has ended."""
        self.in_flight.remove(expected)
        self.ended.set()
        self.ended = anyio.Event()

    def _exceeds(self, more: float) -> bool:
        """Whether so many tokens more would exceed a budget, at the price that tokens have had so far."""
        price = self.usd / self.tokens if self.tokens else 0.0
        return (self.budget_tokens is not None and self.tokens + more > self.budget_tokens) or (
            self.budget_usd is not None and self.usd + more * price > self.budget_usd
        )

    def affordable(self, *, guess: float) -> float:
        """How many facts what is left can pay; `guess` is the tokens of one, until trees have ended.

        Infinite without a budget, and NaN where one is in dollars and no tree has ended.
        """
        facts = math.inf
        if self.budget_tokens is not None:
            facts = (self.budget_tokens - self.tokens) / (self.tokens / self.owed if self.owed else guess)
        if self.budget_usd is not None:
            dollars = (self.budget_usd - self.usd) / (self.usd / self.owed) if self.owed and self.usd else math.nan
            facts = min(facts, dollars) if dollars == dollars else math.nan
        return facts

    def count(self, model: Model, output: ModelOutput, tokens: int) -> None:
        """Adds what a call used; a replayed one counts as when it was paid for: a budget holds over restarts.

        Raises MweError where a budget in dollars meets a model without a price.
        """
        self.calls += 1
        self.tokens += tokens
        cost = output.usage.total_cost if output.usage else None
        if cost is None and self.budget_usd is not None:
            raise MweError(no_price(model))
        self.usd += cost or 0.0


def no_price(model: Model) -> str:
    """The sentence for a model whose calls cannot be counted in dollars."""
    return (
        f"No price is known of {model}: use -T budget_tokens=, or give one with --model-cost-config (of a model that"
        " Inspect knows; of others with inspect_ai.model.set_model_info)."
    )


class BudgetSpent(Exception):
    """A tree can go no further on what is left."""
