"""`sim/TRUTH-SIZE`: SIMULATED. No language model but a formula, whose truth is known.

It is the positive and negative control of everything that is measured: what was planted must be found, and
nothing else. It reads the labels from the row itself, so its scores say nothing about any question.

    ln P(Yes) - ln P(No) = c * (t * (k + z1) + m * (a + 0.5 * z2) + b + 0.5 * z3 + s * m)

t and m are +1 where the truth, the matching answer, is the first label, else -1; k knowledge, a appeal, b
Yes-bias and c confidence are functions of size; z1 and z2 are standard normal by fact, z3 by question, from
a hash; s is +0.5 for a stance for the matching answer, -0.5 against it. The labels have .98 of the probability.
"""

import hashlib
import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any, ClassVar, NamedTuple

from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, ModelUsage, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from mwe_tasks.errors import MweError, UnknownName
from mwe_tasks.families import parse_size
from mwe_tasks.labels import LabelLogprobs
from mwe_tasks.providers.exact import ExactModelAPI, Style

COVERAGE = 0.98
STANCE = {"plain": 0.0, "neutral": 0.0, "for": 0.5, "against": -0.5}

Curve = Callable[[float], float]


class Truth(NamedTuple):
    """What is planted: each a function of u, 0 at 100 million parameters and 1 at 100 billion (log scale)."""

    knowledge: Curve = lambda u: 1.0
    appeal: Curve = lambda u: 0.3
    bias: Curve = lambda u: 0.5
    confidence: Curve = lambda u: 1.0


TRUTHS = {
    "flat": Truth(),
    "appeal-up": Truth(appeal=lambda u: 1.5 * u),
    "appeal-down": Truth(appeal=lambda u: 1.5 * (1 - u)),
    "appeal-u": Truth(appeal=lambda u: 6 * (u - 0.5) ** 2),
    "knowledge-up": Truth(knowledge=lambda u: 2.0 * u),
    "knowledge-down": Truth(knowledge=lambda u: 2.0 * (1 - u)),
    "bias-up": Truth(bias=lambda u: 3.0 * u),
    "confidence-up": Truth(confidence=lambda u: 1 + 7 * u),
}


@modelapi(name="sim")
def sim() -> type[ModelAPI]:
    """The provider of the simulated models sim/TRUTH-SIZE, such as sim/appeal-up-1b."""
    return SimAPI


class SimAPI(ExactModelAPI):
    """A simulated model; raises MweError for a name that is not TRUTH-SIZE."""

    reads_row: ClassVar[bool] = True

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008  # the signature that Inspect calls
        **unknown: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        truth, _, size = model_name.rpartition("-")
        if model_name in TRUTHS:
            raise MweError(f"sim/{model_name} has no size: write it as in sim/{model_name}-1b.")
        if truth not in TRUTHS:
            raise UnknownName("simulated truth", truth or model_name, known=TRUTHS)
        self.truth, self.parameters = TRUTHS[truth], parse_size(size)

    @property
    def default_style(self) -> Style:
        """Always "completion": it reads no text."""
        return "completion"

    @property
    def facts(self) -> dict[str, Any]:
        """That it is simulated, and its number of parameters."""
        return {"simulated": True, "parameters": self.parameters}

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """The likelier label, and the log probabilities of both where they are asked for."""
        labels, _ = self.asked(config)
        row = (config.extra_body or {}).get("row")
        if row is None or not labels:
            raise MweError("sim/ models are formulas over the rows of a Yes/No task: they answer nothing else.")
        logodds = self.logodds(row, labels)
        first, second = (math.log(COVERAGE) - math.log1p(math.exp(-side)) for side in (logodds, -logodds))
        found = LabelLogprobs(
            logprob={labels[0]: first, labels[1]: second},
            canonical={labels[0]: first, labels[1]: second},
            tolerance=0.0,
            spellings={f" {labels[0]}": first, f" {labels[1]}": second},
        )
        output = ModelOutput.from_content(self.model_name, labels[0] if logodds > 0 else labels[1])
        output.usage = ModelUsage(input_tokens=0, output_tokens=1, total_tokens=1)
        output.metadata = {"labels": found.model_dump()}
        return output

    def logodds(self, row: dict[str, Any], labels: tuple[str, ...]) -> float:
        """ln P(first label) - ln P(second), nats, of the formula above; a row without truth has t = 0."""
        u = (math.log10(self.parameters) - 8) / 3
        t = 0 if row["truth"] is None else 1 if row["truth"] == labels[0] else -1
        m = 1 if row["matching"] == labels[0] else -1
        z1, z2 = normal(f"knowledge/{row['fact']}"), normal(f"appeal/{row['fact']}")
        knowledge, appeal = self.truth.knowledge(u) + z1, self.truth.appeal(u) + 0.5 * z2
        noise = 0.5 * normal(f"question/{row['id']}")
        sum_ = t * knowledge + m * appeal + self.truth.bias(u) + noise + STANCE[row["stance"]] * m
        return self.truth.confidence(u) * sum_


def normal(name: str) -> float:
    """A draw from the standard normal distribution that is the same for the same name, on any machine."""
    bits = int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")
    return NormalDist().inv_cdf((bits + 0.5) / 2**56)
