import threading

import anyio
import pytest

from mwe_tasks.batching import Batcher


async def ask_all(batcher, calls):
    replies = {}

    async def ask(call):
        try:
            replies[call] = await batcher.ask(call)
        except ValueError as error:
            replies[call] = str(error)

    async with anyio.create_task_group() as group:
        for call in calls:
            group.start_soon(ask, call)
    return replies


def test_calls_made_at_once_are_worked_on_together_up_to_the_most():
    batches = []
    batcher = Batcher(lambda calls: batches.append(len(calls)) or [call * 2 for call in calls], 4)
    assert anyio.run(ask_all, batcher, range(10)) == {call: call * 2 for call in range(10)}
    assert batches == [4, 4, 2]


def test_an_error_is_raised_to_its_own_call_alone():
    batcher = Batcher(lambda calls: [ValueError("odd") if call % 2 else call for call in calls], 4)
    assert anyio.run(ask_all, batcher, range(4)) == {0: 0, 1: "odd", 2: 2, 3: "odd"}


def test_what_the_function_raises_every_call_of_its_batch_gets():
    def work(calls):
        if 0 in calls:
            raise ValueError("all")
        return list(calls)

    assert anyio.run(ask_all, Batcher(work, 2), range(4)) == {0: "all", 1: "all", 2: 2, 3: 3}


@pytest.mark.parametrize("cancelled", [0, 1, 3])
def test_a_call_that_is_cancelled_takes_no_other_with_it(cancelled):
    begun, go = threading.Event(), threading.Event()

    def work(calls):
        begun.set()
        go.wait(10)
        return list(calls)

    batcher, replies = Batcher(work, 2), []

    async def ask(call, scope):
        with scope:
            replies.append(await batcher.ask(call))

    async def run():
        scopes = [anyio.CancelScope() for _ in range(4)]
        async with anyio.create_task_group() as group:
            for call, scope in enumerate(scopes):
                group.start_soon(ask, call, scope)
            await anyio.to_thread.run_sync(begun.wait, 10)
            scopes[cancelled].cancel()
            await anyio.sleep(0.01)
            go.set()

    anyio.run(run)
    assert {*replies, cancelled} == set(range(4))


def test_it_serves_one_event_loop_after_another():
    batcher = Batcher(list, 4)
    assert [anyio.run(ask_all, batcher, [call]) for call in (1, 2)] == [{1: 1}, {2: 2}]
