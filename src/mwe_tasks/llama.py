"""llama.cpp in this process, through the xllamacpp wheel: load a GGUF once, tokenise, list tokens, complete.

The wheel's Server also listens on a free port of the loopback address. That is the only way to its tokenizer
and chat template, so this module asks there, with a key that only this process knows. All calls block.
"""

import hashlib
import http.client
import json
import re
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cached_property
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mwe_tasks.errors import MweError
from mwe_tasks.gguf_header import read_header
from mwe_tasks.label_logprobs import measure
from mwe_tasks.label_rows import Added
from mwe_tasks.labels import LabelLogprobs, Tokens, continuations
from mwe_tasks.machine import cores
from mwe_tasks.weights import file_hash

TODAY = date(2025, 1, 1)
"""The date that chat templates are told, so that a prompt is the same on any day."""

LEAST = -103.28
"""ln of the smallest positive float32: a probability that underflows to 0 is given as this (nats)."""

CONTEXT = 4096
"""Tokens, or as many as the model was trained on where that is fewer."""
CONTEXT_STEP = 256
"""llama.cpp rounds a context up to a multiple of this."""

UNQUANTISED = (0, 1, 32)
"""general.file_type of weights in float32, float16 and bfloat16 (ggml's docs/gguf.md)."""

_loaded: dict[tuple[Path, int, int], "Llama"] = {}
_loading = threading.Lock()


class TooLong(Exception):
    """A prompt that does not fit the context."""


class Completion(NamedTuple):
    """A generated text."""

    text: str
    tokens: int
    finished: bool
    """Whether the model or a stop sequence ended it, and not its length."""
    listed: Sequence[Mapping[str, Any]] = ()
    """Where log probabilities were asked for: of each token token, logprob (nats) and top_logprobs."""


def load(path: Path, *, context: int | None = None, threads: int | None = None) -> "Llama":
    """The model in this file, loaded once per process for each context and number of threads.

    Raises MweError where xllamacpp is not installed or the file cannot be loaded.
    """
    header = read_header(path)
    trained = header.get(f"{header.get('general.architecture')}.context_length", CONTEXT)
    # llama.cpp's threads spin while they wait: more of them than free cores slow a call from .1 s to 16 s.
    key = (path.resolve(), context or min(CONTEXT, trained), threads or max(1, cores() // 2))
    if key[1] % CONTEXT_STEP:
        raise MweError(
            f"A context of {key[1]} tokens would be rounded up by llama.cpp: take a multiple of {CONTEXT_STEP}."
        )
    with _loading:
        if key not in _loaded:
            template, file_type = header.get("tokenizer.chat_template"), header.get("general.file_type")
            _loaded[key] = Llama(*key, template=template, quantised=file_type not in UNQUANTISED)
        return _loaded[key]


def unload(model: "Llama") -> None:
    """Frees the memory of a loaded model, which is of no use after that; the next `load` loads it anew."""
    with _loading:
        for key in [key for key, loaded in _loaded.items() if loaded is model]:
            del _loaded[key]
    model.stop()


class Llama:
    """A loaded model; safe to use from several threads."""

    def __init__(self, path: Path, context: int, threads: int, *, template: str | None, quantised: bool) -> None:
        self.path, self.context, self.threads = path, context, threads
        self.quantised = quantised
        """Whether the engine rounds activations to 8 bits, as it does for weights of fewer than 16."""
        self.template = template
        """The file's own chat template, unchanged."""
        self._key = secrets.token_hex()
        self.alone = threading.RLock()
        """Held over each call; hold it over several whose second is to go on from the first."""
        self._server = self._start()
        self._address = urlsplit(self._server.listening_address).netloc

    def stop(self) -> None:
        """Ends the engine, whose memory is then free."""
        with self.alone:
            self._server = None

    def _start(self) -> Any:
        try:
            import xllamacpp
        except ImportError as error:
            raise MweError("gguf models need xllamacpp: pip install 'mwe-tasks[local]'") from error
        params = xllamacpp.CommonParams()
        params.model.path = str(self.path)
        params.n_ctx = self.context
        params.n_parallel = 1  # slots buy nothing for short prompts, and share batches
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self.threads
        params.cpuparams.poll = params.cpuparams_batch.poll = 0
        params.cache_ram_mib = 0
        params.verbosity = 0
        params.api_keys = [self._key]
        params.warmup = False
        if self.template is not None:
            params.chat_template = pin_date(self.template)
        try:
            return xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise MweError(f"llama.cpp cannot load {self.path}: cut short, damaged or of another kind.") from error

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What decides the numbers that this model gives."""
        template = self.template and hashlib.sha256(self.template.encode()).hexdigest()
        return {
            "engine": "llama.cpp through xllamacpp",
            "version": version("xllamacpp"),
            "sha256": file_hash(self.path),
            "quantised": self.quantised,
            "chat_template_sha256": template,
            "date": TODAY.isoformat(),
            "n_ctx": self.context,
            "threads": self.threads,
        }

    def encode(self, text: str, *, special: bool = True) -> Tokens:
        """The text's token ids with BOS where the tokenizer adds one, special tokens read as such or as text."""
        asked = {"content": text, "add_special": True, "parse_special": special}
        return tuple(self._ask("/tokenize", asked)["tokens"])

    def refuse_special(self, text: str) -> None:
        """Raises MweError where a user's text would be read as one of the model's special tokens."""
        if self.encode(text) != self.encode(text, special=False):
            raise MweError(
                f"{text[:60]!r} holds what {self.path.name} reads as a special token, which would end a turn or the "
                "like: take it out of the question."
            )

    def render(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The messages in the file's chat template, up to where the next answer begins.

        Where the last message is the assistant's, the answer goes on from its text. A template that can leave out
        thinking does so; raises MweError for one that cannot, and for a file without a template.
        """
        if self.template is None:
            raise MweError(f"{self.path.name} has no chat template: use style completion.")
        begun = messages[-1]["content"] if messages and messages[-1]["role"] == "assistant" else None
        turns = list(messages if begun is None else messages[:-1])
        asked = {"messages": turns, "chat_template_kwargs": {"enable_thinking": False}}
        prompt = str(self._ask("/apply-template", asked)["prompt"])
        if prompt.rstrip().endswith("<think>"):
            raise MweError(
                f"{self.path.name} always thinks before it answers, and the first token of its thinking is no answer: "
                "use style completion."
            )
        return prompt + (begun or "")

    def label_logprobs(self, prompt: str, labels: Sequence[str]) -> LabelLogprobs:
        """ln P of each label right after the prompt, nats; the same bits whatever was asked before.

        llama.cpp sums its softmax in float32, so that all of them may be off by one common 1e-4 nats or so,
        which log odds do not see. Raises TooLong, and MweError where a label cannot be read here.
        """
        return self.read_labels(self.encode(prompt), self.continuations(prompt, labels))

    def continuations(self, prompt: str, labels: Sequence[str]) -> Added:
        """What each label's spellings add after the prompt; raises MweError for a label that cannot be read there."""
        return continuations(self.encode, prompt, labels)

    def read_labels(self, prompt: Tokens, added: Added) -> LabelLogprobs:
        """The same of a prompt's tokens and what the labels add to them; raises TooLong."""
        asked = count()

        def likeliest(tokens: Tokens, k: int) -> dict[int, float]:
            # The first request clears what others left in the slot; the later ones reuse its work. On 16-bit
            # weights that rounds differently from starting anew, by up to .01 nats, but the same way each time.
            return self._likeliest(tokens, k, reuse=next(asked) > 0)

        with self.alone:
            return measure(likeliest, prompt, added)

    def complete(self, prompt: str | Tokens, *, reuse: bool = False, **options: Any) -> Completion:
        """One text after the prompt; options are llama.cpp's (max_tokens, temperature, seed, stop, ...).

        With `reuse` it goes on from the work of the call before: the same text each time only where `alone` was
        held over both.
        """
        with self.alone:
            tokens = self.encode(prompt) if isinstance(prompt, str) else prompt
            reply = self._complete(tokens, cache_prompt=reuse, **options)
        choice = reply["choices"][0]
        listed = (choice.get("logprobs") or {}).get("content") or ()
        finished = choice["finish_reason"] == "stop"
        return Completion(choice["text"], reply["usage"]["completion_tokens"], finished, listed)

    def _likeliest(self, tokens: Tokens, k: int, *, reuse: bool) -> dict[int, float]:
        reply = self._complete(tokens, max_tokens=1, temperature=0, logprobs=k, cache_prompt=reuse)
        listed = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        return {one["id"]: max(one["logprob"], LEAST) for one in listed}

    def _complete(self, tokens: Tokens, **options: Any) -> Any:
        return _checked(lambda: self._server.handle_completions({"prompt": list(tokens), **options}))

    def _ask(self, path: str, body: Mapping[str, Any]) -> Any:
        connection = http.client.HTTPConnection(self._address)  # not urllib, which would ask a proxy
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}

        def ask() -> Any:
            connection.request("POST", path, json.dumps(body), headers)
            return json.loads(connection.getresponse().read())

        try:
            return _checked(ask)
        finally:
            connection.close()


def pin_date(template: str) -> str:
    """The chat template with each call of strftime_now replaced by a fixed date."""

    def fixed(call: re.Match[str]) -> str:
        return json.dumps(TODAY.strftime(call["format"]))

    return re.sub(r"""strftime_now\(\s*(["'])(?P<format>[^"']*)\1\s*\)""", fixed, template)


def _checked(ask: Callable[[], Any]) -> Any:
    """The engine's reply, whose errors come in two ways; raises TooLong or MweError."""
    try:
        reply = ask()
        error = reply.get("error")
    except ValueError as raised:
        error = {"message": str(raised)}
    if not error:
        return reply
    if error.get("type") == "exceed_context_size_error":
        raise TooLong(error["message"])
    raise MweError(f"llama.cpp refused the request: {str(error.get('message', error)).strip()}")
