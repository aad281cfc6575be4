"""The ledger's side of the fold: what it is asked for, and what it is told.

A fold reads what is known, computes without holding any lock, and writes under a version
check. Whatever another writer has touched meanwhile is given back, to be folded again.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import FindingKind
from authenticity.detection.signals import Clue
from authenticity.gs1.item import ItemId, SubjectId
from authenticity.history.history import EMPTY, History
from authenticity.records.batch import Batch, Catalogue


class KnownItem(NamedTuple):
    """What the ledger knows of an item, or of a subject. `version` 0: nothing yet.

    `published` holds the newest alert of every kind ever published for it; `clues` are those
    that its history gave, sorted. A subject has neither history nor clues of its own.
    """

    history: History
    version: int
    published: Mapping[FindingKind, Alert]
    clues: tuple[Clue, ...] = ()


UNKNOWN = KnownItem(EMPTY, 0, {})


class ItemChange(NamedTuple):
    """What to write of an item, or of a subject, if its version is still the one that was
    read.

    `history` is encoded; `alerts` are those that changed. `clues` are all that the history
    gives, `clues_before` those that were read: the subjects of what differs become due.
    """

    item: ItemId
    version: int
    history: bytes
    alerts: Sequence[Alert]
    clues: tuple[Clue, ...] = ()
    clues_before: tuple[Clue, ...] = ()


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
    catalogue_version: int
    items: Sequence[ItemId]


class Due(NamedTuple):
    """Subjects whose clues changed, and the numbers of the entries that say so.

    They are exactly the entries that were read, not all up to the last of them: a number is
    given before its transaction commits, and a lower one may become visible later.
    """

    subjects: Sequence[SubjectId]
    numbers: Sequence[int]


class CatalogueChanged(Exception):  # noqa: N818 - no error: the fold begins again
    """The batches changed between a fold's read and its write; nothing was written."""


class LedgerWriter(Protocol):
    """One writer among possibly many. Every method may raise `LedgerUnavailableError`,
    and then nothing of it was written."""

    def known(self, items: Collection[ItemId]) -> dict[ItemId, KnownItem]:
        """What is known of these items; those never seen are left out."""
        ...

    def catalogue(self) -> tuple[Catalogue, int]:
        """The registered batches and their version; read again only when it changed."""
        ...

    def write(
        self,
        changes: Sequence[ItemChange],
        catalogue_version: int,
        at: datetime,
        *,
        progress: Progress | None = None,
        reassessed: Reassessment | None = None,
        settled: Due | None = None,
    ) -> set[ItemId]:
        """Write histories, clues, alerts and feed in one transaction; return what met another
        writer.

        Only when nothing is returned are `progress`, `reassessed` and `settled` written, with
        the rest. Raises `CatalogueChanged` if `catalogue_version` is no longer the newest.
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

    def next_due(self, limit: int) -> Due | None:
        """At most so many subjects to assess, those waiting longest first; None if none is.

        Whoever assesses one reads what is `known` of it, then its clues, and writes a change
        of it even if no alert changes: so whatever was read before somebody else's assessment
        is refused, and clues that change after they were read have made it due once more.
        """
        ...

    def clues_about(self, subject: SubjectId) -> list[Clue]:
        """Sorted, at most the first `MOST_CLUES_ASSESSED`."""
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

    async def catalogue(self) -> tuple[Catalogue, int]:
        """See `LedgerWriter.catalogue`."""
        ...

    async def write(
        self,
        changes: Sequence[ItemChange],
        catalogue_version: int,
        at: datetime,
        *,
        reassessed: Reassessment | None = None,
        settled: Due | None = None,
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

    async def next_due(self, limit: int) -> Due | None:
        """See `LedgerWriter.next_due`."""
        ...

    async def clues_about(self, subject: SubjectId) -> list[Clue]:
        """See `LedgerWriter.clues_about`."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...
