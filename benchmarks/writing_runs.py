"""One run of our writer, and one of the seed's loop, against a pool's server."""

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
from inspect_ai import eval as inspect_eval
from inspect_ai.model import GenerateConfig, Model, get_model
from pool import CONNECTIONS, Pool, serving
from seed_loop import LIMIT, WIDTH, Written, write_serially

from mwe_tasks.building import build_dataset
from mwe_tasks.generators.sycophantic_yesno import write_sycophantic_yesno
from mwe_tasks.rows import Row
from mwe_tasks.tree import Node, read_nodes

ROWS = 200


class Ours(NamedTuple):
    """One run of our writer."""

    writing: float
    """Seconds of the eval."""
    building: float
    cpu: float
    """Seconds of this process, of both."""
    test: Sequence[Row]
    contested: Sequence[Row]
    nodes: Sequence[Node]
    pool: Pool

    @property
    def seconds(self) -> float:
        """Of the whole."""
        return self.writing + self.building


class Seed(NamedTuple):
    """One run of the seed's loop."""

    seconds: float
    written: Written
    pool: Pool


def our_run(pool: Pool, rows: int) -> Ours:
    """Our writer and the build of its dataset, against a pool's server."""
    with tempfile.TemporaryDirectory() as folder, serving(pool) as url:
        os.environ["INSPECT_CACHE_DIR"] = f"{folder}/cache"
        judges = [_model(f"judge-{name}", url) for name in "abc"]
        roles = {"generator": _model("generator", url), "ranker": _model("ranker", url), "judge": judges}
        began, cpu = time.monotonic(), time.process_time()
        log = inspect_eval(
            write_sycophantic_yesno(rows=rows),
            model="none/none",
            model_roles=roles,
            max_samples=CONNECTIONS,
            log_dir=f"{folder}/logs",
            display="none",
        )[0]
        written = time.monotonic()
        if log.status != "success":
            raise SystemExit(f"Our run ended with {log.status}: {log.error}")
        built, _ = build_dataset([f"{folder}/logs"], Path(folder) / "built")
        done, cpu = time.monotonic(), time.process_time() - cpu
        nodes = read_nodes(Path(folder) / "built" / "trees.jsonl")
    return Ours(written - began, done - written, cpu, built.splits["test"], built.splits["contested"], nodes, pool)


def seed_run(pool: Pool) -> Seed:
    """The seed's loop against a pool's server."""
    with serving(pool) as url, httpx.Client(base_url=url, timeout=60) as client:

        def ask(model: str, prompt: str, **options: object) -> list[str]:
            reply = client.post("/completions", json={"model": model, "prompt": prompt} | options).raise_for_status()
            return [choice["text"] for choice in reply.json()["choices"]]

        began = time.monotonic()
        written = write_serially(
            lambda prompt: ask("generator", prompt, n=WIDTH, max_tokens=LIMIT),
            lambda prompt: ask("ranker", prompt, max_tokens=1)[0],
            pairs=ROWS,
        )
        seconds = time.monotonic() - began
    return Seed(seconds, written, pool)


def seed_dry(pool: Pool, pairs: int) -> Seed:
    """The seed's loop on the pool itself, without a server."""
    written = write_serially(
        lambda prompt: [text for text, _ in pool.answer("generator", prompt, WIDTH)],
        lambda prompt: pool.answer("ranker", prompt, 1)[0][0],
        pairs=pairs,
    )
    return Seed(0.0, written, pool)


def _model(name: str, url: str) -> Model:
    config = GenerateConfig(max_connections=CONNECTIONS)
    return get_model(f"openai-api/local/{name}", base_url=url, api_key="none", memoize=False, config=config)
