"""A Ray cluster: the way in, what its nodes have, and what one loaded model asks of them."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from mwe_tasks.downloads import STORED, find_weights_of
from mwe_tasks.errors import MweError
from mwe_tasks.runs import Run

ADDRESS = "RAY_ADDRESS"
PATIENCE = 5.0
"""Seconds that a cluster's port may take to answer."""
AROUND = 2**30
"""Bytes that a worker takes beside the weights: Python, the engine, a batch."""
SPARE = 1.2
"""Memory asked for, as a multiple of the weights: what is computed with them."""
ON_GPU = ("mwe-hf",)
"""Providers that run on a GPU where there is one, each model on one."""


class Node(NamedTuple):
    """What one node has in all."""

    cpus: float
    gpus: float
    memory: float
    """Bytes that Ray gives away."""


class Demand(NamedTuple):
    """What one worker asks for, whether or not it uses it."""

    cpus: int
    gpus: int
    memory: int
    """Bytes; 0 where the size of the model is not known."""

    def fits(self, node: Node) -> bool:
        """Whether the node has as much when nothing else runs on it."""
        return self.cpus <= node.cpus and self.gpus <= node.gpus and self.memory <= node.memory

    @property
    def words(self) -> str:
        """The demand in words."""
        parts = [f"{self.cpus} CPU{'s' * (self.cpus > 1)}"]
        parts += ["a GPU"] if self.gpus else []
        parts += [f"{self.memory / 1e9:.3g} GB of memory"] if self.memory else []
        return ", ".join(parts[:-1]) + " and " * (len(parts) > 1) + parts[-1]


@contextmanager
def connect(address: str | None) -> Iterator[None]:
    """Connected to a cluster: HOST:PORT, ray://HOST:PORT, auto, or local to start Ray on this machine for as long.

    Where nothing is named it is RAY_ADDRESS, or else the cluster that this machine is a node of: Ray opens ports to
    the network where it starts, so that it is started only where it is asked for. A connection that there is already
    is used, and left. Raises MweError where Ray is missing and where no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise MweError("The Ray engine needs ray: pip install 'mwe-tasks[ray]'") from error
    if ray.is_initialized():
        yield
        return
    place = address or os.environ.get(ADDRESS) or "auto"
    _reach(place)
    own = {"include_dashboard": False} if place == "local" else {}
    try:
        ray.init(address=place, logging_level="ERROR", log_to_driver=False, **own)
    except Exception as error:  # whatever Ray raises: nothing there, another version, another protocol
        if place == "auto":
            raise MweError(
                "No Ray cluster runs on this machine: name one with --address HOST:6379, start one with ray start "
                "--head, or give --address local to start one for this command."
            ) from error
        raise MweError(f"The Ray cluster at {place} cannot be joined ({_first_line(error)}).") from error
    try:
        yield
    finally:
        ray.shutdown()


def nodes() -> list[Node]:
    """What each node has that is alive."""
    import ray

    found = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [Node(each.get("CPU", 0), each.get("GPU", 0), each.get("memory", 0)) for each in found]


def has_room(demand: Demand) -> bool:
    """Whether so much is free now, over all nodes."""
    import ray

    free = ray.available_resources()
    return demand.fits(Node(free.get("CPU", 0), free.get("GPU", 0), free.get("memory", 0)))


def threads_of(found: Sequence[Node]) -> int:
    """The threads of each worker where none are asked for: all CPUs of the smallest node, or its CPUs a GPU.

    One number for all workers, since the last bits of a sum depend on how many threads share it.
    """
    with_gpus = [int(node.cpus // node.gpus) for node in found if node.gpus >= 1]
    return max(1, min(with_gpus or [int(node.cpus) for node in found if node.cpus >= 1], default=1))


def demand_of(run: Run, threads: int, found: Sequence[Node]) -> Demand:
    """What a worker with this model asks for.

    A CPU a thread, a whole GPU where the cluster has one and the provider uses it, and memory for the weights:
    parameters times the bytes of each as they are held (`downloads`), with room to compute. On a GPU they pass
    through a node's memory as they are stored; `-M dtype=` and `-M device=cpu` are heeded.
    """
    options = dict(run.options)
    on_gpu = run.provider in ON_GPU and str(options.get("device", "cuda")).startswith("cuda")
    gpus = int(on_gpu and any(node.gpus >= 1 for node in found))
    halved = run.provider in ON_GPU and (gpus or options.get("dtype") in ("bfloat16", "float16"))
    size = run.params * STORED if halved and run.params else find_weights_of(run).size
    return Demand(threads, gpus, int(size * SPARE) + AROUND if size else 0)


def refuse_too_large(demand: Demand, found: Sequence[Node]) -> None:
    """Raises MweError where no node could ever hold a worker that asks for so much."""
    if not any(demand.fits(node) for node in found):
        most = max(
            found,
            key=lambda node: (node.gpus >= demand.gpus, node.cpus > 0, node.memory),
            default=Node(0, 0, 0),
        )
        has = f"{most.cpus:g} CPUs, {most.gpus:g} GPUs and {most.memory / 1e9:.3g} GB"
        raise MweError(
            f"No node of the cluster is large enough: a worker takes {demand.words}, and the largest node has {has}"
        )


def _reach(place: str) -> None:
    """Raises MweError at once where nothing answers at HOST:PORT, for which Ray itself waits a minute."""
    host, colon, port = place.removeprefix("ray://").rpartition(":")
    if not colon:
        if place in ("auto", "local"):
            return
        raise MweError(f"--address {place} names no cluster: write HOST:PORT, ray://HOST:PORT, auto or local.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except (OSError, ValueError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "nothing answers there"
        raise MweError(f"No Ray cluster can be reached at {place} ({why}): check --address.") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".:")
