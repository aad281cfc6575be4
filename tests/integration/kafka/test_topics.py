"""Topics on a real cluster: created once, compared, never changed behind an operator's back."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from authenticity.errors import ConfigurationError, InputError
from authenticity.records.part_statement import PART
from events.kafka.connection import administration
from events.kafka.publisher import KafkaPublisher
from events.kafka.settings import KafkaSettings
from events.kafka.topic_admin import TopicDrift, TopicOverrides, create_missing, topic_drift
from events.publisher import Record
from events.topics import ALERTS, BATCHES, SCANS_DEAD, TOPICS
from tests.support.patience import PATIENCE_S, wait_until


@pytest.fixture
def admin(settings: KafkaSettings) -> Iterator[Any]:
    with administration(settings) as client:
        yield client


def touchstone(
    settings: KafkaSettings | None, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    environ = {name: text for name, text in os.environ.items() if name != "TOUCHSTONE_KAFKA"}
    if settings is not None:
        environ["TOUCHSTONE_KAFKA"] = ",".join(settings.servers)
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "topics", *arguments],
        env=environ, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


def until_points_are(expected: set[tuple[str, str]], settings: KafkaSettings) -> list[TopicDrift]:
    """What differs, once the broker's own view has followed the change."""

    def found() -> tuple[list[TopicDrift]] | None:
        drift = topic_drift(settings)
        return (drift,) if {(one.topic, one.point) for one in drift} == expected else None

    (drift,) = wait_until(found, f"what differs is never {expected}")
    return drift


def test_created_topics_are_as_they_should_be(settings: KafkaSettings) -> None:
    assert topic_drift(settings) == []


def test_a_missing_topic_is_named_and_created_by_whoever_is_first(
    settings: KafkaSettings, admin: Any
) -> None:
    admin.delete_topics([ALERTS.name, SCANS_DEAD.name])
    missing = until_points_are({("alerts", "existence"), ("scans-dead", "existence")}, settings)
    assert "touchstone topics create" in missing[0].next_step
    with ThreadPoolExecutor() as threads:
        made = list(threads.map(lambda _: create_missing(settings), range(3)))
    assert sorted(name for names in made for name in names) == ["alerts", "scans-dead"]
    assert create_missing(settings) == []
    assert topic_drift(settings) == []


def test_a_changed_setting_is_shown_with_the_command_that_mends_it(
    settings: KafkaSettings, admin: Any
) -> None:
    def change(**configs: str) -> None:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "alerts", configs)])

    change(**{"cleanup.policy": "delete", "max.message.bytes": "9000000"})
    try:
        [found] = until_points_are({("alerts", "cleanup.policy")}, settings)
        assert (found.found, found.wanted) == ("delete", "compact,delete")
        assert "--add-config 'cleanup.policy=[compact,delete]'" in found.next_step
        create_missing(settings)
        assert topic_drift(settings) == [found], "what exists is never changed"
    finally:
        change(**{"cleanup.policy": "compact,delete", "max.message.bytes": "1048576"})
    until_points_are(set(), settings)


def test_a_topic_that_takes_no_part_of_a_serial_list_is_named_by_the_check_and_the_publisher(
    settings: KafkaSettings, admin: Any, publisher: KafkaPublisher
) -> None:
    part = Record(BATCHES, b"/0/maker/batch", os.urandom(PART.payload_bytes))

    def change(most_bytes: int) -> None:
        configs = {"max.message.bytes": str(most_bytes)}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "batches", configs)])

    change(PART.payload_bytes // 2)
    try:
        [found] = until_points_are({("batches", "max.message.bytes")}, settings)
        assert f"max.message.bytes={BATCHES.most_bytes}" in found.next_step
        refused = publisher.publish([part]).exception(PATIENCE_S)
        assert isinstance(refused, InputError)
        assert "touchstone topics check" in (refused.next_step or "")
    finally:
        change(BATCHES.most_bytes)
    until_points_are(set(), settings)
    publisher.publish([part]).result(PATIENCE_S)


def test_more_partitions_are_reported_and_never_made(settings: KafkaSettings) -> None:
    more = TopicOverrides(partitions={"scans": 48})
    assert create_missing(settings, more) == []
    [found] = topic_drift(settings, more)
    assert (found.topic, found.found, found.wanted) == ("scans", "24", "48")
    assert "keys move" in found.next_step
    assert "--partitions 48" in found.next_step


def test_too_few_replicas_are_a_difference(settings: KafkaSettings) -> None:
    found = topic_drift(settings, TopicOverrides(replication=3))
    assert {(one.topic, one.point) for one in found} == {
        (topic.name, point) for topic in TOPICS for point in ("replication", "min.insync.replicas")
    }


def test_more_replicas_than_brokers_are_refused_in_words(
    settings: KafkaSettings, admin: Any
) -> None:
    admin.delete_topics([SCANS_DEAD.name])
    until_points_are({("scans-dead", "existence")}, settings)
    try:
        with pytest.raises(ConfigurationError, match="fewer brokers"):
            create_missing(settings, TopicOverrides(replication=3))
    finally:
        create_missing(settings)


def test_the_command_speaks_in_exit_codes_and_json(settings: KafkaSettings) -> None:
    fine = touchstone(settings, "create", "--json")
    assert fine.returncode == 0, fine.stderr
    assert json.loads(fine.stdout) == {"created": [], "differences": []}
    other = touchstone(settings, "check", "--days", "scans=60", "--json")
    assert other.returncode == 1
    [found] = json.loads(other.stdout)["differences"]
    assert (found["topic"], found["point"]) == ("scans", "retention.ms")
    assert touchstone(None, "check").returncode == 2
    assert touchstone(settings, "check", "--partitions", "sacns=3").returncode == 2
    away = touchstone(KafkaSettings(("127.0.0.1:9",)), "check")
    assert away.returncode == 3
    assert "no Kafka broker answers" in away.stderr
