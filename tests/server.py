"""A small OpenAI-compatible server on loopback, which answers from a script.

What one prompt gets is the script's to say: an answer, a refusal, thinking, nothing. What a provider does to
every reply is an option of the server: log probabilities dropped, a shorter top list, faults.

    with OpenAIServer(lambda question, body: Reply({" Yes": -0.1, " No": -2.4})) as server:
        model = get_model("openai-api/local/toy", base_url=server.base_url, api_key="none")
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Literal, NamedTuple, Self

from replies import REFUSAL, UNLIKELY, Choice, Reply, chat_logprobs, completion_logprobs, join, pieces, speak

__all__ = ["REFUSAL", "OpenAIServer", "Reply", "Request"]

Body = dict[str, Any]
Prompt = str | list[Body]  # a raw prompt, or the messages of a chat
Support = Literal["given", "dropped", "rejected"]  # rejected: the provider answers 400
Script = Callable[[str, Body], Reply]
"""A pure function of the question (the last user message, or the raw prompt) and the request's body."""


class Request(NamedTuple):
    path: str
    body: Body
    status: int


class Rejected(Exception):
    """A request that is answered with an error, in OpenAI's form."""

    def __init__(self, status: int, message: str, *, kind: str = "invalid_request_error", param: str = ""):
        super().__init__(message)
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": param or None, "code": None}}


def question_in(prompt: Prompt) -> str:
    if isinstance(prompt, str):
        return prompt
    content = next(message["content"] for message in reversed(prompt) if message["role"] == "user")
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def usage(prompts: list[Prompt], choices: list[Choice]) -> Body:
    """Every reply counts its tokens: Inspect looks for a tokenizer on the network where one does not."""
    asked = len(pieces(json.dumps(prompts)))
    said = sum(len(choice.tokens) for choice in choices)
    thought = {"reasoning_tokens": sum(len(choice.thinking) for choice in choices)}
    counts = {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}
    return counts | {"completion_tokens_details": thought}


@dataclass
class OpenAIServer:
    """Serves chat completions, completions and models at `base_url` while its `with` block runs.

    A temperature above 0 (1 where none is asked for, as the API has it) draws from the distribution, seeded
    by the prompt and how often it was drawn before: draws differ, and are the same ones in every run.

    Faults count requests, not callers. The openai client retries a call twice, at once; then Inspect waits
    3 to 6 seconds. A test with faults and many connections passes `get_model` the client's `max_retries=10`.
    """

    script: Script
    _: KW_ONLY
    logprobs: Support = "given"
    max_top_logprobs: int = 20
    prompt_logprobs: Support = "dropped"  # given: as vLLM gives them, for completions
    tokens_of_prompt: Callable[[str], list[str]] = pieces
    shape: Literal["openai", "llama.cpp"] = "openai"  # of a completion's log probabilities
    admit: Callable[[Body], None] = lambda body: None  # may raise Rejected, or take its time
    change: Callable[[Body], Body] = lambda reply: reply  # of completions, before they are sent
    n: Support = "given"
    thinking_in: Literal["content", "reasoning_content", "reasoning"] = "content"
    thinking_logprobs: bool = True  # of thinking that stands in a field of its own
    rate_limit_every: int | None = None  # 429 on every k-th request
    fail_every: int | None = None  # 500
    cut_every: int | None = None  # the connection is closed in the middle of the reply
    retry_after: float = 0.01  # the openai client takes 0 as no advice, and waits about half a second

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._completions = 0
        self._replies = 0
        self._draws: Counter[str] = Counter()
        self._requests: list[Request] = []

    def __enter__(self) -> Self:
        self._listener = Listener(("127.0.0.1", 0), Handler)
        self._listener.owner = self
        self._thread = Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.server_port}/v1"

    @property
    def requests(self) -> list[Request]:
        """The requests so far with what they were answered, faults included."""
        with self._lock:
            return list(self._requests)

    def answer(self, path: str, body: Body) -> tuple[int, Body]:
        try:
            status, payload = 200, self._payload(path, body)
        except Rejected as error:
            status, payload = error.status, error.body
        except Exception as error:  # a bug in a script: were the connection dropped, clients would retry it
            status, payload = 422, Rejected(422, f"The script raised {error!r}").body
        with self._lock:
            self._requests.append(Request(path, body, status))
        return status, payload

    def cuts_off(self) -> bool:
        """Whether this reply is the one in so many that ends in its middle."""
        with self._lock:
            self._replies += 1
            return bool(self.cut_every) and self._replies % self.cut_every == 0

    def _payload(self, path: str, body: Body) -> Body:
        if path == "/v1/models":
            return {"object": "list", "data": [{"id": "toy", "object": "model", "owned_by": "tests"}]}
        if path not in ("/v1/chat/completions", "/v1/completions"):
            raise Rejected(404, f"There is no {path}")
        self._fail_in_turn()
        self._reject_unsupported(body)
        self.admit(body)
        chat = path == "/v1/chat/completions"
        asked = body["messages"] if chat else body["prompt"]
        prompts: list[Prompt] = [asked] if chat or isinstance(asked, str) else asked
        choices = [choice for prompt in prompts for choice in self._choices(prompt, body)]
        shape = self._chat_choice if chat else self._text_choice
        reply = {
            "id": "reply",
            "object": "chat.completion" if chat else "text_completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": index} | shape(choice, body) for index, choice in enumerate(choices)],
            "usage": usage(prompts, choices),
        }
        if not chat and self.prompt_logprobs == "given" and body.get("prompt_logprobs") is not None:
            for choice, prompt in zip(reply["choices"], prompts, strict=True):
                choice["prompt_logprobs"] = self._prompt_logprobs(prompt, body)
        return self.change(reply)

    def _fail_in_turn(self) -> None:
        with self._lock:
            self._completions += 1
            number = self._completions
        if self.rate_limit_every and number % self.rate_limit_every == 0:
            raise Rejected(429, "Rate limit reached", kind="rate_limit_error")
        if self.fail_every and number % self.fail_every == 0:
            raise Rejected(500, "The server had an error", kind="server_error")

    def _reject_unsupported(self, body: Body) -> None:
        rejected = {
            "logprobs": self.logprobs == "rejected" and bool(body.get("logprobs")),
            "prompt_logprobs": self.prompt_logprobs == "rejected" and body.get("prompt_logprobs") is not None,
            "n": self.n == "rejected" and (body.get("n") or 1) > 1,
            "stream": bool(body.get("stream")),
        }
        for param in filter(rejected.get, rejected):
            message = f"Unsupported parameter: '{param}' is not supported with this model."
            raise Rejected(400, message, param=param)

    def _choices(self, prompt: Prompt, body: Body) -> Iterator[Choice]:
        reply, key = self.script(question_in(prompt), body), json.dumps(prompt)
        temperature = 1.0 if body.get("temperature") is None else body["temperature"]
        limit = body.get("max_tokens") or body.get("max_completion_tokens")
        for _ in range((body.get("n") or 1) if self.n == "given" else 1):
            with self._lock:
                self._draws[key] += 1
                draw = random.Random(f"{self._draws[key]} {key}")
            yield speak(reply, temperature=temperature, limit=limit, draw=draw)

    def _chat_choice(self, choice: Choice, body: Body) -> Body:
        message: Body = {"role": "assistant", "content": join(choice.tokens), "refusal": None}
        scored = choice.tokens
        if choice.thinking and self.thinking_in != "content":
            message["content"] = join(choice.answer)
            message[self.thinking_in] = re.sub("</?think>", "", join(choice.thinking)).strip()
            scored = choice.tokens if self.thinking_logprobs else choice.answer
        if choice.refused:
            message |= {"content": None, "refusal": join(choice.answer)}
        logprobs: Body | None = None
        if body.get("logprobs") and self.logprobs == "given":
            content = chat_logprobs(scored, min(body.get("top_logprobs") or 0, self.max_top_logprobs))
            logprobs = {"refusal": content, "content": None} if choice.refused else {"content": content}
        return {"message": message, "finish_reason": choice.finish_reason, "logprobs": logprobs}

    def _text_choice(self, choice: Choice, body: Body) -> Body:
        logprobs: Body | None = None
        if body.get("logprobs") is not None and self.logprobs == "given":
            most = min(body["logprobs"], self.max_top_logprobs)
            in_openai_shape = self.shape == "openai"
            logprobs = (
                completion_logprobs(choice.tokens, most)
                if in_openai_shape
                else {"content": chat_logprobs(choice.tokens, most)}
            )
        text = join(choice.tokens)
        stops = [text.index(stop) for stop in body.get("stop") or () if stop in text]
        if not stops:
            return {"text": text, "finish_reason": choice.finish_reason, "logprobs": logprobs}
        if not min(stops) and self.shape == "llama.cpp":  # which lists nothing where nothing is left of a text
            logprobs = None
        return {"text": text[: min(stops)], "finish_reason": "stop", "logprobs": logprobs}

    def _prompt_logprobs(self, prompt: str, body: Body) -> list[Body | None]:
        """Of each token its id (here its text as a number) and how likely the script finds it after those before it."""
        tokens = self.tokens_of_prompt(prompt)
        positions: list[Body | None] = [None]
        for number, token in enumerate(tokens[1:], start=1):
            logprob = self.script("".join(tokens[:number]), body).logprobs.get(token, UNLIKELY)
            identity = str(int.from_bytes(token.encode()))
            positions.append({identity: {"logprob": logprob, "rank": 1, "decoded_token": token}})
        return positions


class Listener(ThreadingHTTPServer):
    request_queue_size = 128  # with the default of 5, a sixth connection at a time waits a second
    owner: OpenAIServer


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.0, in which no connection outlives its request."""

    server: Listener
    wbufsize = -1  # head and body in one packet: a second one would wait for an acknowledgement

    def do_GET(self) -> None:
        self._respond({})

    def do_POST(self) -> None:
        self._respond(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _respond(self, body: Body) -> None:
        status, payload = self.server.owner.answer(self.path, body)
        content = json.dumps(payload).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status in (429, 500):
            self.send_header("Retry-After", str(self.server.owner.retry_after))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.server.owner.cuts_off() else content)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps quiet: what was asked is in `requests`."""
