"""A causal model of transformers in this process: encode, render, ln P of labels. All calls block."""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any

from mwe_tasks import passes
from mwe_tasks.attention import use_products
from mwe_tasks.checkpoints import Checkpoint, settings_hash, weights_hash
from mwe_tasks.errors import MweError
from mwe_tasks.label_rows import Added, TokenRow, Wanted, batches, read_labels, token_rows
from mwe_tasks.labels import LabelLogprobs, Tokens, continuations
from mwe_tasks.llama import TODAY, pin_date
from mwe_tasks.pretrained import Pretrained

CONTEXT = 2048
"""Tokens, where a configuration says nothing."""
CONTEXT_NAMES = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx")
BATCH = 16
"""Calls that run at once, where they come one by one."""
CPU_TOKENS, GPU_TOKENS = 1536, 32768
"""Tokens that run at once, at most."""
FEW_TOKENS = 256
"""What a GPU runs at once however little memory is left."""
COPIES = 13
"""Of how many tokens keys and values are held for each that runs: its own, and as many as are seen and kept."""


class Transformer:
    """A loaded checkpoint; hold `alone` over its calls and those of `completing`: they share a tokenizer."""

    def __init__(
        self, checkpoint: Checkpoint, loaded: Pretrained, *, context: int | None = None, batch: int | None = None
    ) -> None:
        self.checkpoint, self.loaded, self.batch = checkpoint, loaded, batch
        self.model, self.tokenizer = loaded.model, loaded.tokenizer
        self.config = self.model.config.get_text_config()
        known = next((n for name in CONTEXT_NAMES if (n := getattr(self.config, name, None))), CONTEXT)
        if context is not None and context > known:
            raise MweError(f"-M context={context} is more than the {known} tokens that {checkpoint.name} is made for.")
        self.context = context or int(known)
        self.alone = threading.RLock()
        self.ends = _ends(self.model, self.tokenizer)
        """Tokens that end a text."""
        self.padded = not (self.model._is_stateful or _scales_with_length(self.config))
        """Whether rows of several lengths may run together: the model does not see what pads them."""
        self.tokens = tokens_at_once(self.model, self.config)
        """How many run at once, in as many rows as that makes."""
        use_products(self.model)
        self.reach = passes.reach(self.config, self.context) if self.padded and passes.agrees(self.model) else 0
        """How many tokens a prompt and its labels may have for several prompts to share a row; 0 where none may."""
        self._prefix: tuple[Tokens, Any] = ((), None)
        self._last: tuple[str | None, Tokens] = (None, ())
        self.special = {
            *self.tokenizer.all_special_tokens,
            *(each.content for each in self.tokenizer.added_tokens_decoder.values() if each.special),
        }
        # A checkpoint may ask for a penalty or a cut-off: what is measured is the model's own distribution.
        self.model.generation_config = type(self.model.generation_config)()

    @cached_property
    def template(self) -> str | None:
        """The tokenizer's own chat template, unchanged; None where it has none."""
        if not self.tokenizer.chat_template:
            return None
        try:
            return str(self.tokenizer.get_chat_template())
        except ValueError as error:
            raise MweError(f"{self.checkpoint.name} has several chat templates and no default one.") from error

    @cached_property
    def begin(self) -> Tokens:
        """What the tokenizer puts before a text: a BOS token, or nothing."""
        bare, whole = self._ids("Yes"), list(self.tokenizer("Yes")["input_ids"])
        starts = [n for n in range(len(whole) - len(bare) + 1) if tuple(whole[n : n + len(bare)]) == bare]
        return tuple(whole[: starts[0]]) if starts else ()

    @cached_property
    def known_tokens(self) -> int:
        """How many tokens the model has an embedding of."""
        return int(self.model.get_input_embeddings().num_embeddings)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What decides the numbers that this model gives; the hashes are those of `checkpoints`."""
        import torch

        template = self.template and hashlib.sha256(self.template.encode()).hexdigest()
        return {
            "engine": "transformers",
            "version": version("transformers"),
            "torch": version("torch"),
            "architecture": type(self.model).__name__,
            "parameters": self.model.num_parameters(),
            "dtype": self.loaded.dtype,
            "device": self.loaded.device,
            "processor": processor(self.loaded.device),
            "sha256": weights_hash(self.checkpoint),
            "quantised": getattr(self.config, "quantization_config", None) is not None and not self.checkpoint.gguf,
            "unread_tensors": self.loaded.unread,
            "revision": self.checkpoint.revision,
            "commit": self.checkpoint.commit,
            "settings_sha256": settings_hash(self.checkpoint),
            "chat_template_sha256": template,
            "date": TODAY.isoformat(),
            "n_ctx": self.context,
            "threads": torch.get_num_threads(),
        }

    def encode(self, text: str, *, begin: bool = True) -> Tokens:
        """The text's token ids, after what the tokenizer puts before a text or without it; never an end token.

        Raises MweError for a token that the model has no embedding of.
        """
        found = (*self.begin, *self._ids(text)) if begin else self._ids(text)
        if found and max(found) >= self.known_tokens:
            raise MweError(
                f"The tokenizer of {self.checkpoint.name} gives token {max(found)}, and the model has "
                f"{self.known_tokens}: they do not belong together."
            )
        return found

    def refuse_special(self, text: str) -> None:
        """Raises MweError where a user's text would be read as one of the model's special tokens."""
        if found := [each for each in self.special if each in text]:
            raise MweError(
                f"{text[:60]!r} holds {found[0]!r}, which {self.checkpoint.name} reads as a special token, which "
                "would end a turn or the like: take it out of the question."
            )

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The messages in the tokenizer's chat template, up to where the next answer begins.

        Where the last message is the assistant's, the answer goes on from its text. The template is told a fixed
        date, and one that can leave out thinking does so; raises MweError for one that cannot, for a tokenizer
        without a template, and where the template refuses the messages.
        """
        from jinja2 import TemplateError

        if self.template is None:
            raise MweError(f"{self.checkpoint.name} has no chat template: use style completion.")
        begun = messages[-1]["content"] if messages and messages[-1]["role"] == "assistant" else None
        turns = list(messages if begun is None else messages[:-1])
        told = {"chat_template": pin_date(self.template), "enable_thinking": False}
        try:
            prompt = str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, **told))
        except TemplateError as error:
            raise MweError(f"The chat template of {self.checkpoint.name} refuses these messages: {error}.") from error
        if prompt.rstrip().endswith("<think>"):
            raise MweError(
                f"{self.checkpoint.name} always thinks before it answers, and the first token of its thinking is no "
                "answer: use style completion."
            )
        return prompt + (begun or "")

    def continuations(self, prompt: str, labels: Sequence[str], *, begin: bool = True) -> Added:
        """What each label's spellings add after the prompt; raises MweError for a label that cannot be read there."""
        return continuations(lambda text: self.encode(text, begin=begin), prompt, labels)

    def fits(self, prompt: Tokens, added: Added) -> bool:
        """Whether the prompt, what is read after it and a token of text are within the context."""
        longest = max((len(tokens) for sequences in added.values() for tokens in sequences), default=1)
        return len(prompt) + longest <= self.context

    def prefix(self, tokens: Tokens) -> Any:
        """Keys and values of the tokens that prompts begin with; those of the last ones asked for are kept."""
        if self._prefix[1] is None or self._prefix[0] != tokens:
            self._prefix = (tokens, passes.run_prefix(self.model, tokens))
        return self._prefix[1]

    def label_logprobs(self, asked: Sequence[tuple[Tokens, Added]]) -> list[LabelLogprobs | MweError]:
        """ln P of each label right after each prompt, nats, by a full softmax in float32; an error for NaN.

        One prompt a row, padded on the right. `answering` gives the same of rows that hold several.
        """
        rows = [(number, row) for number, (prompt, added) in enumerate(asked) for row in token_rows(prompt, added)]
        known: list[dict[Wanted, float]] = [{} for _ in asked]
        lengths = [len(row.tokens) for _, row in rows]
        for batch in batches(lengths, most=self.batch, tokens=self.tokens, padded=self.padded):
            for each, values in zip(batch, self._logprobs([rows[each][1] for each in batch]), strict=True):
                known[rows[each][0]].update(values)
        return [self.read(each, added) for each, (_, added) in zip(known, asked, strict=True)]

    def read(self, known: Mapping[Wanted, float], added: Added) -> LabelLogprobs | MweError:
        """The labels' log probabilities of those of their tokens; an error where one is no log of a probability."""
        if all(float("-inf") < value <= 0 for value in known.values()):
            return read_labels(known, added)
        return MweError(
            f"{self.checkpoint.name} ({self.loaded.dtype}) gives a label a probability of 0 or NaN: its "
            "weights are damaged, or -M dtype= is too small for it."
        )

    def _logprobs(self, rows: Sequence[TokenRow]) -> list[dict[Wanted, float]]:
        """What each row wants, from one forward pass: padded on the right, where a causal model does not look."""
        import torch

        device, longest = self.model.device, max(len(row.tokens) for row in rows)
        tokens = torch.tensor([[*row.tokens, *[0] * (longest - len(row.tokens))] for row in rows], device=device)
        mask = torch.tensor([[1] * len(row.tokens) + [0] * (longest - len(row.tokens)) for row in rows], device=device)
        wanted = [(number, row.position(each), each) for number, row in enumerate(rows) for each in row.wanted]
        places = sorted({(number, at) for number, at, _ in wanted})
        index = {place: line for line, place in enumerate(places)}
        with torch.inference_mode():
            inputs = {"input_ids": tokens, "attention_mask": mask, "use_cache": False}
            logits = passes.logits_at(self.model, places, inputs)
            values = passes.logprobs(logits, [(index[number, at], each.token) for number, at, each in wanted])
        found: list[dict[Wanted, float]] = [{} for _ in rows]
        for (number, _, each), value in zip(wanted, values, strict=True):
            found[number][each] = value
        return found

    def _ids(self, text: str) -> Tokens:
        if self._last[0] != text:  # a prompt is encoded, and then again to see what labels add to it
            self._last = (text, tuple(self.tokenizer(text, add_special_tokens=False)["input_ids"]))
        return self._last[1]


def processor(device: str) -> str:
    """What computes: the GPU's name, or what the CPU multiplies with, which decide the last bits."""
    import torch

    return str(
        torch.cuda.get_device_name(device) if device.startswith("cuda") else torch.backends.cpu.get_cpu_capability()
    )


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    named = [getattr(model.generation_config, "eos_token_id", None), tokenizer.eos_token_id]
    listed = [one for each in named for one in (each if isinstance(each, list) else [each])]
    return frozenset(each for each in listed if each is not None)


def _scales_with_length(config: Any) -> bool:
    """Whether the longest row of a batch changes what the others give: positions that are scaled by it."""
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = [each.get("rope_type") for each in (rope, *rope.values()) if isinstance(each, dict)]
    return bool({"dynamic", "longrope"} & set(kinds))


def tokens_at_once(model: Any, config: Any) -> int:
    """How many tokens run at once: half of what a GPU has beside the weights, and a CPU gains nothing by more.

    What a token needs: its hidden states in and out of a layer's parts, a share of the logits that are read, in
    float32, and its keys and values in all layers, with those of others that are seen (`packing.SEEN`) and kept for
    texts (`completing.KEPT`). A function of model and device alone, so that a run that is interrupted goes on with
    the same batches.
    """
    import torch

    if model.device.type != "cuda":
        return CPU_TOKENS
    hidden, layers = int(config.hidden_size), int(config.num_hidden_layers)
    inner = int(getattr(config, "intermediate_size", None) or 4 * hidden)
    heads = int(config.num_attention_heads)
    width = int(getattr(config, "head_dim", None) or hidden // heads)
    cached = 2 * layers * width * int(getattr(config, "num_key_value_heads", None) or heads)
    values = 12 * hidden + 4 * inner + COPIES * cached
    each: int = values * torch.finfo(model.dtype).bits // 8 + 4 * config.vocab_size
    free: int = torch.cuda.get_device_properties(model.device).total_memory - model.get_memory_footprint()
    return max(FEW_TOKENS, min(GPU_TOKENS, free // 2 // each))
