"""Three brokers: one may die and nothing is lost; with two dead, publishing is refused."""

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest

from authenticity.errors import LogUnavailableError
from demo.local_kafka import LocalKafka
from events.kafka.publisher import KafkaPublisher, PublisherLimits
from events.kafka.reading import read_topic
from events.kafka.topic_admin import create_missing, topic_drift
from events.publisher import Record
from events.topics import SCANS
from keys.cache_folder import cache_folder
from tests.support.patience import PATIENCE_S, wait_until


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    kafka = LocalKafka(tmp_path_factory.mktemp("three"), brokers=3, cache=cache_folder(os.environ))
    with kafka:
        create_missing(kafka.settings)
        yield kafka
        kafka.stop(at_once=True)


def test_one_dead_costs_a_pause_and_two_dead_a_refusal_that_ends_by_itself(
    cluster: LocalKafka,
) -> None:
    assert topic_drift(cluster.settings) == []
    run = uuid4().hex
    acknowledged: set[bytes] = set()
    publisher = KafkaPublisher(cluster.settings, PublisherLimits(delivered_within_s=4))

    def publish(calls: int) -> list[LogUnavailableError]:
        """Some at once; what is refused is published again by nobody."""
        keys = [f"{run}{len(acknowledged)}-{n}".encode() for n in range(calls)]
        futures = [publisher.publish([Record(SCANS, key, b"v")]) for key in keys]
        errors = []
        for key, future in zip(keys, futures, strict=True):
            error = future.exception(PATIENCE_S)
            if error is None:
                acknowledged.add(key)
            else:
                assert isinstance(error, LogUnavailableError)
                errors.append(error)
        return errors

    def until_acknowledged() -> None:
        wait_until(lambda: not publish(48))

    try:
        until_acknowledged()
        publish(200)
        cluster.kill(1)
        until_acknowledged()
        publish(200)
        cluster.kill(2)
        errors = publish(48)
        assert errors
        for error in errors:
            assert f"{cluster.servers[1]}, {cluster.servers[2]} of 3 brokers not" in str(error)
            assert f"start {cluster.servers[1]} and" in error.next_step
        cluster.start_broker(1)
        until_acknowledged()
    finally:
        publisher.close()
    stored = {entry.key for entry in read_topic(cluster.settings, SCANS)}
    assert len(acknowledged) > 144
    assert acknowledged <= stored
