"""The topics on a Kafka cluster: created if missing, compared with what they should be.

Nothing that exists is changed: more partitions move keys, a shorter retention deletes.
What differs is said, with the step that mends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import InvalidReplicationFactorError, TopicAlreadyExistsError, for_code

from authenticity.errors import ConfigurationError, LogUnavailableError
from events.kafka.connection import administration, translate_errors
from events.kafka.settings import KafkaSettings
from events.topics import TOPICS, CleanupPolicy, Topic

_DAY_MS: Final = 86_400_000
_UNKNOWN_TOPIC: Final = 3
_POLICY: Final = {
    CleanupPolicy.BY_TIME: "delete",
    CleanupPolicy.COMPACTED: "compact",
    CleanupPolicy.COMPACTED_AND_BY_TIME: "compact,delete",
}
CREATE: Final = "touchstone topics create"


@dataclass(frozen=True, slots=True)
class TopicOverrides:
    """Where an installation departs from the defaults; topics by name.

    `replication` is by default 3, or as many brokers as there are.
    """

    replication: int | None = None
    partitions: Mapping[str, int] = field(default_factory=dict)
    kept_days: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {topic.name for topic in TOPICS}
        for name, number in (*self.partitions.items(), *self.kept_days.items()):
            if name not in known:
                raise ConfigurationError(
                    f"there is no topic {name}", next_step=f"choose of: {', '.join(sorted(known))}"
                )
            if not 1 <= number <= 100_000:
                raise ConfigurationError(f"{name}={number} is out of range", next_step="1 or more")
        timed = {topic.name for topic in TOPICS if topic.kept_days is not None}
        for name in self.kept_days.keys() - timed:
            raise ConfigurationError(
                f"topic {name} is not kept by time",
                next_step=f"choose of: {', '.join(sorted(timed))}",
            )
        if self.replication is not None and not 1 <= self.replication <= 100:
            raise ConfigurationError(f"replication {self.replication} is out of range",
                                     next_step="3 is usual")  # fmt: skip


@dataclass(frozen=True, slots=True)
class TopicDrift:
    """One point in which a topic is not what it should be. `next_step` mends it."""

    topic: str
    point: str
    found: str
    wanted: str
    next_step: str

    def __str__(self) -> str:
        if self.point == "existence":
            return f"topic {self.topic} does not exist"
        return f"topic {self.topic}: {self.point} is {self.found}, and should be {self.wanted}"


def create_missing(settings: KafkaSettings, overrides: TopicOverrides | None = None) -> list[str]:
    """Create those of `TOPICS` that do not exist, and wait until they serve; their names.

    Idempotent, and safe for several callers at once. Raises `LogUnavailableError`, and
    `ConfigurationError` if there are too few brokers for the replication asked for.
    """
    overrides = overrides or TopicOverrides()
    with administration(settings) as client:
        present = set(client.list_topics())
        missing = [topic for topic in TOPICS if topic.name not in present]
        if not missing:
            return []
        replication = _replication(client, overrides)
        answer = client.create_topics(
            {
                topic.name: {
                    "num_partitions": _partitions(topic, overrides),
                    "replication_factor": replication,
                    "configs": settings_of(topic, replication, overrides),
                }
                for topic in missing
            },
            raise_errors=False,
            wait_for_metadata=False,
        )
        created = [
            topic["name"]
            for topic in answer["topics"]
            if _was_created(topic["name"], topic["error_code"], replication, settings)
        ]
        client.wait_for_topics([topic.name for topic in missing])
        return created


def topic_drift(
    settings: KafkaSettings, overrides: TopicOverrides | None = None
) -> list[TopicDrift]:
    """In what the cluster's topics differ from what they should be; changes nothing.

    Raises `LogUnavailableError`.
    """
    overrides = overrides or TopicOverrides()
    with administration(settings) as client:
        described = {
            topic["name"]: topic
            for topic in client.describe_topics([topic.name for topic in TOPICS])
            if topic["error_code"] != _UNKNOWN_TOPIC
        }
        configured = _configured(client, list(described))
        replication = _replication(client, overrides)
    found: list[TopicDrift] = []
    server = settings.servers[0]
    for topic in TOPICS:
        if topic.name not in described:
            found.append(TopicDrift(topic.name, "existence", "missing", "there", f"run: {CREATE}"))
            continue
        partitions = described[topic.name]["partitions"]
        found += _partition_drift(topic, len(partitions), overrides, server)
        replicas = min((len(partition["replica_nodes"]) for partition in partitions), default=0)
        if replicas < replication:
            found.append(
                TopicDrift(
                    topic.name, "replication", str(replicas), str(replication),
                    f"add replicas with kafka-reassign-partitions.sh --bootstrap-server {server},"
                    f" or say --replication {replicas} if that is meant",
                )
            )  # fmt: skip
        wanted = settings_of(topic, replication, overrides)
        found += _setting_drift(topic, configured.get(topic.name, {}), wanted, server)
    return found


def settings_of(topic: Topic, replication: int, overrides: TopicOverrides) -> dict[str, str]:
    """What a topic is configured with. Two of three replicas must have what is acknowledged,
    and no replica that lags may ever become leader: it would take back what was."""
    wanted = {
        "cleanup.policy": _POLICY[topic.kept],
        "min.insync.replicas": str(2 if replication >= 3 else 1),
        "max.message.bytes": str(topic.most_bytes),
        "unclean.leader.election.enable": "false",
    }
    if topic.timed_by_log:
        wanted["message.timestamp.type"] = "LogAppendTime"
    kept_days = overrides.kept_days.get(topic.name, topic.kept_days)
    if kept_days is not None:
        wanted["retention.ms"] = str(kept_days * _DAY_MS)
    return wanted


def _partitions(topic: Topic, overrides: TopicOverrides) -> int:
    return overrides.partitions.get(topic.name, topic.partitions)


def _replication(client: Any, overrides: TopicOverrides) -> int:
    if overrides.replication is not None:
        return overrides.replication
    return min(3, len(client.describe_cluster()["brokers"]))


def _was_created(name: str, code: int, replication: int, settings: KafkaSettings) -> bool:
    error = for_code(code)
    if error is TopicAlreadyExistsError:  # another was quicker
        return False
    if error is InvalidReplicationFactorError:
        raise ConfigurationError(
            f"topic {name} cannot have {replication} replicas: there are fewer brokers",
            next_step="start more brokers, or ask for fewer: --replication N",
        )
    if code != 0:
        known = translate_errors(error(), settings)
        raise LogUnavailableError(
            f"topic {name} could not be created: {error.__name__}", next_step=known.next_step
        )
    return True


def _configured(client: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Every setting of these topics, by name."""
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answer = client.describe_configs(asked, config_filter="all")["topic"]
    return {
        name: {key: str(entry["value"]) for key, entry in entries.items()}
        for name, entries in answer.items()
    }


def _partition_drift(
    topic: Topic, found: int, overrides: TopicOverrides, server: str
) -> list[TopicDrift]:
    wanted = _partitions(topic, overrides)
    if found == wanted:
        return []
    if found > wanted:
        step = (
            f"partitions cannot be taken away; say --partitions {topic.name}={found} if they are"
            " meant"
        )
    else:
        step = (
            "stop the workers once nothing is waiting (keys move to other partitions), then:"
            f" kafka-topics.sh --bootstrap-server {server} --alter --topic {topic.name}"
            f" --partitions {wanted}"
        )
    return [TopicDrift(topic.name, "number of partitions", str(found), str(wanted), step)]


def _setting_drift(
    topic: Topic, found: Mapping[str, str], wanted: Mapping[str, str], server: str
) -> list[TopicDrift]:
    return [
        TopicDrift(
            topic.name, key, found.get(key, "unset"), value,
            f"kafka-configs.sh --bootstrap-server {server} --alter --entity-type topics"
            f" --entity-name {topic.name} --add-config '{key}={_bracketed(value)}'",
        )
        for key, value in wanted.items()
        if not _agrees(key, found.get(key, ""), value)
    ]  # fmt: skip


def _agrees(key: str, found: str, wanted: str) -> bool:
    """More than is needed is no fault where it is a least number."""
    if key == "cleanup.policy":
        return set(found.split(",")) == set(wanted.split(","))
    if key in ("min.insync.replicas", "max.message.bytes") and found.isdigit():
        return int(found) >= int(wanted)
    return found == wanted


def _bracketed(value: str) -> str:
    """A list of values, as kafka-configs.sh wants it."""
    return f"[{value}]" if "," in value else value
