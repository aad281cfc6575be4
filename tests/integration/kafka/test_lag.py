"""How far a group is behind, on a real broker."""

from uuid import uuid4

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from authenticity.errors import LogUnavailableError
from demo.local_ports import free_ports
from events.kafka.connection import closing_half_built
from events.kafka.lag import LagWatch, lag_of
from events.kafka.publisher import KafkaPublisher
from events.kafka.settings import KafkaSettings
from events.publisher import Record
from events.topics import BATCHES, SCANS, CleanupPolicy, Topic
from tests.support.patience import PATIENCE_S


def acknowledge(settings: KafkaSettings, group: str, offsets: dict[TopicPartition, int]) -> None:
    with closing_half_built() as network:
        consumer = KafkaConsumer(
            bootstrap_servers=list(settings.servers),
            group_id=group,
            enable_auto_commit=False,
            kafka_client=network,
        )
    consumer.assign(list(offsets))
    consumer.commit({at: OffsetAndMetadata(offset, "", -1) for at, offset in offsets.items()})
    consumer.close()


def test_waiting_is_what_the_group_has_not_acknowledged(
    settings: KafkaSettings, publisher: KafkaPublisher
) -> None:
    group = uuid4().hex
    before = lag_of(settings, group, [BATCHES])[BATCHES.name]
    assert before.waiting == before.end, "nothing acknowledged: all of it waits"
    publisher.publish([Record(BATCHES, b"%d" % n, b"v") for n in range(100)]).result(PATIENCE_S)
    with LagWatch(settings, group) as watch:
        now = watch.read([BATCHES, SCANS])
        assert now[BATCHES.name].waiting == before.waiting + 100
        end = now[BATCHES.name]
        acknowledge(settings, group, {TopicPartition(BATCHES.name, 1): 2})
        after = watch.read([BATCHES])[BATCHES.name]
        assert after.waiting == end.waiting - 2
        assert after.end == end.end
        assert after.furthest <= after.waiting


def test_a_topic_that_is_not_there_is_left_out(settings: KafkaSettings) -> None:
    nowhere = Topic("nowhere", None, "", CleanupPolicy.BY_TIME, 1, "")
    assert lag_of(settings, "g", [nowhere]) == {}


def test_without_a_broker_it_says_so_in_time() -> None:
    with pytest.raises(LogUnavailableError, match="no Kafka broker answers"):
        LagWatch(KafkaSettings((f"127.0.0.1:{free_ports(1)[0]}",)), "g", within_s=0.5)
