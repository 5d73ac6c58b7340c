"""Concurrent calls collected into batches: what waits when the worker is free is worked on together."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import anyio
import anyio.to_thread

Call = TypeVar("Call")
Reply = TypeVar("Reply")

GATHER = 0.005
"""Seconds that a batch waits for calls that are made at the same time."""


class _Waiting(Generic[Call, Reply]):
    """A call and, once it is known, its reply or what to raise."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.replies: list[Reply | Exception] = []


class Batcher(Generic[Call, Reply]):
    """Hands calls in the order in which they come, up to `most` at once, to a function that blocks.

    The function gives one reply or one exception a call; what it raises itself every call of the batch gets.
    """

    def __init__(self, work: Callable[[Sequence[Call]], Sequence[Reply | Exception]], most: int) -> None:
        self.work, self.most = work, most
        self._waiting: list[_Waiting[Call, Reply]] = []
        self._alone = anyio.Lock()

    async def ask(self, call: Call) -> Reply:
        """The reply to this call, once its batch is done; raises what the function gave it instead."""
        mine: _Waiting[Call, Reply] = _Waiting(call)
        self._waiting.append(mine)
        try:
            async with self._alone:
                while not mine.replies:  # else another call's batch took it along
                    await self._run()
        finally:
            if mine in self._waiting:  # cancelled
                self._waiting.remove(mine)
        (reply,) = mine.replies
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def _run(self) -> None:
        if len(self._waiting) < self.most:
            await anyio.sleep(GATHER)
        batch = self._waiting[: self.most]
        replies: Sequence[Reply | Exception]
        try:
            replies = await anyio.to_thread.run_sync(self.work, [each.call for each in batch])
        except Exception as error:
            replies = [error] * len(batch)
        for each, reply in zip(batch, replies, strict=True):
            each.replies.append(reply)
        self._waiting = [each for each in self._waiting if not each.replies]
