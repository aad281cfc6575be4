"""A topic as it is now, from its beginning or its newest records to its present end.

For showing dead letters and for tests. Following a topic for good is a source's task
(`stream.sources`).
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from authenticity.errors import ConfigurationError, LogUnavailableError
from events.kafka.connection import client_options, closing_half_built, translate_kafka_errors
from events.kafka.settings import KafkaSettings
from events.topics import Topic

_POLL_MS: Final = 500
_SILENT_FOR_S: Final = 15.0
_AT_ONCE: Final = 500


class Stored(NamedTuple):
    """One record as it lies on a topic. `at` is when it was published, aware UTC."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    at: datetime
    trace: str | None


def read_topic(
    settings: KafkaSettings, topic: Topic, *, newest: int | None = None
) -> Iterator[Stored]:
    """What is on the topic now; of each partition in order, partitions mixed.

    `newest` leaves out all but the last so many of each partition. What is published
    meanwhile may or may not be among it. Raises `LogUnavailableError`, and
    `ConfigurationError` if there is no such topic.
    """
    with _consumer(settings, topic) as (consumer, partitions):
        first = consumer.beginning_offsets(partitions)
        end = consumer.end_offsets(partitions)
        open_ones = [partition for partition in partitions if first[partition] < end[partition]]
        consumer.assign(open_ones)
        for partition in open_ones:
            oldest = 0 if newest is None else end[partition] - newest
            consumer.seek(partition, max(first[partition], oldest))
        yield from _until(consumer, {partition: end[partition] for partition in open_ones})


def read_record(
    settings: KafkaSettings, topic: Topic, partition: int, offset: int
) -> Stored | None:
    """One record; None if it is not there (any more). Raises as `read_topic`."""
    with _consumer(settings, topic) as (consumer, partitions):
        asked = TopicPartition(topic.name, partition)
        if asked not in partitions:
            return None
        first, end = consumer.beginning_offsets([asked]), consumer.end_offsets([asked])
        if not first[asked] <= offset < end[asked]:
            return None
        consumer.assign([asked])
        consumer.seek(asked, offset)
        found = next(_until(consumer, {asked: offset + 1}), None)
        return found if found is not None and found.offset == offset else None


@contextmanager
def _consumer(
    settings: KafkaSettings, topic: Topic
) -> Iterator[tuple[Any, Sequence[TopicPartition]]]:
    """A consumer of no group, and the topic's partitions."""
    with translate_kafka_errors(settings), closing_half_built() as network:
        consumer = KafkaConsumer(
            **client_options(settings),
            allow_auto_create_topics=False,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            kafka_client=network,
            max_poll_records=_AT_ONCE,
            metrics_enabled=False,
        )
        try:
            numbers = consumer.partitions_for_topic(topic.name)
            if not numbers:
                raise ConfigurationError(
                    f"Kafka has no topic {topic.name}", next_step="run: touchstone topics create"
                )
            yield consumer, [TopicPartition(topic.name, number) for number in sorted(numbers)]
        finally:
            consumer.close()


def _until(consumer: Any, end: dict[TopicPartition, int]) -> Iterator[Stored]:
    """Records before these offsets, until each partition has been read so far."""
    left = dict(end)
    heard_at = time.monotonic()
    while left:
        for partition, records in consumer.poll(timeout_ms=_POLL_MS).items():
            heard_at = time.monotonic()
            for record in records:
                if record.offset < end[partition]:
                    yield _stored(record)
        for partition in [at for at in left if consumer.position(at) >= left[at]]:
            del left[partition]  # compaction leaves gaps: the position tells, not the records
            consumer.pause(partition)
        if time.monotonic() - heard_at > _SILENT_FOR_S:
            raise LogUnavailableError(
                f"Kafka sent nothing for {_SILENT_FOR_S:.0f} s",
                next_step="check that the brokers run: touchstone topics check",
            )


def _stored(record: Any) -> Stored:
    headers = dict(record.headers)
    trace = headers.get("traceparent")
    return Stored(
        record.partition,
        record.offset,
        record.key,
        record.value,
        datetime.fromtimestamp(record.timestamp / 1000, UTC),
        trace.decode("ascii", "replace") if trace else None,
    )
