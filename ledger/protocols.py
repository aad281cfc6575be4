"""What others ask of the ledger: an engine of its store, the service of its reader.

A fold reads what is known, computes without holding any lock, and writes under a version
check. Items that another writer has changed meanwhile are given back, to be folded again.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from authenticity.detection.item_state import ItemChange, KnownItem
from authenticity.detection.signals import Signal
from authenticity.gs1.item import EntityId, ItemId
from authenticity.history.history import History
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import BatchRegistry, Question
from authenticity.records.batch_statement import BatchStatement
from authenticity.records.dead_letter import DeadLetter
from authenticity.records.part_statement import SignedPart
from authenticity.trust.entitlement import Entitlement
from ledger.batch_cache import BatchKey
from ledger.records import (
    AlertFilter,
    AlertRecord,
    CaseChange,
    FeedEntry,
    Page,
    PartsHeld,
    TokenRecord,
)


class Progress(NamedTuple):
    """How far a source has been consumed, and what could not be processed up to there.

    A source is a topic of one particular log: positions mean nothing in another.
    """

    source: str
    position: int
    dead_letters: Sequence[DeadLetter] = ()


class Reassessment(NamedTuple):
    """Some items of a product whose batches changed, in the order of the ledger.

    Empty `items`: all have been reassessed.
    """

    gtin: str
    registry_version: int
    items: Sequence[ItemId]


class Pending(NamedTuple):
    """Entities whose signals changed, and the numbers of the queue's entries that say so.

    They are exactly the entries that were read, not all up to the last of them: a number is
    given before its transaction commits, and a lower one may become visible later.
    """

    entities: Sequence[EntityId]
    numbers: Sequence[int]


class BatchRegistryChanged(Exception):  # noqa: N818 - no error: the fold begins again
    """The batches changed between a fold's read and its write; nothing was written."""


class LedgerStore(Protocol):
    """The ledger of one engine, which is one writer among possibly many.

    Several tasks may use it; they take turns. Every method may raise
    `LedgerUnavailableError`. Then nothing of it was written, or it is not known whether it
    was (a connection lost at the commit). Writing it again is safe: versions are compared.

    `progress` is written in the same transaction as what it belongs to. It is None for a
    source that keeps its positions and dead letters itself, as Kafka does.
    """

    async def known(self, items: Collection[ItemId]) -> dict[ItemId, KnownItem]:
        """What is known of these items; those never seen are left out."""
        ...

    async def batch_registry(self) -> tuple[BatchRegistry, int]:
        """The registered batches and their version; read again only when it changed."""
        ...

    async def write(
        self,
        changes: Sequence[ItemChange],
        registry_version: int,
        at: datetime,
        *,
        progress: Progress | None = None,
        reassessed: Reassessment | None = None,
        acknowledged: Pending | None = None,
    ) -> set[ItemId]:
        """Write histories, signals, alerts and feed in one transaction; return the conflicts,
        which are the items that another writer has changed since they were read.

        Only without conflicts are `progress`, `reassessed` and `acknowledged` written, with
        the rest. Raises `BatchRegistryChanged` if `registry_version` is no longer the newest.
        """
        ...

    async def memberships(self, questions: Collection[Question]) -> Mapping[Question, bool]:
        """What the parts of serial lists say; questions whose part is not here are left out."""
        ...

    async def accept_batches(
        self,
        statements: Sequence[BatchStatement],
        parts: Sequence[SignedPart] = (),
        *,
        progress: Progress | None = None,
    ) -> None:
        """Register batches, later statements about them, and parts of their serial lists; have
        their items reassessed.

        Signatures are not checked here; an unsigned statement gives way to a signed one. A
        part is kept whether or not a header names it.
        """
        ...

    async def unstated(self, batches: Collection[BatchKey]) -> set[BatchKey]:
        """Those of these (issuer, batch id) about which nothing is stated."""
        ...

    async def unclaimed_parts(self, issuer: str) -> int:
        """How many parts are kept of this issuer's batches about which nothing is stated."""
        ...

    async def accept_trust_list(
        self,
        document: bytes | None,
        version: int,
        at: datetime,
        *,
        progress: Progress | None = None,
    ) -> None:
        """Keep a trust list. None: there was nothing acceptable, only `progress` is written."""
        ...

    async def trust_list(self) -> bytes | None:
        """The newest accepted trust list."""
        ...

    async def trust_version(self) -> int:
        """Its version, 0 if there is none."""
        ...

    async def position(self, source: str) -> int:
        """How far a source has been consumed; 0 at first."""
        ...

    async def is_durable(self) -> bool:
        """Whether all that was written would outlast a loss of power, if need be after
        flushing it. Before that nothing may be forgotten that it was made of."""
        ...

    async def next_reassessment(self, limit: int) -> Reassessment | None:
        """At most `limit` items to reassess, None if there are none."""
        ...

    async def next_pending(self, limit: int) -> Pending | None:
        """At most `limit` entities to assess, those waiting longest first; None if none is.

        Whoever assesses one reads what is `known` of it, then its signals, and writes a change
        of it even if no alert changes. So a write that rests on an older reading is refused,
        and signals that change after they were read make the entity pending once more.
        """
        ...

    async def signals_about(self, entity: EntityId) -> list[Signal]:
        """Sorted, of each kind at most the first `MAX_SIGNALS_ASSESSED`."""
        ...

    async def close(self) -> None:
        """Close the connection."""
        ...


class LedgerReader(Protocol):
    """What the service asks of the ledger; nothing of it blocks the event loop.

    Every method may raise `LedgerUnavailableError`. `entitlement` narrows the query itself
    (None does not): rows of other companies are never read.
    """

    async def item(self, item: ItemId) -> History | None:
        """The history of an item, None if it was never scanned."""
        ...

    async def items(self, items: Sequence[ItemId]) -> tuple[list[History | None], BatchRegistry]:
        """The histories of these items, in their order, and the batches, in one visit."""
        ...

    async def batch_registry(self) -> BatchRegistry:
        """Every registered batch; cached, and read again only when one has changed."""
        ...

    async def memberships(self, questions: Collection[Question]) -> Mapping[Question, bool]:
        """What the parts of serial lists say; questions whose part is not here are left out."""
        ...

    async def parts_held(self, issuer: str, batch_id: str) -> PartsHeld:
        """How many parts of this batch's serial list are here, of how many."""
        ...

    async def trust_list(self) -> bytes | None:
        """The newest trust list that the engine accepted, None before the first."""
        ...

    async def alerts(
        self, where: AlertFilter, *, after: str | None, limit: int
    ) -> Page[AlertRecord]:
        """Alerts in the order they were raised. Raises `InputError` for a made-up cursor."""
        ...

    async def alert(self, alert_id: str, entitlement: Entitlement | None) -> AlertRecord | None:
        """One alert, None if there is none or its item is not theirs."""
        ...

    async def feed(
        self, after: int, limit: int, entitlement: Entitlement | None
    ) -> list[FeedEntry]:
        """Changes with a number above `after`, in order."""
        ...

    async def newest_feed_number(self) -> int:
        """0 before the first change."""
        ...

    async def change_case(
        self, alert_id: str, change: CaseChange, entitlement: Entitlement | None
    ) -> AlertRecord | None:
        """Move a case; None if there is no such alert, or its item is not theirs.

        Raises `CaseError` for a move its state does not allow, or closing without a reason.
        """
        ...

    async def batches(
        self, entitlement: Entitlement | None, *, after: str | None, limit: int
    ) -> Page[Batch]:
        """Batches by issuer and id. Raises `InputError` for a made-up cursor."""
        ...

    async def token(self, token_sha256: bytes) -> TokenRecord | None:
        """The token with this hash, expired and revoked ones too."""
        ...

    async def ping(self) -> None:
        """Raise if the ledger cannot be read."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
