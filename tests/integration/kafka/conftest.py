"""One real broker for all tests of this folder, its topics created."""

import os
from collections.abc import Iterator

import pytest

from demo.local_kafka import LocalKafka
from events.kafka.publisher import KafkaPublisher, PublisherLimits
from events.kafka.settings import KafkaSettings
from events.kafka.topic_admin import create_missing
from keys.cache_folder import cache_folder
from tests.support.patience import PATIENCE_S

QUICK_TO_RETURN = {"broker.session.timeout.ms": 1_000, "broker.heartbeat.interval.ms": 100}
"""A killed broker serves again once its last session is over; tests need not wait for long."""


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    kafka = LocalKafka(
        tmp_path_factory.mktemp("kafka"),
        cache=cache_folder(os.environ),
        properties=QUICK_TO_RETURN,
    )
    with kafka:
        create_missing(kafka.settings)
        yield kafka


@pytest.fixture
def kafka(running: LocalKafka) -> Iterator[LocalKafka]:
    """The broker; running again after the test, whatever the test did to it."""
    yield running
    if not running.running:
        running.start_broker()


@pytest.fixture
def settings(kafka: LocalKafka) -> KafkaSettings:
    return kafka.settings


@pytest.fixture
def publisher(settings: KafkaSettings) -> Iterator[KafkaPublisher]:
    made = KafkaPublisher(settings, PublisherLimits(delivered_within_s=PATIENCE_S))
    yield made
    made.close()
