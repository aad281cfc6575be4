"""Let a group of workers read again what it has acknowledged, as after a restored ledger.

Reading again changes nothing: the ledger takes each scan once. Only ever backwards: to skip
records would lose them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kafka import OffsetSpec, TopicPartition
from kafka.admin import OffsetTimestamp
from kafka.errors import NoError

from authenticity.errors import ConfigurationError, LogUnavailableError
from events.kafka.connection import administration, patiently
from events.kafka.settings import KafkaSettings
from events.topics import Topic

_AT_REST = ("Empty", "Dead")


@dataclass(frozen=True, slots=True)
class Rewound:
    """Of one topic: so many records will be read again."""

    topic: str
    records: int


def rewind(
    settings: KafkaSettings, group: str, topics: Iterable[Topic], to: datetime | None
) -> list[Rewound]:
    """Set the group back to the first record published at `to` or later, or to the oldest.

    Times are those that the publishers' clocks gave. Raises `ConfigurationError` while
    workers of the group run, and `LogUnavailableError`.
    """
    names = {topic.name for topic in topics}
    counts = dict.fromkeys(sorted(names), 0)
    with administration(settings) as client:
        patiently(lambda: _require_rest(client, group))
        acknowledged = {
            partition: known.offset
            for partition, known in client.list_group_offsets({group: None})[group].items()
            if partition.topic in names and known.offset >= 0
        }
        wanted = patiently(lambda: _offsets(client, list(acknowledged), to))
        back = {
            partition: wanted[partition]
            for partition, offset in acknowledged.items()
            if wanted[partition] < offset
        }
        _set(client, group, back)
    for partition, offset in back.items():
        counts[partition.topic] += acknowledged[partition] - offset
    return [Rewound(name, records) for name, records in counts.items()]


def _require_rest(client: Any, group: str) -> None:
    described = client.describe_groups([group])
    states = [found["group_state"] for found in described.values()]
    if any(state not in _AT_REST for state in states):
        raise ConfigurationError(
            f"workers of group {group} are running",
            next_step="stop all of them, wait for ten seconds, and say it again",
        )


def _offsets(
    client: Any, partitions: list[TopicPartition], to: datetime | None
) -> dict[TopicPartition, int]:
    """Where the time lies; the end of a partition that has nothing so young."""
    spec = OffsetSpec.EARLIEST if to is None else OffsetTimestamp(int(to.timestamp() * 1000))
    found = client.list_partition_offsets(dict.fromkeys(partitions, spec))
    end = client.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    return {
        partition: found[partition].offset
        if found[partition].offset >= 0
        else end[partition].offset
        for partition in partitions
    }


def _set(client: Any, group: str, back: dict[TopicPartition, int]) -> None:
    if not back:
        return
    answers = client.reset_group_offsets(group, back)
    for partition, answer in answers.items():
        if answer["error"] is not NoError:
            raise LogUnavailableError(
                f"partition {partition.partition} of {partition.topic} was not set back:"
                f" {answer['error'].__name__}",
                next_step="see that no worker runs, and say it again",
            )
