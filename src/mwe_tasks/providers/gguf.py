"""`gguf/NAME-or-path`: a GGUF file, run by llama.cpp in this process, with exact label log probabilities."""

from collections.abc import Mapping, Sequence
from typing import Any

import anyio.to_thread
from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelCall, ModelOutput, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from mwe_tasks.asks import Ask, Draft, Given
from mwe_tasks.errors import MweError
from mwe_tasks.label_rows import Added
from mwe_tasks.labels import Tokens
from mwe_tasks.llama import TooLong, load, unload
from mwe_tasks.packing import Batch, Plan
from mwe_tasks.providers.exact import BulkModelAPI, Message, Prepared, Style, raw_prompt, refuse_other_than_counts
from mwe_tasks.translating import MAX_TOKENS, NO_TEXT, as_output, drafts
from mwe_tasks.weights import find_weights

BATCH = 8
"""Prompts whose results are kept together: a run that is killed loses at most so many."""

# The model's own distribution where nothing is asked for; llama.cpp's own defaults cut its tail off.
UNCUT = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


@modelapi(name="gguf")
def gguf() -> type[ModelAPI]:
    """The provider of gguf/smollm2-135m, gguf/PATH.gguf and gguf/hf:ORG/REPO/FILE.gguf@REVISION."""
    return GgufAPI


class GgufAPI(BulkModelAPI):
    """A GGUF file as an Inspect model; `-M context=` and `-M threads=` replace what the file and machine say.

    Raises MweError where the weights or xllamacpp are missing, or the file cannot be loaded.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008  as Inspect declares it
        context: int | None = None,
        threads: int | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        if unknown:
            raise MweError(f"gguf models take -M context= and threads=, not {', '.join(unknown)}.")
        refuse_other_than_counts(context=context, threads=threads)
        self.llama = load(find_weights(model_name), context=context, threads=threads)

    @property
    def default_style(self) -> Style:
        """ "chat" where the file has a chat template, else "completion"."""
        return "completion" if self.llama.template is None else "chat"

    @property
    def facts(self) -> dict[str, Any]:
        """Hashes of weights and chat template, the date it is told, context, threads, engine and version."""
        return self.llama.facts

    def close(self) -> None:
        """Frees the memory of the weights; Inspect calls it where a model is a context manager."""
        unload(self.llama)

    def max_tokens(self) -> int:
        """The length of a text for which nobody asked one."""
        return MAX_TOKENS

    def max_connections(self) -> int:
        """One works while others wait: the engine answers one call at a time."""
        return 4

    async def count_text_tokens(self, text: str) -> int:
        """How many tokens a text has for this model."""
        return len(await self.tokenize(text))

    async def tokenize(self, text: str) -> list[int]:
        """The ids of a text's tokens."""
        return list(await anyio.to_thread.run_sync(self.llama.encode, text))

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> tuple[ModelOutput, ModelCall]:
        """The text that follows the messages and, where labels are asked for, their log probabilities."""
        if tools:
            raise MweError("gguf models call no tools: run a task without them.")
        return await anyio.to_thread.run_sync(self._answer, input, config)

    def prepare(self, messages: Sequence[Message], config: GenerateConfig) -> Prepared:
        """The prompt of one call; raises MweError for text that holds a special token or cannot be put."""
        labels, style = self.asked(config)
        for each in messages:
            self.llama.refuse_special(each.text)
        if style == "completion":
            prompt = raw_prompt(messages)
        else:
            prompt = self.llama.render([{"role": each.role, "content": each.text} for each in messages])
        tokens = self.llama.encode(prompt)
        added = self.llama.continuations(prompt, labels) if labels else {}
        return Prepared(prompt, tokens, added, drafts(tokens, config), fits=True)  # llama.cpp says when it runs

    def plan(self, asks: Sequence[Ask]) -> Plan:
        """A few asks a batch, in their order: llama.cpp answers one at a time."""
        numbers = range(len(asks))
        return Plan(tuple(Batch((), tuple(numbers[n : n + BATCH])) for n in range(0, len(asks), BATCH)))

    def run(self, plan: Plan, asks: Sequence[Ask], number: int) -> list[Given]:
        """What the model gives for the asks of the batch of this number, in the order of the batch."""
        batch = [asks[each] for each in plan.batches[number].asks]
        return [self._given(ask.prompt, ask.added, [_as_options(draft) for draft in ask.drafts]) for ask in batch]

    def _answer(self, messages: list[ChatMessage], config: GenerateConfig) -> tuple[ModelOutput, ModelCall]:
        asked = self.prepare(messages, config)
        given = self._given(asked.tokens, asked.added, _draws(config))
        request = {"prompt": asked.prompt, "labels": list(asked.added), **_options(config)}
        output = as_output(self.model_name, len(asked.tokens), given, config)
        return output, ModelCall.create(request, {"texts": [text.text for text in given.texts]})

    def _given(self, prompt: Tokens, added: Added, texts: Sequence[Mapping[str, Any]]) -> Given:
        found = None
        try:
            with self.llama.alone:
                found = self.llama.read_labels(prompt, added) if added else None
                # The text goes on from the prompt that the labels were read after, which halves the time.
                reuse = found is not None
                return Given(found, tuple(self.llama.complete(prompt, reuse=reuse, **options) for options in texts))
        except TooLong:
            return Given(found, (NO_TEXT,))


def _as_options(draft: Draft) -> dict[str, Any]:
    """llama.cpp's names for what a draft asks: the same as `_options` of the config behind it."""
    asked = {"top_k": draft.top_k, "top_p": draft.top_p, "temperature": draft.temperature}
    more = {"stop": list(draft.stop)} if draft.stop else {}
    seed = {} if draft.seed is None else {"seed": draft.seed}
    return {"max_tokens": draft.max_tokens, **UNCUT, **asked, **more, **seed}


def _options(config: GenerateConfig) -> dict[str, Any]:
    """llama.cpp's names for what Inspect's config asks."""
    asked = {
        "max_tokens": config.max_tokens,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "top_k": config.top_k,
        "stop": config.stop_seqs,
        "seed": config.seed,
        "frequency_penalty": config.frequency_penalty,
        "presence_penalty": config.presence_penalty,
        "logprobs": (config.top_logprobs or 1) if config.logprobs else None,
        "json_schema": config.response_schema.json_schema.model_dump(exclude_none=True)
        if config.response_schema
        else None,
    }
    return {
        "max_tokens": MAX_TOKENS,
        **UNCUT,
        **{name: value for name, value in asked.items() if value is not None},
    }


def _draws(config: GenerateConfig) -> list[Mapping[str, Any]]:
    """The options of each of num_choices texts, whose seeds count up from the one that was asked for."""
    options = _options(config)
    seeds = [{} if config.seed is None else {"seed": config.seed + n} for n in range(config.num_choices or 1)]
    return [{**options, **seed} for seed in seeds]
