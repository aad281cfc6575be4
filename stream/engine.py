"""The engine: processes the records that a source hands over.

A source (`stream.sources`) reads a log and calls the methods below, in this order where it has
the choice: trust lists → batches → `reassess_items` → scans → `assess_entities`. A method
returns once what it was given is in the ledger or among the dead letters. Outages are waited
through for as long as `EngineLimits` says; then the method raises, and the source ends without
having acknowledged anything.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from authenticity.detection.policy import Policy
from authenticity.errors import InputError, TrustListError, UnavailableError
from authenticity.gs1.item import ItemId
from authenticity.history.history import History
from authenticity.records.scan import Scan, decode_scan
from authenticity.trust.trust_list import Roots, TrustList
from ledger.batch_cache import key_of
from ledger.protocols import LedgerStore, Progress
from stream.batch_records import BatchRecords, batch_of_part, read_batch_records
from stream.dead_letter_sinks import DeadLetterSink, Refused, SourceRecord
from stream.engine_stats import EngineStats
from stream.fold import Compute, LedgerFold
from stream.outages import Outages
from stream.step import reassess, updates_of
from stream.trust_keeper import TrustKeeper
from stream.verification import ScanVerifier

log = logging.getLogger("touchstone.stream")


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """How often to try, how long to wait, how much at once.

    `trust_patience_s`: how long a batch waits for the trust list that names its issuer.
    `unclaimed_parts`: so many parts of serial lists are kept, of one issuer's batches, before
    a header about their batch is there; 16 of the largest batches.
    `poison_at_once`: more records than this, of one call, that the program fails on are taken
    for a fault of the program.
    """

    fold_attempts: int = 50
    outage_s: float = 60.0
    longest_pause_s: float = 5.0
    poison_at_once: int = 20
    trust_poll_s: float = 0.5
    trust_patience_s: float = 5.0
    unclaimed_parts: int = 65_536
    items_reassessed_at_once: int = 500
    entities_at_once: int = 100


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Engine:
    """One engine, for one event loop.

    `compute`: how to run what keeps the processor busy. In threads, of two calls of
    `fold_scans` the second one's signatures are checked while the first one's histories are
    written. `shares_trust`: whether other engines on the ledger accept trust lists for this
    one; False where each reads every list from the log itself.
    """

    ledger: LedgerStore
    dead_letters: DeadLetterSink
    roots: Roots
    policy: Policy
    limits: EngineLimits = field(default_factory=EngineLimits)
    clock: Callable[[], datetime] = _utc_now
    compute: Compute = asyncio.to_thread
    shares_trust: bool = True
    stats: EngineStats = field(default_factory=EngineStats)

    def __post_init__(self) -> None:
        self.outages = Outages(self.limits.outage_s, self.limits.longest_pause_s)
        self._verifier = ScanVerifier()
        self._trust = TrustKeeper(self.roots)
        self._trust_version_seen = 0
        self._trust_loaded = False
        self._fold = LedgerFold(
            self.ledger, self.policy, self.clock, self.compute, self.stats,
            attempts=self.limits.fold_attempts,
        )  # fmt: skip
        self._reading = asyncio.Lock()
        self._folding = asyncio.Lock()

    async def has_trust_list(self) -> bool:
        """Whether there is a trust list to check codes against."""
        await self.outages.through(self._load_trust_list)
        return self._trust.trust_list is not None

    async def wait_for_trust_list(self) -> TrustList:
        """The newest trust list; before the first one, no scan can be processed."""
        waited = False
        while not await self.has_trust_list():
            if not waited:
                log.warning("no trust list yet: scans and batches wait for one")
            waited = True
            await asyncio.sleep(self.limits.trust_poll_s)
        assert self._trust.trust_list is not None
        return self._trust.trust_list

    async def accept_trust_lists(self, records: Sequence[SourceRecord]) -> None:
        """Keep every list that may follow the one in force."""
        for record in records:
            await self.outages.through(self._load_trust_list)
            at = self.clock()
            refused: list[Refused] = []
            try:
                self._trust.offer(record.value, at)
            except TrustListError as error:
                refused = [Refused(record, str(error))]
            progress = self.dead_letters.progress([record], refused, at)
            await self._keep_trust_list(None if refused else record.value, at, progress)
            await self._send_to_dead_letters(refused)

    async def accept_batches(self, records: Sequence[SourceRecord]) -> None:
        """Register batches, and parts of their serial lists, by what an entitled issuer signed.

        Topics are not ordered among each other: a batch may overtake the trust list that
        names its issuer. So a batch that is refused is tried again for `trust_patience_s`.
        """
        deadline = time.monotonic() + self.limits.trust_patience_s
        while True:
            trust_list = await self.wait_for_trust_list()
            found = read_batch_records(records, trust_list, self.clock())
            found = await self.outages.through(partial(self._within_bound, found))
            refused = found.refused
            if not refused or time.monotonic() >= deadline:
                break
            await asyncio.sleep(self.limits.trust_poll_s)
        progress = self.dead_letters.progress(records, refused, self.clock())
        await self.outages.through(
            lambda: self.ledger.accept_batches(found.statements, found.parts, progress=progress)
        )
        await self._send_to_dead_letters(refused)

    async def fold_scans(self, records: Sequence[SourceRecord]) -> None:
        """Fold scans into the ledger; what cannot be processed becomes dead letters."""
        async with self._reading:
            trust_list = await self.wait_for_trust_list()
            began = time.perf_counter()
            updates, refused = await self._read_all_or_none(records, trust_list)
        async with self._folding:
            if updates is None or not await self._try_to_fold(updates, records, refused):
                log.error("a batch of %d scans cannot be folded; one by one now", len(records))
                async with self._reading:
                    refused = await self._fold_one_by_one(records, trust_list)
            await self._send_to_dead_letters(refused)
        stats = self.stats
        stats.scans += len(records) - len(refused)
        stats.signatures_checked = self._verifier.misses
        stats.signatures_remembered = self._verifier.hits
        stats.folded_in(time.perf_counter() - began)
        if log.isEnabledFor(logging.DEBUG):
            _log_traces(records)

    async def reassess_items(self) -> bool:
        """Reassess items whose batches changed, a bounded number; whether there were any.

        Raises `UnavailableError` at once, for whoever calls it to try again.
        """
        some = await self.ledger.next_reassessment(self.limits.items_reassessed_at_once)
        if some is None:
            return False
        await self._fold.fold(reassess(some.items), reassessed=some)
        return True

    async def assess_entities(self) -> int:
        """Assess batches and scanners whose signals changed; how many, at most
        `EngineLimits.entities_at_once`.

        Raises `UnavailableError` at once, for whoever calls it to try again.
        """
        pending = await self.ledger.next_pending(self.limits.entities_at_once)
        if pending is None:
            return 0
        await self._fold.assess(pending)
        return len(pending.entities)

    def stop_waiting(self) -> None:
        """From now on wait through no outage: what meets one raises at once."""
        self.outages.stopping.set()

    async def close(self) -> None:
        """Close the ledger and end the threads, while the event loop still runs."""
        await self.ledger.close()
        self.close_threads()

    def close_threads(self) -> None:
        """End the threads alone, where the event loop has ended already."""
        self._verifier.close()

    async def _within_bound(self, found: BatchRecords) -> BatchRecords:
        """Without parts of batches that nothing is stated about, where too many are kept."""
        unstated = await self.ledger.unstated({batch_of_part(part) for part in found.parts})
        unstated -= {key_of(statement) for statement in found.statements}
        if not unstated:
            return found
        issuers = {issuer for issuer, _ in unstated}
        kept = {issuer: await self.ledger.unclaimed_parts(issuer) for issuer in issuers}
        return found.within(self.limits.unclaimed_parts, unstated, kept)

    async def _load_trust_list(self) -> None:
        """Take up the newest list in the ledger. If the pinned roots do not vouch for it, as
        after their replacement, scans wait for one that they do vouch for."""
        if self._trust_loaded and not self.shares_trust:
            return
        version = await self.ledger.trust_version()
        document = await self.ledger.trust_list() if version > self._trust_version_seen else None
        self._trust_loaded = True
        if document is None:
            return
        self._trust_version_seen = version
        try:
            trust_list = self._trust.offer(document, self.clock())
        except TrustListError as error:
            log.warning("the trust list in the ledger is not believed: %s", error)
        else:
            self._trust_version_seen = self.stats.trust_version = trust_list.version

    async def _keep_trust_list(
        self, document: bytes | None, at: datetime, progress: Progress | None
    ) -> None:
        """Keep the document of the list in force; None if another one was refused."""
        trust_list = self._trust.trust_list
        version = trust_list.version if trust_list else 0
        if document is not None or progress is not None:
            await self.outages.through(
                lambda: self.ledger.accept_trust_list(document, version, at, progress=progress)
            )
        if document is not None:
            self._trust_version_seen = self.stats.trust_version = version

    async def _read_all_or_none(
        self, records: Sequence[SourceRecord], trust_list: TrustList
    ) -> tuple[Mapping[ItemId, History] | None, list[Refused]]:
        """No updates at all if one of the records breaks the program."""
        try:
            return await self.compute(self._read, records, trust_list)
        except Exception:
            log.exception("a batch of %d scans cannot be read", len(records))
            return None, []

    def _read(
        self, records: Sequence[SourceRecord], trust_list: TrustList
    ) -> tuple[dict[ItemId, History], list[Refused]]:
        """Decode, verify, observe."""
        scans: list[Scan] = []
        refused: list[Refused] = []
        for record in records:
            try:
                scans.append(decode_scan(record.value))
            except InputError as error:
                refused.append(Refused(record, str(error)))
        return updates_of(self._verifier.check(scans, trust_list)), refused

    async def _try_to_fold(
        self,
        updates: Mapping[ItemId, History],
        records: Sequence[SourceRecord],
        refused: Sequence[Refused],
    ) -> bool:
        """Whether they could be; raises `UnavailableError` after an outage that lasts."""
        progress = self.dead_letters.progress(records, refused, self.clock())
        try:
            await self._fold_through_outages(updates, progress)
        except UnavailableError:
            raise
        except Exception:
            log.exception("the updates of %d items cannot be folded", len(updates))
            return False
        return True

    async def _fold_one_by_one(
        self, records: Sequence[SourceRecord], trust_list: TrustList
    ) -> list[Refused]:
        """Find the scan that breaks the program: it alone becomes a dead letter."""
        refused: list[Refused] = []
        failed = 0
        for record in records:
            try:
                updates, of_record = await self.compute(self._read, [record], trust_list)
                progress = self.dead_letters.progress([record], of_record, self.clock())
                await self._fold_through_outages(updates, progress)
            except UnavailableError:
                raise
            except Exception as error:
                failed += 1
                if failed > self.limits.poison_at_once:
                    raise  # not the scans are at fault: stop, and lose no more time on them
                of_record = [Refused(record, f"this program failed on it: {error!r}")]
                progress = self.dead_letters.progress([record], of_record, self.clock())
                if progress is not None:
                    await self._fold_through_outages({}, progress)
            refused += of_record
        return refused

    async def _fold_through_outages(
        self, updates: Mapping[ItemId, History], progress: Progress | None
    ) -> None:
        await self.outages.through(lambda: self._fold.fold(updates, progress=progress))

    async def _send_to_dead_letters(self, refused: Sequence[Refused]) -> None:
        """Return when the dead letters are durable."""
        if not refused:
            return
        at = self.clock()
        await self.outages.through(lambda: self.dead_letters.publish(refused, at))
        self.stats.dead_letters += len(refused)
        record, reason = refused[0]
        log.warning(
            "%d records of %s are dead letters, the first, offset %d of partition %d: %s",
            len(refused), record.topic.name, record.offset, record.partition, reason,
            extra={"trace": record.trace} if record.trace else None,
        )  # fmt: skip


def _log_traces(records: Sequence[SourceRecord]) -> None:
    """Where a request's trace ends; a line for each scan that brought one."""
    for record in records:
        if record.trace:
            log.debug("folded, or a dead letter: offset %d of partition %d", record.offset,
                      record.partition, extra={"trace": record.trace})  # fmt: skip
