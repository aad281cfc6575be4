"""The publisher on Kafka: acknowledged when every replica in sync has it, or refused.

1. `publish` checks bounds and sizes, queues the call and returns; it never waits.
2. One thread connects and hands records to kafka-python in the order of the calls, so
   that records of one key keep theirs. kafka-python shares its batches among callers.
3. A call that is not acknowledged in time fails, whatever kafka-python is doing; so does
   one for a topic that does not exist. What keeps a cluster from acknowledging is asked
   in another thread meanwhile, and said in the error.
4. When the cluster is back, the same thread goes on; nobody has to start anything again.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from kafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    RequestTimedOutError,
    RetriableError,
)

from authenticity.errors import InputError, LogUnavailableError, TouchstoneError
from events.kafka.connection import client_options, translate_errors
from events.kafka.diagnosis import Diagnosis, diagnose
from events.kafka.producer import GIVEN_UP_AFTER_S, Producer
from events.kafka.settings import KafkaSettings
from events.publisher import Record

_TICK_S: Final = 0.2
_AT_ONCE: Final = 500
_DIAGNOSED_AFTER_S: Final = 1.0
_DIAGNOSED_EVERY_S: Final = 2.0
_RECORD_OVERHEAD_BYTES: Final = 256
_CALL_OVERHEAD_BYTES: Final = 512
_TOO_LARGE: Final = MessageSizeTooLargeError | RecordListTooLargeError
_AGAIN: Final = "publish again: it does no harm"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherLimits:
    """What may wait at once, and how long. Past the bounds calls are refused at once."""

    most_calls: int = 10_000
    most_bytes: int = 64 * 2**20
    delivered_within_s: float = 10.0
    linger_s: float = 0.005
    batch_bytes: int = 128 * 1024


class _Publication:
    """One call: its records, and how many of them are still on their way."""

    __slots__ = ("bytes", "done", "error", "future", "left", "records", "released", "since",
                 "until")  # fmt: skip

    def __init__(self, records: Sequence[Record], size: int, within_s: float) -> None:
        self.records = records
        self.bytes = size
        self.future: Future[None] = Future()
        self.future.set_running_or_notify_cancel()  # what is on its way cannot be called back
        self.since = time.monotonic()
        self.until = self.since + within_s
        self.left = len(records)
        self.error: BaseException | None = None
        self.done = False
        self.released = False

    def topics(self) -> set[str]:
        """Names of the topics it goes to."""
        return {record.topic.name for record in self.records}


class KafkaPublisher:
    """`Publisher` on Kafka. Make one a process."""

    def __init__(self, settings: KafkaSettings, limits: PublisherLimits | None = None) -> None:
        """Returns at once, broker or no broker.

        Raises `ConfigurationError` for a CA or a password that cannot be read.
        """
        client_options(settings)
        self.limits = limits or PublisherLimits()
        self._settings = settings
        self._changed = threading.Condition()
        self._waiting: deque[_Publication] = deque()
        self._held: list[_Publication] = []  # for a topic that is not known yet
        self._held_topics: set[str] = set()
        self._open: deque[_Publication] = deque()  # not answered; in order of their deadlines
        self._sent: deque[_Publication] = deque()  # kafka-python's, until it lets go of them
        self._calls = 0
        self._bytes = 0
        self._closed = False
        self._broken = False
        self._producer: Producer | None = None
        self._diagnosis: Diagnosis | None = None
        self._diagnosed_at = 0.0
        self._diagnosing: threading.Thread | None = None
        self._thread = threading.Thread(target=self._run, name="kafka-publisher", daemon=True)
        self._thread.start()

    def publish(self, records: Sequence[Record]) -> "Future[None]":
        """See `Publisher.publish`. No records at all: does a broker answer?"""
        size = _CALL_OVERHEAD_BYTES
        for record in records:
            length = len(record.key) + len(record.value) + _RECORD_OVERHEAD_BYTES
            if length > record.topic.most_bytes:
                return _refused(
                    InputError(
                        f"a record of {length:,} bytes is larger than topic {record.topic.name}"
                        f" takes ({record.topic.most_bytes:,})",
                        next_step="send less at once",
                    )
                )
            size += length
        publication = _Publication(records, size, self.limits.delivered_within_s)
        with self._changed:
            if self._closed:
                return _refused(LogUnavailableError("the publisher is closed"))
            full = self._calls >= self.limits.most_calls
            if full or (self._bytes + size > self.limits.most_bytes and self._calls):
                return _refused(self._crowded())
            self._calls += 1
            self._bytes += size
            self._waiting.append(publication)
            self._open.append(publication)
            self._changed.notify()
        return publication.future

    def close(self) -> None:
        """See `Publisher.close`. Takes no longer than a delivery may."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _crowded(self) -> LogUnavailableError:
        known = self._diagnosis
        why = f": {known.reason}" if known else ""
        return LogUnavailableError(
            f"{self._calls:,} publications are waiting for Kafka{why}",
            next_step=known.next_step if known else "slow down and try again in a second",
        )

    def _run(self) -> None:
        while not self._ended():
            self._fail_overdue()
            self._diagnose_if_slow()
            if self._broken:
                self._let_go()
            if self._producer is None and not self._connect():
                continue
            for publication in self._next():
                self._send(publication)
        self._let_go()
        if self._diagnosing is not None:
            self._diagnosing.join()

    def _ended(self) -> bool:
        with self._changed:
            return self._closed and all(publication.done for publication in self._open)

    def _connect(self) -> bool:
        try:
            self._producer = Producer(
                self._settings,
                linger_s=self.limits.linger_s,
                batch_bytes=self.limits.batch_bytes,
            )
        except (KafkaError, OSError, TouchstoneError) as error:
            known = (
                error
                if isinstance(error, TouchstoneError)
                else translate_errors(error, self._settings)
            )
            self._diagnosis = Diagnosis(str(known), known.next_step)
            with self._changed:
                if not self._closed:
                    self._changed.wait(_TICK_S)
            return False
        self._diagnosis = None
        return True

    def _let_go(self) -> None:
        """Close the producer; what it still holds fails, and its next one starts afresh."""
        if self._producer is not None:
            self._producer.close()
            self._producer = None
        self._broken = False  # not before: records that fail through the closing are not at fault

    def _next(self) -> list[_Publication]:
        """What to send now, in order; those that were held back come first."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(_TICK_S)
            group, self._held = self._held, []
            self._held_topics.clear()
            while self._waiting and len(group) < _AT_ONCE:
                group.append(self._waiting.popleft())
        return group

    def _send(self, publication: _Publication) -> None:
        """Hand it over, or hold it back until its topics are known – with all that follow."""
        producer = self._producer
        assert producer is not None
        try:
            if not publication.records:
                publication.left = 1
                self._sent.append(publication)
                producer.ask(lambda error: self._landed(publication, error))
                return
            topics = publication.topics()
            if (
                self._broken
                or topics & self._held_topics
                or not all(producer.knows(name) for name in topics)
            ):
                self._held.append(publication)
                self._held_topics |= topics
                return
            self._sent.append(publication)
            for record in publication.records:
                producer.send(record, lambda error: self._landed(publication, error))
        except (KafkaError, OSError) as error:
            self._finish(publication, self._explained(error))
            self._release(publication)

    def _landed(self, publication: _Publication, error: BaseException | None) -> None:
        """One record has ended. Called in kafka-python's thread."""
        with self._changed:
            publication.left -= 1
            publication.error = publication.error or error
            if publication.left:
                return
        if publication.error is None:
            self._diagnosis = None
            self._finish(publication, None)
        else:
            self._finish(publication, self._explained(publication.error))
        self._release(publication)

    def _finish(self, publication: _Publication, error: Exception | None) -> None:
        """Resolve the caller's future, once."""
        with self._changed:
            if publication.done:
                return
            publication.done = True
        if error is None:
            publication.future.set_result(None)
        else:
            publication.future.set_exception(error)

    def _release(self, publication: _Publication) -> None:
        """Its memory is free again: no sooner than kafka-python has let go of it."""
        with self._changed:
            if publication.released:
                return
            publication.released = True
            self._calls -= 1
            self._bytes -= publication.bytes
            if self._closed:
                self._changed.notify()

    def _fail_overdue(self) -> None:
        """Answer those past their time, and forget those of them that were not sent."""
        now = time.monotonic()
        overdue: list[_Publication] = []
        with self._changed:
            while self._open and (self._open[0].done or self._open[0].until <= now):
                overdue.append(self._open.popleft())
        for publication in overdue:
            if not publication.done:
                self._finish(publication, self._late(publication))
        with self._changed:
            dropped = [publication for publication in self._held if publication.done]
            self._held = [publication for publication in self._held if not publication.done]
            while self._waiting and self._waiting[0].done:
                dropped.append(self._waiting.popleft())
            while self._sent and self._sent[0].released:
                self._sent.popleft()
            held_for_s = now - self._sent[0].since if self._sent else 0.0
            if held_for_s > GIVEN_UP_AFTER_S + self.limits.delivered_within_s:
                self._broken = True  # it has forgotten its own time limit
            if self._producer is not None and self._producer.stuck:
                self._broken = True
        for publication in dropped:
            self._release(publication)

    def _late(self, publication: _Publication) -> LogUnavailableError:
        waited_s = time.monotonic() - publication.since
        known = self._diagnosis
        return LogUnavailableError(
            f"not acknowledged within {waited_s:.1f} s"
            + (f": {known.reason}" if known else ", although Kafka answers"),
            next_step=known.next_step if known else _AGAIN,
        )

    def _explained(self, error: BaseException) -> TouchstoneError:
        """The caller's error for one of kafka-python's.

        One that trying again cannot cure ends its producer: it fails everything else with
        the same error, innocent or not. Only the first that hears of it is at fault.
        """
        with self._changed:
            innocent = self._broken
            self._broken = innocent or not isinstance(error, RetriableError)
        if innocent:
            return LogUnavailableError("another publication broke the connection to Kafka",
                                       next_step=_AGAIN)  # fmt: skip
        if isinstance(error, _TOO_LARGE):
            return InputError(
                "Kafka refused a record as larger than its topic takes",
                next_step="compare max.message.bytes: touchstone topics check",
            )
        if isinstance(error, KafkaTimeoutError | RequestTimedOutError):
            known = self._diagnosis or Diagnosis("Kafka did not acknowledge in time", _AGAIN)
            return LogUnavailableError(known.reason, next_step=known.next_step)
        return translate_errors(error, self._settings)

    def _diagnose_if_slow(self) -> None:
        """Ask what is wrong, in a thread of its own, while something waits for long."""
        now = time.monotonic()
        if self._producer is None or now - self._diagnosed_at < _DIAGNOSED_EVERY_S:
            return  # while it cannot connect, that is the diagnosis
        if self._diagnosing is not None and self._diagnosing.is_alive():
            return
        with self._changed:
            oldest = next((publication for publication in self._open if not publication.done), None)
        topics = set(self._held_topics)
        if oldest is not None and now - oldest.since > _DIAGNOSED_AFTER_S:
            topics |= oldest.topics()
        elif not topics:
            return
        self._diagnosed_at = now
        self._diagnosing = threading.Thread(
            target=self._diagnose, args=(topics,), name="kafka-diagnosis", daemon=True
        )
        self._diagnosing.start()

    def _diagnose(self, topics: set[str]) -> None:
        found = diagnose(self._settings, topics)
        self._diagnosis = found
        if found is None or not found.missing:
            return
        with self._changed:
            hopeless = [held for held in self._held if held.topics() & found.missing]
        for publication in hopeless:
            self._finish(publication, LogUnavailableError(found.reason, next_step=found.next_step))


def _refused(error: TouchstoneError) -> "Future[None]":
    future: Future[None] = Future()
    future.set_exception(error)
    return future
