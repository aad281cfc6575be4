"""Why a cluster does not acknowledge: asked when publications wait, said in their errors."""

import socket
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType

from authenticity.errors import ConfigurationError, TouchstoneError
from events.kafka.connection import administration, patiently
from events.kafka.settings import KafkaSettings

_WITHIN_S: Final = 2.0
_CONNECTED_WITHIN_S: Final = 0.5
_UNKNOWN_TOPIC: Final = 3
_CREATE_TOPICS: Final = "create what is missing: touchstone topics create"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong and what to do, as text. `missing`: topics that do not exist."""

    reason: str
    next_step: str
    missing: frozenset[str] = frozenset()


def diagnose(settings: KafkaSettings, topics: Iterable[str]) -> Diagnosis | None:
    """What keeps the topics of these names from being written to; None if nothing is seen.

    Takes a few seconds at most. Brokers are tried one by one besides: with most of them
    dead, what the others still say of the cluster is out of date.
    """
    away = _silent(settings.servers)
    if len(away) == len(settings.servers):
        return Diagnosis(
            f"no Kafka broker answers at {', '.join(settings.servers)}",
            "check TOUCHSTONE_KAFKA and that the brokers run, then try again",
        )
    start = f"start {' and '.join(away)} again" if away else "look at the brokers' logs"
    next_step = f"{start}; publishing then goes on by itself"
    silent = f"{', '.join(away)} of {len(settings.servers)} brokers not answering" if away else ""
    try:
        topics_now, needed = _asked(settings, sorted(topics))
    except ConfigurationError as error:
        return Diagnosis(str(error), error.next_step)
    except TouchstoneError as error:
        return Diagnosis(silent or str(error), next_step if away else error.next_step)
    missing = [topic["name"] for topic in topics_now if topic["error_code"] == _UNKNOWN_TOPIC]
    if missing:
        return Diagnosis(
            f"Kafka has no topic {' and no topic '.join(missing)}",
            _CREATE_TOPICS,
            frozenset(missing),
        )
    if fault := _fault_of_partitions(topics_now, needed):
        return Diagnosis(f"{fault} ({silent})" if silent else fault, next_step)
    return Diagnosis(silent, next_step) if silent else None


def _asked(
    settings: KafkaSettings, names: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The topics as the cluster describes them, and `min.insync.replicas` of each."""
    with administration(settings, within_s=_WITHIN_S) as client:
        described = patiently(lambda: client.describe_topics(names), within_s=_WITHIN_S)
        present = [topic["name"] for topic in described if topic["error_code"] != _UNKNOWN_TOPIC]
        asked = [
            ConfigResource(ConfigResourceType.TOPIC, name, ["min.insync.replicas"])
            for name in present
        ]
        if not asked:
            return described, {}
        answer = patiently(
            lambda: client.describe_configs(asked, config_filter="all"), within_s=_WITHIN_S
        )
        return described, {
            name: int(entries["min.insync.replicas"]["value"])
            for name, entries in answer["topic"].items()
        }


def _fault_of_partitions(
    topics: Iterable[Mapping[str, Any]], needed: Mapping[str, int]
) -> str | None:
    for topic in topics:
        for partition in topic["partitions"]:
            where = f"partition {partition['partition_index']} of topic {topic['name']}"
            in_sync, least = len(partition["isr_nodes"]), needed.get(topic["name"], 1)
            if partition["leader_id"] < 0:
                return f"{where} has no leader"
            if in_sync < least:
                return f"{where} has {in_sync} replica(s) in sync and needs {least}"
    return None


def _silent(servers: Sequence[str]) -> list[str]:
    """Those whose port takes no connection."""
    with ThreadPoolExecutor(max_workers=8) as threads:
        answers = threads.map(_connects, servers)
        return [server for server, up in zip(servers, answers, strict=True) if not up]


def _connects(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECTED_WITHIN_S):
            return True
    except OSError:
        return False
