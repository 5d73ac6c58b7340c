"""`mwe-hf/ID-or-path`: a causal checkpoint, run by transformers in this process, with exact label log probabilities.

Calls that wait for the model are answered together, in batches.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import anyio.to_thread
from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelCall, ModelOutput, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from mwe_tasks import answering
from mwe_tasks.asks import Ask, Given
from mwe_tasks.batching import Batcher
from mwe_tasks.checkpoints import find_checkpoint
from mwe_tasks.errors import MweError
from mwe_tasks.packing import Plan
from mwe_tasks.pretrained import load_pretrained
from mwe_tasks.providers.exact import BulkModelAPI, Message, Prepared, Style, raw_prompt, refuse_other_than_counts
from mwe_tasks.transformer import BATCH, Transformer
from mwe_tasks.translating import MAX_TOKENS, as_output, drafts

OPTIONS = ("revision", "dtype", "device", "context", "batch")
UNKNOWN = (
    *("frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs", "prompt_logprobs"),
    "response_schema",
)
"""What a config may ask of other models; dropping it in silence would give another model's numbers."""


@modelapi(name="mwe-hf")
def mwe_hf() -> type[ModelAPI]:
    """The provider of mwe-hf/FOLDER, mwe-hf/FILE.gguf and mwe-hf/ORG/NAME, an id on the Hugging Face Hub."""
    return MweHfAPI


class Call(NamedTuple):
    """One call of generate."""

    messages: Sequence[ChatMessage]
    config: GenerateConfig


Reply = tuple[ModelOutput, ModelCall]


class MweHfAPI(BulkModelAPI):
    """A checkpoint as an Inspect model; -M revision= (Hub), dtype=, device=, context= (tokens), batch= (calls at once).

    Raises MweError where torch or transformers are missing, and for a checkpoint that cannot be loaded or scored.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008  as Inspect declares it
        revision: str | int | None = None,
        dtype: str | None = None,
        device: str | int | None = None,
        context: int | None = None,
        batch: int | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        if unknown:
            taken = ", ".join(f"{name}=" for name in OPTIONS)
            raise MweError(f"mwe-hf models take -M {taken}, not {', '.join(unknown)}.")
        refuse_other_than_counts(context=context, batch=batch)
        checkpoint = find_checkpoint(model_name, None if revision is None else str(revision))
        loaded = load_pretrained(checkpoint, dtype=dtype, device=None if device is None else str(device))
        self.model = Transformer(checkpoint, loaded, context=context, batch=batch)
        self.batcher: Batcher[Call, Reply] = Batcher(self._answer, batch or BATCH)

    @property
    def default_style(self) -> Style:
        """ "chat" where the tokenizer has a chat template, else "completion"."""
        return "completion" if self.model.template is None else "chat"

    @property
    def facts(self) -> dict[str, Any]:
        """Engine and versions, dtype, device, hashes of weights, settings and chat template, commit, context."""
        return self.model.facts

    def max_tokens(self) -> int:
        """The length of a text for which nobody asked one."""
        return MAX_TOKENS

    def max_connections(self) -> int:
        """Two batches: one waits while the other is worked on."""
        return 2 * self.batcher.most

    async def count_text_tokens(self, text: str) -> int:
        """How many tokens a text has for this model."""
        return len(await self.tokenize(text))

    async def tokenize(self, text: str) -> list[int]:
        """The ids of a text's tokens."""

        def encode() -> list[int]:
            with self.model.alone:
                return list(self.model.encode(text))

        return await anyio.to_thread.run_sync(encode)

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> Reply:
        """The text that follows the messages and, where labels are asked for, their log probabilities."""
        if tools:
            raise MweError("mwe-hf models call no tools: run a task without them.")
        if asked := [name for name in UNKNOWN if getattr(config, name)]:
            raise MweError(f"mwe-hf models know no {' and no '.join(asked)}: leave it out.")
        return await self.batcher.ask(Call(input, config))

    def prepare(self, messages: Sequence[Message], config: GenerateConfig) -> Prepared:
        """The prompt of one call; raises MweError for text that holds a special token or cannot be put."""
        labels, style = self.asked(config)
        with self.model.alone:
            for each in messages:
                self.model.refuse_special(each.text)
            raw = style == "completion"
            turns = [{"role": each.role, "content": each.text} for each in messages]
            prompt = raw_prompt(messages) if raw else self.model.render(turns)
            tokens = self.model.encode(prompt, begin=raw)
            if not tokens:
                raise MweError(f"An empty prompt has no token for {self.model_name}: ask something.")
            added = self.model.continuations(prompt, labels, begin=raw) if labels else {}
            return Prepared(prompt, tokens, added, drafts(tokens, config), self.model.fits(tokens, added))

    def plan(self, asks: Sequence[Ask]) -> Plan:
        """Which asks run together."""
        return answering.plan(self.model, asks)

    def run(self, plan: Plan, asks: Sequence[Ask], number: int) -> list[Given]:
        """What the model gives for the asks of the batch of this number, in the order of the batch."""
        with self.model.alone:
            return answering.run(self.model, plan, asks, number)

    def _answer(self, calls: Sequence[Call]) -> list[Reply | Exception]:
        with self.model.alone:
            prepared = [self._prepared(call) for call in calls]
            fitting = [each for each in prepared if isinstance(each, Prepared) and each.fits]
            given = answering.answer(self.model, [each.ask for each in fitting])
            known = {id(each): one for each, one in zip(fitting, given, strict=True)}
        return [
            each if isinstance(each, MweError) else self._reply(call, each, known.get(id(each), Given(None, ())))
            for call, each in zip(calls, prepared, strict=True)
        ]

    def _prepared(self, call: Call) -> Prepared | MweError:
        try:
            return self.prepare(call.messages, call.config)
        except MweError as error:
            return error

    def _reply(self, call: Call, asked: Prepared, given: Given) -> Reply | MweError:
        if isinstance(given.labels, MweError):
            return given.labels
        request = {"prompt": asked.prompt, "labels": list(asked.added), **asked.drafts[0]._asdict()}
        said = ModelCall.create(request, {"texts": [text.text for text in given.texts]})
        return as_output(self.model_name, len(asked.tokens), given, call.config), said
