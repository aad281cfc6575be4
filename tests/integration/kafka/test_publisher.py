"""The publisher on a real broker: what it acknowledges, keeps in order, and refuses."""

import threading
import time
from concurrent.futures import Future
from contextlib import closing
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.partitioner import DefaultPartitioner
from kafka import KafkaConsumer
from kafka.producer import record_accumulator
from kafka.producer.producer_batch import ProducerBatch

from authenticity.errors import InputError, LogUnavailableError
from demo.local_kafka import LocalKafka
from demo.local_ports import free_ports
from events.kafka.connection import administration, closing_half_built
from events.kafka.partitions import partition_of
from events.kafka.publisher import KafkaPublisher, PublisherLimits
from events.kafka.reading import Stored, read_topic
from events.kafka.settings import KafkaSettings
from events.publisher import Record
from events.topics import BATCHES, SCANS, TRUST, CleanupPolicy, Topic
from stream.sources.faust import acknowledge
from tests.support.patience import PATIENCE_S, wait_until


def of_run(settings: KafkaSettings, run: str) -> list[Stored]:
    """What lies on `scans` under keys of one test."""
    prefix = run.encode()
    return [
        stored for stored in read_topic(settings, SCANS) if (stored.key or b"").startswith(prefix)
    ]


def test_what_was_acknowledged_is_there_after_the_broker_was_killed(
    kafka: LocalKafka, publisher: KafkaPublisher
) -> None:
    run = uuid4().hex
    calls = [
        publisher.publish(
            [Record(SCANS, f"{run}{call}-{n}".encode(), b"x" * 300) for n in range(50)]
        )
        for call in range(20)
    ]
    for call in calls:
        call.result(PATIENCE_S)
    kafka.kill()
    kafka.start_broker()
    assert len({stored.key for stored in of_run(kafka.settings, run)}) == 1_000


def test_records_of_one_key_keep_the_order_of_the_calls(
    settings: KafkaSettings, publisher: KafkaPublisher
) -> None:
    run = uuid4().hex
    calls = [
        publisher.publish([Record(SCANS, f"{run}{n % 7}".encode(), b"%d" % n)]) for n in range(700)
    ]
    for call in calls:
        call.result(PATIENCE_S)
    by_key: dict[bytes | None, list[int]] = {}
    for stored in of_run(settings, run):
        by_key.setdefault(stored.key, []).append(int(stored.value or b""))
    assert len(by_key) == 7
    assert all(values == list(range(values[0], 700, 7)) for values in by_key.values())


def test_partitions_are_those_that_other_clients_choose(
    settings: KafkaSettings, publisher: KafkaPublisher
) -> None:
    run = uuid4().hex
    keys = [f"{run}{'x' * n}".encode() for n in range(30)]
    publisher.publish([Record(SCANS, key, b"v") for key in keys]).result(PATIENCE_S)
    everywhere = list(range(SCANS.partitions))
    others = DefaultPartitioner()
    for stored in of_run(settings, run):
        assert stored.key is not None
        assert stored.partition == partition_of(stored.key, SCANS.partitions)
        assert stored.partition == others(stored.key, everywhere, everywhere)


def test_the_trace_travels_in_a_header(settings: KafkaSettings, publisher: KafkaPublisher) -> None:
    run = uuid4().hex
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    publisher.publish(
        [Record(SCANS, run.encode(), b"1", trace), Record(SCANS, run.encode(), b"2")]
    ).result(PATIENCE_S)
    assert [stored.trace for stored in of_run(settings, run)] == [trace, None]


def test_closing_finishes_what_was_accepted_and_refuses_the_rest(settings: KafkaSettings) -> None:
    run = uuid4().hex
    publisher = KafkaPublisher(settings)
    calls = [publisher.publish([Record(SCANS, f"{run}{n}".encode(), b"x")]) for n in range(2_000)]
    publisher.close()
    assert all(call.done() and call.exception() is None for call in calls)
    assert len(of_run(settings, run)) == 2_000
    with pytest.raises(LogUnavailableError, match="closed"):
        publisher.publish([Record(SCANS, b"k", b"v")]).result(0)


def test_a_record_larger_than_its_topic_takes_is_refused_at_once(
    publisher: KafkaPublisher,
) -> None:
    refused = publisher.publish([Record(SCANS, b"k", b"x" * SCANS.most_bytes)])
    assert refused.done()
    with pytest.raises(InputError, match="larger than topic scans takes"):
        refused.result(0)


def test_the_broker_says_when_a_batch_statement_arrived(
    settings: KafkaSettings, publisher: KafkaPublisher
) -> None:
    publisher.publish([Record(BATCHES, b"when", b"v")]).result(PATIENCE_S)
    with (
        closing_half_built() as network,
        closing(
            KafkaConsumer(
                BATCHES.name,
                bootstrap_servers=list(settings.servers),
                auto_offset_reset="earliest",
                consumer_timeout_ms=int(PATIENCE_S * 1_000),
                kafka_client=network,
            )
        ) as consumer,
    ):
        arrived = next(record for record in consumer if record.key == b"when")
    assert arrived.timestamp_type == acknowledge._LOG_APPEND_TIME


def test_the_largest_trust_list_fits(publisher: KafkaPublisher) -> None:
    publisher.publish([Record(TRUST, b"size", b"x" * (TRUST.most_bytes - 1_000))]).result(
        PATIENCE_S
    )
    publisher.publish([Record(TRUST, b"size", b"")]).result(PATIENCE_S)


def test_a_broker_that_takes_less_than_we_think_is_no_riddle(
    settings: KafkaSettings, publisher: KafkaPublisher
) -> None:
    small = Topic(f"small-{uuid4().hex}", None, "", CleanupPolicy.BY_TIME, 1, "")
    with administration(settings) as admin:
        admin.create_topics(
            {small.name: {"num_partitions": 1, "configs": {"max.message.bytes": "2000"}}}
        )
    for _ in range(2):
        refused = publisher.publish([Record(small, b"k", b"x" * 5_000)])
        others = [publisher.publish([Record(SCANS, b"%d" % n, b"v")]) for n in range(50)]
        error = refused.exception(PATIENCE_S)
        assert isinstance(error, InputError)
        assert "touchstone topics check" in error.next_step
        assert not any(isinstance(call.exception(PATIENCE_S), InputError) for call in others)
        publisher.publish([Record(small, b"k", b"x" * 500)]).result(PATIENCE_S)


def test_an_unknown_topic_is_named_and_stops_nothing_else(settings: KafkaSettings) -> None:
    publisher = KafkaPublisher(settings)
    unknown = Topic(f"unknown-{uuid4().hex}", None, "", CleanupPolicy.BY_TIME, 1, "")
    publisher.publish([Record(SCANS, b"warm", b"v")]).result(PATIENCE_S)
    lost = publisher.publish([Record(unknown, b"k", b"v")])
    publisher.publish([Record(SCANS, b"k", b"v")]).result(PATIENCE_S)
    with pytest.raises(LogUnavailableError, match=unknown.name) as refusal:
        lost.result(PATIENCE_S)
    assert "touchstone topics create" in refusal.value.next_step
    publisher.close()


def test_without_a_broker_calls_wait_within_the_bounds_and_fail_in_words() -> None:
    [port] = free_ports(1)
    publisher = KafkaPublisher(
        KafkaSettings((f"127.0.0.1:{port}",)),
        PublisherLimits(most_calls=5, most_bytes=100_000, delivered_within_s=3.0),
    )
    accepted = [publisher.publish([Record(SCANS, b"k", b"v")]) for _ in range(5)]
    crowded = publisher.publish([Record(SCANS, b"k", b"v")])
    assert crowded.done()
    with pytest.raises(LogUnavailableError, match="5 publications are waiting"):
        crowded.result(0)
    for call in accepted:
        with pytest.raises(LogUnavailableError, match="no Kafka broker answers") as refusal:
            call.result(PATIENCE_S)
        assert "TOUCHSTONE_KAFKA" in refusal.value.next_step
    large = publisher.publish([Record(SCANS, b"k", b"v" * 90_000)])
    assert not large.done(), "what has failed makes room"
    too_much = publisher.publish([Record(SCANS, b"k", b"v" * 20_000)])
    assert isinstance(too_much.exception(0), LogUnavailableError), "bytes are bounded too"
    publisher.close()
    assert isinstance(large.exception(0), LogUnavailableError)


def test_publishing_begins_by_itself_when_a_broker_appears(kafka: LocalKafka) -> None:
    kafka.kill()
    publisher = KafkaPublisher(kafka.settings, PublisherLimits(delivered_within_s=1.0))
    try:
        with pytest.raises(LogUnavailableError, match="no Kafka broker answers"):
            publisher.publish([Record(SCANS, b"k", b"v")]).result(PATIENCE_S)
        alive = publisher.publish([])
        assert isinstance(alive.exception(PATIENCE_S), LogUnavailableError)
        kafka.start_broker()
        _publish_until_acknowledged(publisher)
        publisher.publish([]).result(PATIENCE_S)
    finally:
        publisher.close()


def test_a_broker_killed_in_the_middle_loses_nothing_acknowledged(kafka: LocalKafka) -> None:
    run = uuid4().hex
    publisher = KafkaPublisher(kafka.settings, PublisherLimits(most_calls=200))
    calls: list[tuple[bytes, Future[None]]] = []
    ended = threading.Event()

    def publish_on_and_on() -> None:
        for number in count():
            if ended.is_set():
                return
            key = f"{run}{number}".encode()
            calls.append((key, publisher.publish([Record(SCANS, key, b"x" * 200)])))
            time.sleep(0.002)

    def until_so_many_are_acknowledged(count: int) -> None:
        wait_until(
            lambda: (
                sum(call.done() and call.exception() is None for _, call in list(calls)) >= count
            )
        )

    thread = threading.Thread(target=publish_on_and_on)
    thread.start()
    try:
        until_so_many_are_acknowledged(100)
        kafka.kill()
        before = sum(call.done() and call.exception() is None for _, call in list(calls))
        kafka.start_broker()
        until_so_many_are_acknowledged(before + 100)
    finally:
        ended.set()
        thread.join()
        publisher.close()
    acknowledged = {key for key, call in calls if call.exception(0) is None}
    stored = {entry.key for entry in of_run(kafka.settings, run)}
    assert acknowledged <= stored


def test_callers_share_batches(publisher: KafkaPublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[ProducerBatch] = []

    class Counted(ProducerBatch):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            batches.append(self)

    monkeypatch.setattr(record_accumulator, "ProducerBatch", Counted)
    publisher.publish([Record(BATCHES, b"warm", b"v")]).result(PATIENCE_S)
    calls = [publisher.publish([Record(BATCHES, b"%d" % n, b"v")]) for n in range(400)]
    for call in calls:
        call.result(PATIENCE_S)
    assert 2 <= len(batches) < 400 / 4


def _publish_until_acknowledged(publisher: KafkaPublisher) -> None:
    def acknowledged() -> bool:
        error = publisher.publish([Record(SCANS, b"again", b"v")]).exception(PATIENCE_S)
        assert error is None or isinstance(error, LogUnavailableError)
        return error is None

    wait_until(acknowledged)
