"""Where an engine's dead letters go, and with them the position of their source."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from authenticity.records.dead_letter import DeadLetter, dead_letter
from events.publisher import Publisher, Record
from events.topics import SCANS_DEAD, Topic
from ledger.protocols import Progress


class SourceRecord(NamedTuple):
    """One record of a source. `trace` is its W3C trace context, if it brought one.

    `appended_s`: when the log took it, in seconds since 1970 by the log's own clock, so that
    it is the same at every reading; None where only its publisher says when.
    """

    topic: Topic
    partition: int
    offset: int
    key: bytes
    value: bytes
    trace: str | None = None
    appended_s: float | None = None


class Refused(NamedTuple):
    """A record that cannot be processed, and why."""

    record: SourceRecord
    reason: str


class DeadLetterSink(Protocol):
    """Where a source writes dead letters: in the ledger's transaction, or in a topic after it."""

    def progress(
        self, records: Sequence[SourceRecord], refused: Sequence[Refused], at: datetime
    ) -> Progress | None:
        """What to write in the transaction after which all of `records`, which are in order and
        of one topic, are processed. None if the source keeps its positions itself."""
        ...

    async def publish(self, refused: Sequence[Refused], at: datetime) -> None:
        """Return when these are durable. Called after the transaction, and again with the same
        ones after an `UnavailableError`."""
        ...


class DeadLetterTopic:
    """Dead letters in the topic `scans-dead`, for a source whose positions Kafka keeps."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def progress(
        self,
        records: Sequence[SourceRecord],  # noqa: ARG002
        refused: Sequence[Refused],  # noqa: ARG002
        at: datetime,  # noqa: ARG002
    ) -> None:
        """None: offsets are committed once the records are acknowledged."""
        return

    async def publish(self, refused: Sequence[Refused], at: datetime) -> None:
        """See `DeadLetterSink.publish`. Each keeps the key of its record."""
        records = [
            Record(SCANS_DEAD, one.record.key, msgspec.json.encode(as_dead_letter(one, at)))
            for one in refused
        ]
        await asyncio.wrap_future(self._publisher.publish(records))


def as_dead_letter(refused: Refused, at: datetime) -> DeadLetter:
    """What is kept of it."""
    record, reason = refused
    return dead_letter(record.topic.name, record.partition, record.offset, record.value, reason, at)
