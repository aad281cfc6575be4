"""How far a group of workers is behind: what it has acknowledged against what there is."""

from collections.abc import Iterable
from dataclasses import dataclass

from kafka import KafkaAdminClient, OffsetSpec, TopicPartition

from events.kafka.connection import (
    WITHIN_S,
    client_options,
    closing_half_built,
    patiently,
    translate_kafka_errors,
)
from events.kafka.settings import KafkaSettings
from events.topics import Topic


@dataclass(frozen=True, slots=True)
class Lag:
    """Of one topic. `waiting` records are not acknowledged; `end` is how many there ever were,
    summed over partitions. `furthest` is the largest `waiting` of one partition.
    """

    waiting: int
    end: int
    furthest: int


class LagWatch:
    """Asks again and again over one connection. For one thread, and never an event loop's:
    every method waits for the network, `within_s` at most.
    """

    def __init__(self, settings: KafkaSettings, group: str, *, within_s: float = WITHIN_S) -> None:
        """Connect. Raises `LogUnavailableError`."""
        self._settings = settings
        self._group = group
        self._within_s = within_s
        with translate_kafka_errors(settings), closing_half_built() as network:
            self._client = KafkaAdminClient(
                **client_options(settings, within_s=within_s), kafka_client=network
            )

    def __enter__(self) -> "LagWatch":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, topics: Iterable[Topic]) -> dict[str, Lag]:
        """By topic name; a topic that does not exist is left out.

        A partition that was never acknowledged counts from its oldest record, as workers
        begin there. Raises `LogUnavailableError`.
        """
        names = [topic.name for topic in topics]
        with translate_kafka_errors(self._settings):
            return patiently(lambda: self._ask(names), within_s=self._within_s)

    def _ask(self, names: list[str]) -> dict[str, Lag]:
        client = self._client
        partitions = {
            TopicPartition(topic["name"], partition["partition_index"])
            for topic in client.describe_topics(names)
            for partition in topic["partitions"]
            if topic["error_code"] == 0
        }
        if not partitions:
            return {}
        acknowledged = client.list_group_offsets({self._group: None})[self._group]
        # Ends are asked for last: what is acknowledged in between makes no lag negative.
        unknown = dict.fromkeys(partitions - acknowledged.keys(), OffsetSpec.EARLIEST)
        first = client.list_partition_offsets(unknown) if unknown else {}
        end = client.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        lags: dict[str, Lag] = {}
        for partition in partitions:
            known = acknowledged.get(partition) or first[partition]
            waiting = max(0, end[partition].offset - max(0, known.offset))
            before = lags.get(partition.topic, Lag(0, 0, 0))
            lags[partition.topic] = Lag(
                before.waiting + waiting,
                before.end + end[partition].offset,
                max(before.furthest, waiting),
            )
        return lags

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def lag_of(settings: KafkaSettings, group: str, topics: Iterable[Topic]) -> dict[str, Lag]:
    """Asked once. Raises `LogUnavailableError`."""
    with LagWatch(settings, group) as watch:
        return watch.read(topics)
