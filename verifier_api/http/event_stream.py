"""A response without an end of its own, which ends with the right to receive it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class EventStream(StreamingResponse):
    """Server-sent events (WHATWG HTML, section 9.2) until `ended` returns.

    Then `events` has `end_within_s` to end; a receiver that reads nothing holds it up no longer:
    the connection is cut. `release` is called once, whatever ended it.
    """

    def __init__(
        self,
        events: AsyncIterator[bytes],
        *,
        ended: Callable[[], Awaitable[None]],
        release: Callable[[], None],
        end_within_s: float,
    ) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._ended = ended
        self._release = release
        self._end_within_s = end_within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        sending = asyncio.ensure_future(super().__call__(scope, receive, send))
        ended = asyncio.ensure_future(self._ended())
        try:
            await asyncio.wait({sending, ended}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({sending}, timeout=self._end_within_s)
        finally:
            sending.cancel()
            ended.cancel()
            await asyncio.gather(sending, ended, return_exceptions=True)
            self._release()
        if not sending.cancelled():
            sending.result()
