"""How far a bulk run is: a bar on a terminal, else a plain line now and then.

Each way is given how many questions there are and how many are done already, and is told of more as they are done.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Pace = Callable[[float, float], AbstractContextManager[Callable[[float], None]]]
"""(questions, those that are done already) -> a context that gives a function for more that are done."""

EVERY = 15.0
"""Seconds between plain lines."""


def find_pace() -> Pace:
    """The way that suits where the command was started; INSPECT_DISPLAY=none is heeded."""
    if os.environ.get("INSPECT_DISPLAY") == "none":
        return silence
    return bar if sys.stdout.isatty() else lines


@contextmanager
def silence(questions: float, done: float) -> Iterator[Callable[[float], None]]:
    """Shows nothing."""
    yield lambda more: None


@contextmanager
def lines(
    questions: float,
    done: float,
    *,
    say: Callable[[str], None] = click.echo,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Callable[[float], None]]:
    """Lines such as "412 of 1000 questions, 23.1 a second, 25 s left", and one when all are done."""
    began = said = clock()
    before = done

    def tell(more: float) -> None:
        nonlocal done, said
        done += more
        now = clock()
        if now - said >= EVERY or done > questions - 1e-6:
            said = now
            speed = (done - before) / max(now - began, 1e-9)
            left = f", {(questions - done) / speed:.0f} s left" if done < questions - 1e-6 else ""
            say(f"{done:.0f} of {questions:.0f} questions, {speed:.3g} a second{left}")

    if done:
        say(f"{done:.0f} of {questions:.0f} questions are done already.")
    yield tell


@contextmanager
def bar(questions: float, done: float) -> Iterator[Callable[[float], None]]:
    """A bar with questions a second and the time that is left."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("questions  {task.fields[speed]}"), TimeRemainingColumn())
    began, before = time.monotonic(), done
    with Progress(*columns, console=Console(), transient=True) as shown:
        task = shown.add_task("", total=round(questions), completed=round(done), speed="")

        def tell(more: float) -> None:
            nonlocal done
            done += more
            speed = (done - before) / max(time.monotonic() - began, 1e-9)
            shown.update(task, completed=round(done), speed=f"{speed:.3g} a second")

        yield tell
