"""Look-ups of single items, gathered: one visit to the ledger for all that wait."""

import asyncio
from collections import deque
from typing import Final

from authenticity.errors import LedgerUnavailableError
from authenticity.item import ItemId
from ledger.reading import LedgerReader
from verifier_api.answers import Known

_ITEMS_A_VISIT: Final = 256
_VISITS_AT_ONCE: Final = 2


class LookUps:
    """A visit costs a change of threads, ten times what reading a row costs.

    While visits are under way further items wait for the next; nobody waits when
    nothing is. At most as many wait as there are requests. For one event loop.
    """

    def __init__(self, reader: LedgerReader, *, within_s: float) -> None:
        self._reader = reader
        self._within_s = within_s
        self._waiting: deque[tuple[ItemId, asyncio.Future[Known]]] = deque()
        self._visits: set[asyncio.Task[None]] = set()

    async def known(self, item: ItemId) -> Known:
        """What the ledger knows. Raises `LedgerUnavailableError`."""
        future: asyncio.Future[Known] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._visits) < _VISITS_AT_ONCE:
            visit = asyncio.create_task(self._visit())
            self._visits.add(visit)
            visit.add_done_callback(self._visits.discard)
        return await future

    async def _visit(self) -> None:
        while self._waiting:
            count = min(len(self._waiting), _ITEMS_A_VISIT)
            taken = [self._waiting.popleft() for _ in range(count)]
            wanted = [(item, future) for item, future in taken if not future.done()]
            if not wanted:
                continue
            try:
                async with asyncio.timeout(self._within_s):
                    histories, catalogue = await self._reader.items([item for item, _ in wanted])
            except Exception as error:
                _fail(wanted, error)
                continue
            for (_, future), history in zip(wanted, histories, strict=True):
                if not future.done():
                    future.set_result(Known(history, catalogue))


def _fail(wanted: list[tuple[ItemId, asyncio.Future[Known]]], error: Exception) -> None:
    if isinstance(error, TimeoutError):
        error = LedgerUnavailableError("the ledger did not answer in time")
    for _, future in wanted:
        if not future.done():
            future.set_exception(error)
