"""Packs for the traffic, from several batches in turn; new batches are issued in advance."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Final

from simulation.world import Pack

_OPEN_BATCHES: Final = 4
_RUNNING_LOW: Final = 0.25
_ISSUED_WITHIN_S: Final = 60.0

IssueBatch = Callable[[int], list[Pack]]
"""Issues and registers the batch with this number."""


class PackSupply:
    """Hands out packs of a few open batches. Not for several threads at once."""

    def __init__(self, issue_batch: IssueBatch) -> None:
        """Issues the first batches, one after another."""
        self._issue = issue_batch
        self._numbers = count()
        self._issuing = ThreadPoolExecutor(1, thread_name_prefix="issuing")
        self._ordered: Future[list[Pack]] | None = None
        self._open = deque(self._issue(next(self._numbers)) for _ in range(_OPEN_BATCHES))
        self._full = sum(map(len, self._open))

    def take(self, number: int) -> list[Pack]:
        """So many packs of one batch. Waits for a new batch if none has as many."""
        self._order_when_low()
        for _ in range(len(self._open)):
            batch = self._open[0]
            self._open.rotate(-1)
            if len(batch) >= number:
                taken, batch[:number] = batch[:number], []
                return taken
        self._open.append(self._next_batch().result(_ISSUED_WITHIN_S))
        self._ordered = None
        return self.take(number)

    def close(self) -> None:
        """Finish the batch that is being issued, if any."""
        self._issuing.shutdown(wait=True, cancel_futures=True)

    def _next_batch(self) -> Future[list[Pack]]:
        if self._ordered is None:
            self._ordered = self._issuing.submit(self._issue, next(self._numbers))
        return self._ordered

    def _order_when_low(self) -> None:
        if sum(map(len, self._open)) < _RUNNING_LOW * self._full:
            ordered = self._next_batch()
            if ordered.done():
                self._open.append(ordered.result())
                self._ordered = None
