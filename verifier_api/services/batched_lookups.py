"""Batched lookups: single items are gathered, and one query answers all that wait."""

import asyncio
from collections import deque
from typing import Final, NamedTuple

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import PER_BATCH, FindingKind
from authenticity.errors import LedgerUnavailableError
from authenticity.gs1.item import EntityId, ItemId
from authenticity.trust.entitlement import Entitlement
from ledger.protocols import LedgerReader
from ledger.records import AlertFilter
from verifier_api.services.answers import Known

_ITEMS_A_QUERY: Final = 256
_QUERIES_AT_ONCE: Final = 2
_ALERTS_OF_AN_ENTITY: Final = 10


async def standing_alerts(
    reader: LedgerReader, entity: EntityId, entitlement: Entitlement | None
) -> tuple[Alert, ...]:
    """The alerts about a batch that stand, of what its packs show together: what is found of
    each pack by itself (`PER_BATCH`) is not among them, for two batches may share one lot.
    Raises `LedgerUnavailableError`."""
    kinds = tuple(kind for kind in FindingKind if kind not in PER_BATCH)
    where = AlertFilter(entitlement, kinds, retracted=False, item=ItemId(entity))
    found = await reader.alerts(where, after=None, limit=_ALERTS_OF_AN_ENTITY)
    return tuple(record.alert for record in found.items)


class _Pending(NamedTuple):
    item: ItemId
    future: asyncio.Future[Known]
    since_s: float


class BatchedLookups:
    """A query costs a change of threads, ten times what reading a row costs.

    While queries are under way further items wait for the next; nobody waits when
    nothing is. At most as many wait as there are requests. Each item is answered, or
    given up, within `within_s` of being asked for: a query ends when its oldest must,
    and takes along those that wait behind it. For one event loop.
    """

    def __init__(self, reader: LedgerReader, *, within_s: float) -> None:
        self._reader = reader
        self._within_s = within_s
        self._waiting: deque[_Pending] = deque()
        self._queries: set[asyncio.Task[None]] = set()

    async def known(self, item: ItemId) -> Known:
        """What the ledger knows. Raises `LedgerUnavailableError`."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Known] = loop.create_future()
        self._waiting.append(_Pending(item, future, loop.time()))
        if len(self._queries) < _QUERIES_AT_ONCE:
            self._queries.add(asyncio.create_task(self._query_until_none_waits()))
        return await future

    async def _query_until_none_waits(self) -> None:
        try:
            await self._query()
        finally:
            # Not by a callback of the task: that runs later, and whoever asks in between
            # would wait for a query that has ended.
            self._queries.discard(_this_task())

    async def _query(self) -> None:
        while self._waiting:
            count = min(len(self._waiting), _ITEMS_A_QUERY)
            wanted = [self._waiting.popleft() for _ in range(count)]
            items = [each.item for each in wanted]
            try:
                async with asyncio.timeout_at(wanted[0].since_s + self._within_s):
                    histories, batch_registry = await self._reader.items(items)
            except TimeoutError:
                slow = LedgerUnavailableError("the ledger did not answer in time")
                _fail([*wanted, *self._waiting], slow)
                self._waiting.clear()
            except Exception as error:
                _fail(wanted, error)
            else:
                for each, history in zip(wanted, histories, strict=True):
                    if not each.future.done():
                        each.future.set_result(Known(history, batch_registry))


def _this_task() -> asyncio.Task[None]:
    task: asyncio.Task[None] | None = asyncio.current_task()
    assert task is not None
    return task


def _fail(wanted: list[_Pending], error: Exception) -> None:
    for each in wanted:
        if not each.future.done():
            each.future.set_exception(error)
