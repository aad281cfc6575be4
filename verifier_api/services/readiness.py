"""What was last found out about readiness, for a moment: whoever asks is not charged."""

import asyncio
from collections.abc import Awaitable, Callable


class ReadinessChecks:
    """The checks, made at most once in `known_s`, and by one request at a time."""

    def __init__(self, monotonic_s: Callable[[], float], *, known_s: float) -> None:
        self._monotonic_s = monotonic_s
        self._known_s = known_s
        self._lock = asyncio.Lock()
        self._found: dict[str, str] = {}
        self._until_s = float("-inf")

    async def now(self, check: Callable[[], Awaitable[dict[str, str]]]) -> dict[str, str]:
        """By name, "ok" or why not."""
        async with self._lock:
            if self._monotonic_s() >= self._until_s:
                self._found = await check()
                self._until_s = self._monotonic_s() + self._known_s
            return self._found
