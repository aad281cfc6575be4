"""Waiting for a condition. The deadline only ends a hang; no test is about it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 300.0
ASKED_EVERY_S = 0.02

What = Callable[[], object] | str


def wait_until(
    holds: Callable[[], T | None],
    what: What = "it did not come to hold",
    *,
    every_s: float = ASKED_EVERY_S,
) -> T:
    """The first answer of `holds` that is true. `what` is the message should there be none."""
    until = time.monotonic() + PATIENCE_S
    while not (answer := holds()):
        assert time.monotonic() < until, what() if callable(what) else what
        time.sleep(every_s)
    return answer


async def wait_in_loop(
    holds: Callable[[], object | Awaitable[object]], what: What = "it did not come to hold"
) -> None:
    """As `wait_until`, while the event loop goes on. `holds` may be a coroutine function."""
    until = time.monotonic() + PATIENCE_S
    while True:
        answer = holds()
        if await answer if isawaitable(answer) else answer:
            return
        assert time.monotonic() < until, what() if callable(what) else what
        await asyncio.sleep(ASKED_EVERY_S)
