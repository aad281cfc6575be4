"""Why a cluster does not acknowledge: asked when publications wait, said in their errors."""

import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType

from authenticity.errors import TouchstoneError
from events.kafka_connection import administration
from events.settings import KafkaSettings

_WITHIN_S: Final = 2.0
_CONNECTED_WITHIN_S: Final = 0.5
CREATE_TOPICS: Final = "create what is missing: touchstone topics create"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong, in words, and what to do. `missing`: topics that do not exist."""

    reason: str
    next_step: str
    missing: frozenset[str] = frozenset()


def diagnose(settings: KafkaSettings, topics: Iterable[str]) -> Diagnosis | None:
    """What keeps the topics of these names from being written to; None if nothing is seen.

    Takes a few seconds at most.
    """
    names = sorted(topics)
    try:
        with administration(settings, within_s=_WITHIN_S) as client:
            brokers = client.describe_cluster()["brokers"]
            described = client.describe_topics(names)
            needed = _replicas_needed(client, names)
    except TouchstoneError as error:
        return Diagnosis(str(error), error.next_step)
    if missing := [topic["name"] for topic in described if topic["error_code"] == _UNKNOWN]:
        return Diagnosis(
            f"Kafka has no topic {' and no topic '.join(missing)}",
            CREATE_TOPICS,
            frozenset(missing),
        )
    away = _silent(brokers)
    start = (
        f"start {_brokers(away)} again; publishing then goes on by itself"
        if away
        else "look at the brokers' logs"
    )
    who = f" ({_brokers(away)} of {len(brokers)} not answering)" if away else ""
    for topic in described:
        for partition in topic["partitions"]:
            in_sync = len(partition["isr_nodes"])
            where = f"partition {partition['partition_index']} of topic {topic['name']}"
            if partition["leader_id"] < 0:
                return Diagnosis(f"{where} has no leader{who}", start)
            if in_sync < needed.get(topic["name"], 1):
                return Diagnosis(
                    f"{where} has {in_sync} replica(s) in sync and needs"
                    f" {needed[topic['name']]}{who}",
                    start,
                )
    return Diagnosis(f"{_brokers(away)} of {len(brokers)} not answering", start) if away else None


_UNKNOWN: Final = 3  # UNKNOWN_TOPIC_OR_PARTITION of the Kafka protocol


def _replicas_needed(client: Any, names: Sequence[str]) -> dict[str, int]:
    """`min.insync.replicas` by topic; topics that do not exist are left out."""
    present = [name for name in names if name in set(client.list_topics())]
    if not present:
        return {}
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, name, ["min.insync.replicas"]) for name in present
    ]
    answer = client.describe_configs(asked, config_filter="all")
    return {
        name: int(settings["min.insync.replicas"]["value"])
        for name, settings in answer.get("topic", answer).items()
    }


def _silent(brokers: Sequence[Any]) -> list[int]:
    """Brokers whose port takes no connection: what the cluster knows can be out of date."""
    with ThreadPoolExecutor(max_workers=8) as threads:
        answers = threads.map(_connects, [(str(b["host"]), int(b["port"])) for b in brokers])
        return [int(broker["broker_id"]) for broker, up in zip(brokers, answers, strict=True)
                if not up]  # fmt: skip


def _connects(address: tuple[str, int]) -> bool:
    try:
        with socket.create_connection(address, timeout=_CONNECTED_WITHIN_S):
            return True
    except OSError:
        return False


def _brokers(numbers: Sequence[int]) -> str:
    return f"broker{'s' * (len(numbers) > 1)} {', '.join(map(str, sorted(numbers)))}"
