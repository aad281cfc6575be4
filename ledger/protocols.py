"""The ledger's side of the fold: what it is asked for, and what it is told.

A fold reads what is known, computes without holding any lock, and writes under a version
check. Whatever another writer has touched meanwhile is given back, to be folded again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from authenticity.detection.item_state import UNKNOWN as UNKNOWN
from authenticity.detection.item_state import ItemChange as ItemChange
from authenticity.detection.item_state import KnownItem as KnownItem
from authenticity.detection.signals import Signal
from authenticity.gs1.item import EntityId, ItemId
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import BatchRegistry


class Letter(NamedTuple):
    """A record that could not be processed. `raw` may be cut; `bytes` is its full length."""

    source: str
    position: int
    reason: str
    raw: bytes
    bytes: int


class Progress(NamedTuple):
    """How far a source has been consumed, and what could not be processed up to there.

    A source is a topic of one particular log: positions mean nothing in another.
    """

    source: str
    position: int
    letters: Sequence[Letter] = ()


class Reassessment(NamedTuple):
    """Some items of a product whose batches changed. `last` is the last of `items`.

    Empty `items`: all have been judged anew.
    """

    gtin: str
    registry_version: int
    items: Sequence[ItemId]


class Pending(NamedTuple):
    """Subjects whose signals changed, and the numbers of the entries that say so.

    They are exactly the entries that were read, not all up to the last of them: a number is
    given before its transaction commits, and a lower one may become visible later.
    """

    subjects: Sequence[EntityId]
    numbers: Sequence[int]


class BatchRegistryChanged(Exception):  # noqa: N818 - no error: the fold begins again
    """The batches changed between a fold's read and its write; nothing was written."""


class LedgerWriter(Protocol):
    """One writer among possibly many. Every method may raise `LedgerUnavailableError`,
    and then nothing of it was written."""

    def known(self, items: Collection[ItemId]) -> dict[ItemId, KnownItem]:
        """What is known of these items; those never seen are left out."""
        ...

    def batch_registry(self) -> tuple[BatchRegistry, int]:
        """The registered batches and their version; read again only when it changed."""
        ...

    def write(
        self,
        changes: Sequence[ItemChange],
        registry_version: int,
        at: datetime,
        *,
        progress: Progress | None = None,
        reassessed: Reassessment | None = None,
        settled: Pending | None = None,
    ) -> set[ItemId]:
        """Write histories, signals, alerts and feed in one transaction; return what met another
        writer.

        Only when nothing is returned are `progress`, `reassessed` and `settled` written, with
        the rest. Raises `BatchRegistryChanged` if `registry_version` is no longer the newest.
        """
        ...

    def accept_batches(self, batches: Sequence[Batch], progress: Progress, at: datetime) -> None:
        """Register batches or later statements about them; have their items judged anew."""
        ...

    def accept_trust_list(
        self, document: bytes | None, version: int, progress: Progress, at: datetime
    ) -> None:
        """Keep the newest trust list. None: there was nothing acceptable."""
        ...

    def trust_list(self) -> bytes | None:
        """The newest accepted trust list."""
        ...

    def position(self, source: str) -> int:
        """How far a source has been consumed; 0 at first."""
        ...

    def settled(self) -> bool:
        """Whether all that was written would outlast a loss of power, if need be after
        flushing it. Before that nothing may be forgotten that it was made of."""
        ...

    def next_reassessment(self, limit: int) -> Reassessment | None:
        """Some items to judge anew, None if there are none."""
        ...

    def next_pending(self, limit: int) -> Pending | None:
        """At most so many subjects to assess, those waiting longest first; None if none is.

        Whoever assesses one reads what is `known` of it, then its signals, and writes a change
        of it even if no alert changes: so whatever was read before somebody else's assessment
        is refused, and signals that change after they were read have made it due once more.
        """
        ...

    def signals_about(self, subject: EntityId) -> list[Signal]:
        """Sorted, at most the first `MAX_SIGNALS_ASSESSED`."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class AsyncLedgerWriter(Protocol):
    """The same for an engine whose log keeps the positions: one writer among many workers.
    Several tasks may use it; they take turns.

    Every method may raise `LedgerUnavailableError`. Then nothing of it was written, or it
    is not known whether it was (a connection lost at the commit); writing it again does no
    harm, since versions are compared.
    """

    async def known(self, items: Collection[ItemId]) -> dict[ItemId, KnownItem]:
        """See `LedgerWriter.known`."""
        ...

    async def batch_registry(self) -> tuple[BatchRegistry, int]:
        """See `LedgerWriter.batch_registry`."""
        ...

    async def write(
        self,
        changes: Sequence[ItemChange],
        registry_version: int,
        at: datetime,
        *,
        reassessed: Reassessment | None = None,
        settled: Pending | None = None,
    ) -> set[ItemId]:
        """See `LedgerWriter.write`."""
        ...

    async def accept_batches(self, batches: Sequence[Batch], at: datetime) -> None:
        """See `LedgerWriter.accept_batches`."""
        ...

    async def accept_trust_list(self, document: bytes, version: int, at: datetime) -> None:
        """Keep a trust list."""
        ...

    async def trust_list(self) -> bytes | None:
        """The newest accepted trust list."""
        ...

    async def trust_version(self) -> int:
        """Its version, 0 if there is none."""
        ...

    async def next_reassessment(self, limit: int) -> Reassessment | None:
        """See `LedgerWriter.next_reassessment`."""
        ...

    async def next_pending(self, limit: int) -> Pending | None:
        """See `LedgerWriter.next_pending`."""
        ...

    async def signals_about(self, subject: EntityId) -> list[Signal]:
        """See `LedgerWriter.signals_about`."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...
