"""The embedded engine: one loop around the pure step, on the embedded log and the ledger.

One round: new trust lists, new batches, a chunk of items whose batch changed, a batch of
scans, some subjects whose clues changed. Each is one transaction of the ledger that moves
the position with it; a crash between reading and writing repeats the round, and repeating
changes nothing.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

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
from events.embedded.log import EmbeddedLog, Entry
from events.topics import BATCHES, DEAD_LETTER_BYTES, SCANS, TRUST, Topic
from ledger.protocols import (
    UNKNOWN,
    BatchRegistryChanged,
    ItemChange,
    KnownItem,
    LedgerWriter,
    Letter,
    Pending,
    Progress,
    Reassessment,
)
from stream.engine_stats import EngineStats
from stream.step import reassess, reassess_entity, step, updates_of
from stream.trust_keeper import TrustKeeper, entitled
from stream.verification import ScanVerifier

ChangesOf = Callable[
    [Collection[ItemId], Mapping[ItemId, KnownItem], BatchRegistry], list[ItemChange]
]
"""What to write of these, by what is known of them."""

log = logging.getLogger("touchstone.stream")


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """How much at once, how long to wait, how often to try."""

    scans_at_once: int = 4_096
    items_judged_anew_at_once: int = 500
    subjects_at_once: int = 50
    subjects_every_s: float = 1.0
    idle_s: float = 0.02
    drain_s: float = 4.0
    fold_attempts: int = 50
    outage_s: float = 60.0
    longest_pause_s: float = 5.0
    prune_every_s: float = 60.0
    poison_at_once: int = 20


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class EmbeddedEngine:
    """Give it an open log and ledger; it closes both. `start` and `stop`, or `run_round`."""

    log: EmbeddedLog
    ledger: LedgerWriter
    roots: Roots
    policy: Policy
    limits: EngineLimits = field(default_factory=EngineLimits)
    clock: Callable[[], datetime] = _utc_now
    stats: EngineStats = field(default_factory=EngineStats)

    def __post_init__(self) -> None:
        self._verifier = ScanVerifier()
        self._trust = TrustKeeper(self.roots)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._pruned_at = self._subjects_at = time.monotonic()
        if document := self.ledger.trust_list():
            self._take_up(document)
        self._position = {
            topic: self.ledger.position(self.log.source(topic)) for topic in (TRUST, BATCHES, SCANS)
        }

    def _take_up(self, document: bytes) -> None:
        """Go on with the list accepted last. If the pinned roots no longer vouch for it,
        as after their replacement, scans wait for one that they do vouch for."""
        try:
            self._trust.offer(document, self.clock())
        except TrustListError as error:
            log.warning("not believed any more, the trust list in the ledger: %s", error)

    def start(self) -> None:
        """Run in a thread of its own until `stop`, or until an outage outlasts the limit."""
        self._thread = threading.Thread(target=self.run, name="engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Fold what is waiting, for at most `drain_s`, then let go of log and ledger."""
        self._stopping.set()
        if self._thread:
            self._thread.join(self.limits.drain_s + 2)

    @property
    def running(self) -> bool:
        """Whether its thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def run(self) -> None:
        """The loop. An outage is met with ever longer pauses; then it ends, said in
        `stats.failure`, and no position has moved past what was folded."""
        drain_until: float | None = None
        try:
            while True:
                busy = self._round_through_outages()
                if self._stopping.is_set():
                    drain_until = drain_until or time.monotonic() + self.limits.drain_s
                    if not busy or time.monotonic() > drain_until:
                        return
                elif not busy:
                    self._stopping.wait(self.limits.idle_s)
        except Exception as error:
            self.stats.failure = str(error)
            log.exception("the engine stops: nothing past its position was acknowledged")
        finally:
            self.close()

    def close(self) -> None:
        """Let go of threads, ledger and log; `run` does so at its end."""
        self._verifier.close()
        self.ledger.close()
        self.log.close()

    def run_round(self) -> bool:
        """One round. Returns whether there was anything to do. Raises `UnavailableError`."""
        busy = self._take_trust_lists()
        if self._trust.trust_list is None:
            return busy  # no scan can be judged yet; all of them wait
        self.stats.trust_version = self._trust.trust_list.version
        busy |= self._take_batches()
        busy |= self._judge_some_anew()
        busy |= self._take_scans()
        busy |= self._judge_due_subjects(busy=busy)
        self._prune_now_and_then()
        return busy

    def _round_through_outages(self) -> bool:
        since: float | None = None
        pause_s = 0.1
        while True:
            try:
                return self.run_round()
            except UnavailableError as error:
                since = since or time.monotonic()
                if self._stopping.is_set() or time.monotonic() - since > self.limits.outage_s:
                    raise
                log.warning("%s; %s; trying again in %.1f s", error, error.next_step, pause_s)
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, self.limits.longest_pause_s)

    def _newest_trust_list(self) -> TrustList:
        """The list to judge by what has been read.

        Asked for after reading, so that whoever publishes a list and then what rests
        on it is understood in that order.
        """
        self._take_trust_lists()
        trust_list = self._trust.trust_list
        assert trust_list is not None
        return trust_list

    def _take_trust_lists(self) -> bool:
        """All that are waiting."""
        busy = False
        while entries := self._read(TRUST, 1):
            busy = True
            [entry] = entries
            at = self.clock()
            letters: list[Letter] = []
            document: bytes | None = entry.value
            try:
                self._trust.offer(entry.value, at)
            except TrustListError as error:
                document = None
                letters.append(self._letter(TRUST, entry, str(error)))
            held = self._trust.trust_list
            progress = self._progress(TRUST, entries, letters)
            self.ledger.accept_trust_list(document, held.version if held else 0, progress, at)
            self._passed(progress, TRUST)
        return busy

    def _take_batches(self) -> bool:
        entries = self._read(BATCHES, 500)
        if not entries:
            return False
        trust_list = self._newest_trust_list()
        batches: list[Batch] = []
        letters: list[Letter] = []
        for entry in entries:
            try:
                batches.append(entitled(decode_batch(entry.value), trust_list))
            except BatchError as error:
                letters.append(self._letter(BATCHES, entry, str(error)))
        progress = self._progress(BATCHES, entries, letters)
        self.ledger.accept_batches(batches, progress, self.clock())
        self._passed(progress, BATCHES)
        return True

    def _judge_some_anew(self) -> bool:
        some = self.ledger.next_reassessment(self.limits.items_judged_anew_at_once)
        if some is None:
            return False
        self._fold(reassess(some.items), reassessed=some)
        return True

    def _judge_due_subjects(self, *, busy: bool) -> bool:
        """While scans keep coming only now and then: of many changes of a subject's signals the
        last one counts."""
        if busy and time.monotonic() - self._subjects_at < self.limits.subjects_every_s:
            return False
        self._subjects_at = time.monotonic()
        due = self.ledger.next_pending(self.limits.subjects_at_once)
        if due is None:
            return False

        def changes_of(
            subjects: Collection[ItemId], known: Mapping[ItemId, KnownItem], _: BatchRegistry
        ) -> list[ItemChange]:
            return [
                reassess_entity(
                    EntityId(subject),
                    known.get(subject, UNKNOWN),
                    self.ledger.signals_about(EntityId(subject)),
                    self.policy,
                )
                for subject in subjects
            ]

        self._write([ItemId(subject) for subject in due.subjects], changes_of, settled=due)
        return True

    def _take_scans(self) -> bool:
        entries = self._read(SCANS, self.limits.scans_at_once)
        if not entries:
            self.stats.waiting = 0
            return False
        trust_list = self._newest_trust_list()
        began = time.perf_counter()
        try:
            progress = self._fold_scans(entries, entries, trust_list)
        except UnavailableError:
            raise
        except Exception:
            log.exception("a batch of %d scans cannot be folded; one by one now", len(entries))
            progress = self._fold_one_by_one(entries, trust_list)
        self._passed(progress, SCANS)
        self._count(len(entries), progress, time.perf_counter() - began)
        return True

    def _fold_scans(
        self, entries: Sequence[Entry], up_to: Sequence[Entry], trust_list: TrustList
    ) -> Progress:
        scans: list[Scan] = []
        letters: list[Letter] = []
        for entry in entries:
            try:
                scans.append(decode_scan(entry.value))
            except InputError as error:
                letters.append(self._letter(SCANS, entry, str(error)))
        updates = updates_of(self._verifier.check(scans, trust_list))
        progress = self._progress(SCANS, up_to, letters)
        self._fold(updates, progress=progress)
        return progress

    def _fold_one_by_one(self, entries: Sequence[Entry], trust_list: TrustList) -> Progress:
        """The way out when one scan breaks the program: it alone goes to the dead letters."""
        letters: list[Letter] = []
        failed = 0
        for number, entry in enumerate(entries, 1):
            try:
                letters += self._fold_scans([entry], entries[:number], trust_list).letters
            except UnavailableError:
                raise
            except Exception as error:
                letter = self._letter(SCANS, entry, f"this program failed on it: {error!r}")
                letters.append(letter)
                failed += 1
                if failed > self.limits.poison_at_once:
                    raise  # not the scans are at fault: stop, and lose no more time on them
                progress = self._progress(SCANS, entries[:number], [letter])
                self._fold({}, progress=progress)
        return self._progress(SCANS, entries, letters)

    def _fold(
        self,
        updates: Mapping[ItemId, History],
        *,
        progress: Progress | None = None,
        reassessed: Reassessment | None = None,
    ) -> None:
        def changes_of(
            items: Collection[ItemId],
            known: Mapping[ItemId, KnownItem],
            batch_registry: BatchRegistry,
        ) -> list[ItemChange]:
            return step({item: updates[item] for item in items}, known, batch_registry, self.policy)

        self._write(updates.keys(), changes_of, progress=progress, reassessed=reassessed)

    def _write(
        self,
        pending: Collection[ItemId],
        changes_of: ChangesOf,
        *,
        progress: Progress | None = None,
        reassessed: Reassessment | None = None,
        settled: Pending | None = None,
    ) -> None:
        """Read, compute, write; again with those items that met another writer."""
        for attempt in range(self.limits.fold_attempts):
            batch_registry, version = self.ledger.batch_registry()
            changes = changes_of(pending, self.ledger.known(pending), batch_registry)
            try:
                met = self.ledger.write(
                    changes, version, self.clock(),
                    progress=progress, reassessed=reassessed, settled=settled,
                )  # fmt: skip
            except BatchRegistryChanged:
                continue
            self.stats.folds += 1
            if not met:
                return
            self.stats.conflicts += len(met)
            pending = met
            self._stopping.wait(random.uniform(0, 0.001 * 2 ** min(attempt, 6)))  # noqa: S311
        raise LedgerUnavailableError(
            f"{len(pending)} items kept meeting another writer",
            next_step="run fewer engines on one ledger",
        )

    def _read(self, topic: Topic, limit: int) -> list[Entry]:
        return self.log.read(topic, self._position[topic], limit)

    def _progress(
        self, topic: Topic, entries: Sequence[Entry], letters: Sequence[Letter]
    ) -> Progress:
        return Progress(self.log.source(topic), entries[-1].offset, letters)

    def _passed(self, progress: Progress, topic: Topic) -> None:
        self._position[topic] = progress.position
        if progress.letters:
            self.stats.dead_letters += len(progress.letters)
            log.warning("%d records of %s are dead letters, the first: %s",
                        len(progress.letters), topic.name, progress.letters[0].reason)  # fmt: skip

    def _letter(self, topic: Topic, entry: Entry, reason: str) -> Letter:
        raw = entry.value[:DEAD_LETTER_BYTES]
        return Letter(self.log.source(topic), entry.offset, reason, raw, len(entry.value))

    def _count(self, scans: int, progress: Progress, seconds: float) -> None:
        stats = self.stats
        stats.scans += scans - len(progress.letters)
        stats.folded_in(seconds)
        stats.signatures_checked = self._verifier.misses
        stats.signatures_remembered = self._verifier.hits
        stats.waiting = max(0, self.log.end(SCANS) - progress.position)

    def _prune_now_and_then(self) -> None:
        if time.monotonic() - self._pruned_at < self.limits.prune_every_s:
            return
        if not self.ledger.settled():
            return  # after lost power the ledger would need again what the log let go
        gone = [self.log.prune(topic, passed) for topic, passed in self._position.items()]
        if max(gone) < self.log.limits.pruned_at_once:  # else go on after the next round
            self._pruned_at = time.monotonic()
