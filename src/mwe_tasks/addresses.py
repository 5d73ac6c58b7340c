"""Where a completions server is, as Inspect reads it.

Of openai-api-completions/SERVICE/MODEL address and key stand in SERVICE_BASE_URL and SERVICE_API_KEY, of
vllm-completions/MODEL in VLLM_BASE_URL and VLLM_API_KEY.
"""

from collections.abc import Mapping
from typing import NamedTuple

from mwe_tasks.errors import MweError

RETRIES = 8
"""Of a request that fails in passing: about 40 seconds of waiting, where the server names no time."""
SECONDS = 600.0
"""After which a request without an answer is tried again."""


class Server(NamedTuple):
    """A server and one model that it serves."""

    url: str
    key: str
    model: str
    """As the server names it."""
    service: str
    """What the environment variables begin with."""
    seconds: float = SECONDS
    retries: int = RETRIES


def find_server(model: str, environment: Mapping[str, str]) -> Server:
    """The server of a model as Inspect names it; raises MweError where its address or key is not set."""
    provider, _, rest = model.partition("/")
    service, _, name = rest.partition("/") if provider == "openai-api-completions" else ("vllm", "", rest)
    if not name:
        raise MweError(f"{model} names no service: write openai-api-completions/SERVICE/MODEL.")
    prefix = service.upper().replace("-", "_")
    url = environment.get(f"{prefix}_BASE_URL") or environment.get("INSPECT_EVAL_MODEL_BASE_URL")
    if not url:
        raise MweError(f"{prefix}_BASE_URL is not set: set it to the server's address, as in http://127.0.0.1:8000/v1.")
    key = environment.get(f"{prefix}_API_KEY") or ("inspectai" if provider == "vllm-completions" else "")
    if not key:
        raise MweError(
            f"{prefix}_API_KEY is not set: set it to the server's key, or to any word where it asks for none."
        )
    return Server(url, key, name, prefix)
