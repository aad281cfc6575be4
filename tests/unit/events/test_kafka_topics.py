"""What topics are configured with, and which choices are refused. No network."""

from datetime import UTC, datetime

import msgspec
import pytest

from authenticity.errors import ConfigurationError
from authenticity.records.batch_statement import STATEMENT
from authenticity.records.dead_letter import dead_letter, kept_bytes
from authenticity.records.issuer_jws import Kind
from authenticity.records.part_statement import PART
from events.kafka.topic_admin import TopicOverrides, settings_of
from events.topics import ALERTS, BATCHES, SCANS, SCANS_DEAD, TRUST

DAY_MS = 86_400_000


def test_what_is_acknowledged_is_on_two_of_three_replicas_and_no_laggard_may_lead() -> None:
    three, one = settings_of(SCANS, 3, TopicOverrides()), settings_of(SCANS, 1, TopicOverrides())
    assert three["min.insync.replicas"] == "2"
    assert one["min.insync.replicas"] == "1"
    assert three["unclean.leader.election.enable"] == "false"


def test_topics_are_kept_as_the_design_says() -> None:
    policies = {
        topic.name: settings_of(topic, 3, TopicOverrides())
        for topic in (SCANS, BATCHES, TRUST, ALERTS)
    }
    assert policies["scans"]["cleanup.policy"] == "delete"
    assert policies["scans"]["retention.ms"] == str(30 * DAY_MS)
    assert policies["batches"]["cleanup.policy"] == "compact"
    assert "retention.ms" not in policies["trust"]
    assert policies["alerts"]["cleanup.policy"] == "compact,delete"


def test_a_dead_letter_and_a_trust_list_of_the_largest_size_fit() -> None:
    assert int(settings_of(SCANS_DEAD, 3, TopicOverrides())["max.message.bytes"]) > 4 / 3 * 2**20
    assert int(settings_of(TRUST, 3, TopicOverrides())["max.message.bytes"]) > 4 / 3 * 4 * 2**20


def test_when_a_batch_statement_arrived_is_said_by_the_broker() -> None:
    by = {
        topic.name: settings_of(topic, 3, TopicOverrides()).get("message.timestamp.type")
        for topic in (SCANS, BATCHES, TRUST)
    }
    assert by == {"scans": None, "batches": "LogAppendTime", "trust": None}


@pytest.mark.parametrize("kind", [PART, STATEMENT], ids=lambda kind: kind.typ)
def test_the_largest_signed_record_of_a_batch_fits_and_its_dead_letter_keeps_it_whole(
    kind: Kind,
) -> None:
    largest = 4 * (kind.payload_bytes + 1_024) // 3
    room = 1_024  # of key, headers and Kafka's own bytes
    assert largest + room < int(settings_of(BATCHES, 3, TopicOverrides())["max.message.bytes"])
    letter = dead_letter("batches", 3, 2**40, b"v" * largest, "r" * 4_096, datetime.now(UTC))
    assert len(kept_bytes(letter)) == largest
    assert len(msgspec.json.encode(letter)) + room < SCANS_DEAD.most_bytes


def test_another_retention_can_be_chosen() -> None:
    chosen = TopicOverrides(kept_days={"scans": 90})
    assert settings_of(SCANS, 3, chosen)["retention.ms"] == str(90 * DAY_MS)
    assert settings_of(ALERTS, 3, chosen)["retention.ms"] == str(365 * DAY_MS)


@pytest.mark.parametrize(
    "chosen",
    [
        {"partitions": {"scan": 3}},
        {"partitions": {"scans": 0}},
        {"kept_days": {"trust": 3}},
        {"replication": 0},
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(chosen: "dict[str, object]") -> None:
    with pytest.raises(ConfigurationError) as error:
        TopicOverrides(**chosen)  # type: ignore[arg-type]
    assert error.value.next_step
