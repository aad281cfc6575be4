"""Trying again while the ledger or the log is away."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from authenticity.errors import UnavailableError

log = logging.getLogger("touchstone.stream")

T = TypeVar("T")

_FIRST_PAUSE_S: Final = 0.1


class Outages:
    """Waits through outages of at most `outage_s`, with pauses that grow to `longest_pause_s`.

    `stopping`: set it to end every pause; then no outage is waited through any more.
    """

    def __init__(self, outage_s: float, longest_pause_s: float) -> None:
        self._outage_s = outage_s
        self._longest_pause_s = longest_pause_s
        self.stopping = asyncio.Event()

    async def through(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returns, which is called again after each `UnavailableError`. Raises that
        of the last call once the outage has lasted too long."""
        since: float | None = None
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return await work()
            except UnavailableError as error:
                since = since or time.monotonic()
                if self.stopping.is_set() or time.monotonic() - since > self._outage_s:
                    raise
                log.warning("%s; %s; trying again in %.1f s", error, error.next_step, pause_s)
                await self.pause(pause_s * random.uniform(0.5, 1))  # noqa: S311 - spreads load
                pause_s = min(2 * pause_s, self._longest_pause_s)

    async def pause(self, seconds: float) -> None:
        """Sleep for so long, or until `stopping`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
