"""`gguf/NAME-or-path`: a GGUF file, run by llama.cpp in this process, with exact label log probabilities."""

from collections.abc import Mapping
from typing import Any

import anyio.to_thread
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelCall,
    ModelOutput,
    ModelUsage,
    StopReason,
    TopLogprob,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from mwe_tasks.errors import MweError
from mwe_tasks.llama import Completion, TooLong, load, unload
from mwe_tasks.providers.exact import ExactModelAPI, Style, raw_prompt, refuse_other_than_counts
from mwe_tasks.weights import find_weights

MAX_TOKENS = 2048

# The model's own distribution where nothing is asked for; llama.cpp's own defaults cut its tail off.
UNCUT = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}


@modelapi(name="gguf")
def gguf() -> type[ModelAPI]:
    """The provider of gguf/smollm2-135m, gguf/PATH.gguf and gguf/hf:ORG/REPO/FILE.gguf@REVISION."""
    return GgufAPI


class GgufAPI(ExactModelAPI):
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

    def _answer(self, messages: list[ChatMessage], config: GenerateConfig) -> tuple[ModelOutput, ModelCall]:
        labels, style = self.asked(config)
        for each in messages:
            self.llama.refuse_special(each.text)
        if style == "completion":
            prompt = raw_prompt(messages)
        else:
            prompt = self.llama.render([{"role": each.role, "content": each.text} for each in messages])
        request = {"prompt": prompt, "labels": labels, **_options(config)}
        found = None
        texts: list[Completion] = []
        stop: StopReason | None = None
        try:
            with self.llama.alone:
                found = self.llama.label_logprobs(prompt, labels) if labels else None
                # The text goes on from the prompt that the labels were read after, which halves the time.
                reuse = found is not None
                texts = [self.llama.complete(prompt, reuse=reuse, **options) for options in _draws(config)]
        except TooLong:
            texts, stop = [Completion("", 0, False)], "model_length"
        used = len(self.llama.encode(prompt))
        written = sum(text.tokens for text in texts)
        output = ModelOutput(
            model=self.model_name,
            choices=[self._choice(text, stop or _stop_reason(text, config)) for text in texts],
            usage=ModelUsage(input_tokens=used, output_tokens=written, total_tokens=used + written),
            metadata={"labels": found.model_dump()} if found else None,
        )
        return output, ModelCall.create(request, {"texts": [text.text for text in texts]})

    def _choice(self, text: Completion, stop: StopReason) -> ChatCompletionChoice:
        message = ChatMessageAssistant(content=text.text, source="generate", model=self.model_name)
        logprobs = Logprobs(content=[_logprob(token) for token in text.listed]) if text.listed else None
        return ChatCompletionChoice(message=message, stop_reason=stop, logprobs=logprobs)


def _logprob(token: Mapping[str, Any]) -> Logprob:
    top = [TopLogprob(token=each["token"], logprob=each["logprob"]) for each in token["top_logprobs"]]
    return Logprob(token=token["token"], logprob=token["logprob"], top_logprobs=top)


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


def _stop_reason(text: Completion, config: GenerateConfig) -> StopReason:
    if text.finished:
        return "stop"
    return "max_tokens" if text.tokens >= _options(config)["max_tokens"] else "model_length"
