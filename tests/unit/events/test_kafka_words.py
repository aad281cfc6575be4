"""What a cluster's errors, partitions and topics are said to be, and what to do. No network."""

import pytest
from kafka.errors import (
    InvalidReplicationFactorError,
    KafkaConfigurationError,
    KafkaConnectionError,
    KafkaTimeoutError,
    NotEnoughReplicasError,
    RetriableError,
    SaslAuthenticationFailedError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedSaslMechanismError,
)

from authenticity.errors import ConfigurationError, LogUnavailableError, TouchstoneError
from events.kafka.connection import patiently, translate_kafka_errors
from events.kafka.diagnosis import _fault_of_partitions
from events.kafka.settings import KafkaSettings
from events.kafka.topic_admin import (
    TopicDrift,
    TopicOverrides,
    _partition_drift,
    _setting_drift,
    _was_created,
    settings_of,
)
from events.topics import ALERTS, SCANS

SETTINGS = KafkaSettings(("broker-1:9092", "broker-2:9092"), user="touchstone")


@pytest.mark.parametrize(
    ("error", "kind", "next_step"),
    [
        (SaslAuthenticationFailedError(), ConfigurationError, "TOUCHSTONE_KAFKA_USER"),
        (UnsupportedSaslMechanismError(), ConfigurationError, "TOUCHSTONE_KAFKA_SASL"),
        (TopicAuthorizationFailedError(), ConfigurationError, "grant the rights"),
        (NotEnoughReplicasError(), LogUnavailableError, "start the brokers that are down"),
        (UnknownTopicOrPartitionError(), LogUnavailableError, "touchstone topics create"),
        (KafkaTimeoutError(), LogUnavailableError, "that the brokers run"),
        (KafkaConnectionError(), LogUnavailableError, "that the brokers run"),
        (ConnectionRefusedError(111, "refused"), LogUnavailableError, "that the brokers run"),
        (TopicAlreadyExistsError(), LogUnavailableError, "log"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_error_of_a_cluster_is_one_of_ours_with_what_to_do(
    error: Exception, kind: type[TouchstoneError], next_step: str
) -> None:
    with pytest.raises(kind) as said, translate_kafka_errors(SETTINGS):
        raise error
    assert next_step in said.value.next_step


def test_a_broken_program_is_not_taken_for_a_broken_cluster() -> None:
    with pytest.raises(KafkaConfigurationError), translate_kafka_errors(SETTINGS):
        raise KafkaConfigurationError("a bug")


def test_a_question_that_the_cluster_is_not_ready_for_is_asked_again_for_a_while() -> None:
    failures: list[Exception] = [RetriableError()]

    def work() -> str:
        if failures:
            raise failures.pop()
        return "the answer"

    assert patiently(work) == "the answer"
    failures.append(RetriableError())
    with pytest.raises(RetriableError):
        patiently(work, within_s=-1.0)


def _topic(leader: int, in_sync: int) -> dict[str, object]:
    partition = {"partition_index": 3, "leader_id": leader, "isr_nodes": list(range(in_sync))}
    return {"name": "scans", "partitions": [partition]}


def test_a_partition_that_cannot_be_written_to_is_named() -> None:
    where = "partition 3 of topic scans"
    assert _fault_of_partitions([_topic(-1, 3)], {}) == f"{where} has no leader"
    lagging = _fault_of_partitions([_topic(0, 1)], {"scans": 2})
    assert lagging == f"{where} has 1 replica(s) in sync and needs 2"
    assert _fault_of_partitions([_topic(0, 2)], {"scans": 2}) is None
    assert _fault_of_partitions([_topic(0, 1)], {}) is None


def test_a_topic_that_could_not_be_created_says_why() -> None:
    assert _was_created("scans", 0, 3, SETTINGS)
    assert not _was_created("scans", TopicAlreadyExistsError.errno, 3, SETTINGS)
    with pytest.raises(ConfigurationError, match="cannot have 3 replicas"):
        _was_created("scans", InvalidReplicationFactorError.errno, 3, SETTINGS)
    with pytest.raises(LogUnavailableError, match="could not be created: TopicAuthorization"):
        _was_created("scans", TopicAuthorizationFailedError.errno, 3, SETTINGS)


def test_too_many_partitions_are_accepted_and_too_few_are_added() -> None:
    chosen = TopicOverrides(partitions={"scans": 6})
    assert _partition_drift(SCANS, 6, chosen, "broker-1:9092") == []
    [more] = _partition_drift(SCANS, 7, chosen, "broker-1:9092")
    [fewer] = _partition_drift(SCANS, 5, chosen, "broker-1:9092")
    assert "--partitions scans=7" in more.next_step
    assert "--alter --topic scans --partitions 6" in fewer.next_step
    assert str(fewer) == "topic scans: number of partitions is 5, and should be 6"
    assert str(TopicDrift("scans", "existence", "missing", "there", "")).endswith("does not exist")


def test_a_setting_differs_only_if_it_is_less_than_what_is_needed() -> None:
    wanted = settings_of(ALERTS, 3, TopicOverrides())
    same = wanted | {"cleanup.policy": "delete,compact", "min.insync.replicas": "3"}
    assert _setting_drift(ALERTS, same, wanted, "broker-1:9092") == []
    worse = wanted | {"cleanup.policy": "delete", "min.insync.replicas": "1"}
    del worse["retention.ms"]
    found = {drift.point: drift for drift in
             _setting_drift(ALERTS, worse, wanted, "broker-1:9092")}  # fmt: skip
    assert set(found) == {"cleanup.policy", "min.insync.replicas", "retention.ms"}
    assert "'cleanup.policy=[compact,delete]'" in found["cleanup.policy"].next_step
    assert found["retention.ms"].found == "unset"
