"""The Kafka engine without Kafka: what a worker does with the records it is handed.

`stream.sources.faust.app` hands over what it has received and acknowledges it once a method has
returned. Every method returns only when what it was given is in the ledger or among the
dead letters, and waits through outages for as long as its limit says; then it raises, and
the worker ends without having acknowledged anything.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import msgspec

from authenticity.detection.policy import Policy
from authenticity.errors import (
    BatchError,
    InputError,
    LedgerUnavailableError,
    TrustListError,
    UnavailableError,
)
from authenticity.gs1.item import EntityId, ItemId
from authenticity.history.history import History
from authenticity.records.batch import Batch, decode_batch
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import Scan, decode_scan
from authenticity.trust.trust_list import Roots, TrustList
from events.publisher import Publisher, Record
from events.topics import SCANS_DEAD, Topic, dead_letter
from ledger.protocols import (
    UNKNOWN,
    AsyncLedgerWriter,
    BatchRegistryChanged,
    ItemChange,
    KnownItem,
    Pending,
    Reassessment,
)
from stream.engine_stats import EngineStats
from stream.step import reassess, reassess_entity, step, updates_of
from stream.trust_keeper import TrustKeeper, entitled
from stream.verification import ScanVerifier

log = logging.getLogger("touchstone.stream")

T = TypeVar("T")

ChangesOf = Callable[
    [Collection[ItemId], Mapping[ItemId, KnownItem], BatchRegistry], Awaitable[list[ItemChange]]
]
"""What to write of these, by what is known of them."""


@dataclass(frozen=True, slots=True)
class KafkaLimits:
    """How often to try, how long to wait."""

    fold_attempts: int = 50
    outage_s: float = 60.0
    longest_pause_s: float = 5.0
    poison_at_once: int = 20
    trust_look_s: float = 0.5
    trust_patience_s: float = 5.0
    items_judged_anew_at_once: int = 500
    subjects_at_once: int = 100


class Received(NamedTuple):
    """One record as it came. `trace` is its W3C trace context, if it brought one."""

    topic: Topic
    partition: int
    offset: int
    key: bytes
    value: bytes
    trace: str | None = None


class _Refused(NamedTuple):
    record: Received
    reason: str


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class KafkaEngine:
    """One worker's engine, for one event loop. It closes ledger and publisher.

    Of two calls of `fold_scans` the second one's signatures are checked while the first
    one's histories are written: what one waits for, the other has the processor for.
    """

    ledger: AsyncLedgerWriter
    publisher: Publisher
    roots: Roots
    policy: Policy
    limits: KafkaLimits = field(default_factory=KafkaLimits)
    clock: Callable[[], datetime] = _utc_now
    stats: EngineStats = field(default_factory=EngineStats)

    def __post_init__(self) -> None:
        self._verifier = ScanVerifier()
        self._trust = TrustKeeper(self.roots)
        self._version_seen = 0
        self._reading = asyncio.Lock()
        self._folding = asyncio.Lock()

    async def trusting(self) -> None:
        """Return when there is a trust list to judge by."""
        await self._through_outages(self._first_trust_list)

    async def fold_scans(self, records: Sequence[Received]) -> None:
        """Fold scans into the ledger; what cannot be processed becomes dead letters."""
        async with self._reading:
            trust_list = await self._through_outages(self._first_trust_list)
            began = time.perf_counter()
            updates, refused = await self._read_if_it_can_be(records, trust_list)
        async with self._folding:
            if updates is None or not await self._folded(updates):
                log.error("a batch of %d scans cannot be folded; one by one now", len(records))
                async with self._reading:
                    refused = await self._fold_one_by_one(records, trust_list)
            await self._bury(refused)
        stats = self.stats
        stats.scans += len(records) - len(refused)
        stats.signatures_checked = self._verifier.misses
        stats.signatures_remembered = self._verifier.hits
        stats.folded_in(time.perf_counter() - began)
        if log.isEnabledFor(logging.DEBUG):
            _say_traces(records)

    async def take_batches(self, records: Sequence[Received]) -> None:
        """Register batches of entitled issuers.

        Topics are not ordered among each other: a batch may overtake the trust list that
        names its issuer. So a stranger's batch is looked at again for a while.
        """
        deadline = time.monotonic() + self.limits.trust_patience_s
        while True:
            trust_list = await self._through_outages(self._first_trust_list)
            batches, refused = _registrable(records, trust_list)
            if not refused or time.monotonic() > deadline:
                break
            await asyncio.sleep(self.limits.trust_look_s)
        await self._through_outages(lambda: self.ledger.accept_batches(batches, self.clock()))
        await self._bury(refused)

    async def take_trust_lists(self, records: Sequence[Received]) -> None:
        """Keep every list that may follow the one in force."""
        for record in records:
            await self._through_outages(self._look_for_trust_list)
            at = self.clock()
            try:
                trust_list = self._trust.offer(record.value, at)
            except TrustListError as error:
                await self._bury([_Refused(record, str(error))])
                continue
            await self._through_outages(
                lambda value=record.value, version=trust_list.version, at=at: (  # type: ignore[misc]
                    self.ledger.accept_trust_list(value, version, at)
                )
            )
            self._hold(trust_list)

    async def judge_some_anew(self) -> bool:
        """Judge items whose batches changed, a bounded number; whether there were any."""
        some = await self.ledger.next_reassessment(self.limits.items_judged_anew_at_once)
        if some is None:
            return False
        await self._fold(reassess(some.items), reassessed=some)
        return True

    async def judge_due_subjects(self) -> int:
        """Assess batches and scanners whose signals changed: how many, `subjects_at_once` at
        most."""
        due = await self.ledger.next_pending(self.limits.subjects_at_once)
        if due is None:
            return 0

        async def changes_of(
            subjects: Collection[ItemId], known: Mapping[ItemId, KnownItem], _: BatchRegistry
        ) -> list[ItemChange]:
            changes = []
            for subject in subjects:
                signals = await self.ledger.signals_about(EntityId(subject))
                before = known.get(subject, UNKNOWN)
                changes.append(
                    await asyncio.to_thread(
                        reassess_entity, EntityId(subject), before, signals, self.policy
                    )
                )
            return changes

        await self._write([ItemId(subject) for subject in due.subjects], changes_of, settled=due)
        return len(due.subjects)

    def end(self) -> None:
        """Let go of threads and publisher, when the event loop is over already."""
        self._verifier.close()
        self.publisher.close()

    async def close(self) -> None:
        """Let go of the ledger, while the event loop still runs."""
        await self.ledger.close()

    async def _through_outages(self, work: Callable[[], Awaitable[T]]) -> T:
        since: float | None = None
        pause_s = 0.1
        while True:
            try:
                return await work()
            except UnavailableError as error:
                since = since or time.monotonic()
                if time.monotonic() - since > self.limits.outage_s:
                    raise
                log.warning("%s; %s; trying again in %.1f s", error, error.next_step, pause_s)
                await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 - spreads load
                pause_s = min(2 * pause_s, self.limits.longest_pause_s)

    async def _first_trust_list(self) -> TrustList:
        """The newest list in the ledger; before the first one, no scan can be judged."""
        waited = False
        while True:
            await self._look_for_trust_list()
            if (trust_list := self._trust.trust_list) is not None:
                return trust_list
            if not waited:
                log.warning("no trust list yet: scans and batches wait for one")
            waited = True
            await asyncio.sleep(self.limits.trust_look_s)

    async def _look_for_trust_list(self) -> None:
        """Take up the newest list that any worker accepted. If the pinned roots do not vouch
        for it, as after their replacement, scans wait for one that they do vouch for."""
        version = await self.ledger.trust_version()
        if version <= self._version_seen:
            return
        document = await self.ledger.trust_list()
        self._version_seen = version
        if document is None:
            return
        try:
            self._hold(self._trust.offer(document, self.clock()))
        except TrustListError as error:
            log.warning("not believed, the trust list in the ledger: %s", error)

    def _hold(self, trust_list: TrustList) -> None:
        self._version_seen = self.stats.trust_version = trust_list.version

    async def _read_if_it_can_be(
        self, records: Sequence[Received], trust_list: TrustList
    ) -> tuple[Mapping[ItemId, History] | None, list[_Refused]]:
        """No news at all if one of the records breaks the program."""
        try:
            return await asyncio.to_thread(self._read, records, trust_list)
        except Exception:
            log.exception("a batch of %d scans cannot be read", len(records))
            return None, []

    async def _folded(self, updates: Mapping[ItemId, History]) -> bool:
        """Whether they could be; raises `UnavailableError` after an outage that lasts."""
        try:
            await self._through_outages(lambda: self._fold(updates))
        except UnavailableError:
            raise
        except Exception:
            log.exception("the news of %d items cannot be folded", len(updates))
            return False
        return True

    def _read(
        self, records: Sequence[Received], trust_list: TrustList
    ) -> tuple[dict[ItemId, History], list[_Refused]]:
        scans: list[Scan] = []
        refused: list[_Refused] = []
        for record in records:
            try:
                scans.append(decode_scan(record.value))
            except InputError as error:
                refused.append(_Refused(record, str(error)))
        return updates_of(self._verifier.check(scans, trust_list)), refused

    async def _fold_one_by_one(
        self, records: Sequence[Received], trust_list: TrustList
    ) -> list[_Refused]:
        """The way out when one scan breaks the program: it alone goes to the dead letters."""
        refused: list[_Refused] = []
        failed = 0
        for record in records:
            try:
                updates, unreadable = await asyncio.to_thread(self._read, [record], trust_list)
                await self._through_outages(lambda updates=updates: self._fold(updates))  # type: ignore[misc]
                refused += unreadable
            except UnavailableError:
                raise
            except Exception as error:
                refused.append(_Refused(record, f"this program failed on it: {error!r}"))
                failed += 1
                if failed > self.limits.poison_at_once:
                    raise  # not the scans are at fault: stop, and lose no more time on them
        return refused

    async def _fold(
        self, updates: Mapping[ItemId, History], *, reassessed: Reassessment | None = None
    ) -> None:
        async def changes_of(
            items: Collection[ItemId],
            known: Mapping[ItemId, KnownItem],
            batch_registry: BatchRegistry,
        ) -> list[ItemChange]:
            some = {item: updates[item] for item in items}
            return await asyncio.to_thread(step, some, known, batch_registry, self.policy)

        await self._write(updates.keys(), changes_of, reassessed=reassessed)

    async def _write(
        self,
        pending: Collection[ItemId],
        changes_of: ChangesOf,
        *,
        reassessed: Reassessment | None = None,
        settled: Pending | None = None,
    ) -> None:
        """Read, compute, write; again with those items that met another writer."""
        for attempt in range(self.limits.fold_attempts):
            batch_registry, version = await self.ledger.batch_registry()
            changes = await changes_of(pending, await self.ledger.known(pending), batch_registry)
            try:
                met = await self.ledger.write(
                    changes, version, self.clock(), reassessed=reassessed, settled=settled
                )
            except BatchRegistryChanged:
                continue
            self.stats.folds += 1
            if not met:
                return
            self.stats.conflicts += len(met)
            pending = met
            await asyncio.sleep(random.uniform(0, 0.001 * 2 ** min(attempt, 6)))  # noqa: S311
        raise LedgerUnavailableError(
            f"{len(pending)} items kept meeting another writer",
            next_step="look for a scanner that repeats one code, or run fewer workers",
        )

    async def _bury(self, refused: Sequence[_Refused]) -> None:
        """Return when the dead letters are durable."""
        if not refused:
            return
        at = self.clock()
        letters = [_letter(record, reason, at) for record, reason in refused]
        await self._through_outages(lambda: asyncio.wrap_future(self.publisher.publish(letters)))
        self.stats.dead_letters += len(refused)
        record, reason = refused[0]
        log.warning(
            "%d records of %s are dead letters, the first, offset %d of partition %d: %s",
            len(refused), record.topic.name, record.offset, record.partition, reason,
            extra={"trace": record.trace} if record.trace else None,
        )  # fmt: skip


def _say_traces(records: Sequence[Received]) -> None:
    """Where a request's trace ends; a line for each scan that brought one."""
    for record in records:
        if record.trace:
            log.debug("folded, or buried: offset %d of partition %d", record.offset,
                      record.partition, extra={"trace": record.trace})  # fmt: skip


def _letter(record: Received, reason: str, at: datetime) -> Record:
    letter = dead_letter(record.topic, record.partition, record.offset, record.value, reason, at)
    return Record(SCANS_DEAD, record.key, msgspec.json.encode(letter))


def _registrable(
    records: Sequence[Received], trust_list: TrustList
) -> tuple[list[Batch], list[_Refused]]:
    batches: list[Batch] = []
    refused: list[_Refused] = []
    for record in records:
        try:
            batches.append(entitled(decode_batch(record.value), trust_list))
        except BatchError as error:
            refused.append(_Refused(record, str(error)))
    return batches, refused
