"""kafka-python's producer as we use it: idempotent, acks=all, bounded in every wait.

What leans on its internals (pinned in pyproject.toml) is in this module alone.
"""

import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.partitioner import Partitioner
from kafka.producer.transaction_manager import TransactionState

from events.kafka.connection import client_options, closing_half_built
from events.kafka.partitions import partition_of
from events.kafka.settings import KafkaSettings
from events.publisher import Record
from events.topics import TOPICS

BOOTSTRAP_WITHIN_S: Final = 1.0
TOPIC_WITHIN_S: Final = 0.3
_LARGEST_REQUEST_BYTES: Final = max(topic.most_bytes for topic in TOPICS) + 2**20
_CLOSED_WITHIN_S: Final = 2.0

GIVEN_UP_AFTER_S: Final = 120.0
"""How long kafka-python keeps trying, whatever the caller was told meanwhile: what it gives
up after sending it once costs it its producer id, and 3.0.12 never asks for another."""
_ANSWERED_WITHIN_S: Final = 5.0

Landed = Callable[[BaseException | None], None]


class _ByKey(Partitioner):  # type: ignore[misc]
    """Kafka's own rule; our keys are never null."""

    def partition(self, topic: str, *found: Any) -> int:
        """Of (key, key's bytes, value, value's bytes, cluster)."""
        _, key, _, _, cluster = found
        return partition_of(key, len(cluster.partitions_for_topic(topic)))


class Producer:
    """One producer, connected. Use from one thread; callbacks come in another."""

    def __init__(self, settings: KafkaSettings, *, linger_s: float, batch_bytes: int) -> None:
        """Connect, within a second or so. Raises kafka-python's errors."""
        options = client_options(settings, within_s=BOOTSTRAP_WITHIN_S)
        with closing_half_built() as network:
            self._producer = KafkaProducer(
                **options
                | {
                    "acks": "all",
                    "enable_idempotence": True,
                    "allow_auto_create_topics": False,
                    "batch_size": batch_bytes,
                    "delivery_timeout_ms": int(GIVEN_UP_AFTER_S * 1000),
                    "kafka_client": network,
                    "linger_ms": int(linger_s * 1000),
                    "max_block_ms": int(TOPIC_WITHIN_S * 1000),
                    "max_request_size": _LARGEST_REQUEST_BYTES,
                    "metrics_enabled": False,
                    "partitioner": _ByKey(),
                    "request_timeout_ms": int(_ANSWERED_WITHIN_S * 1000),
                }
            )
        self._known: set[str] = set()
        self._asked_at: dict[str, float] = {}

    def knows(self, topic: str) -> bool:
        """Whether records can be sent to it; asks the cluster at most once a second."""
        if topic in self._known:
            return True
        now = time.monotonic()
        if now - self._asked_at.get(topic, 0.0) < 1.0:
            return False
        self._asked_at[topic] = now
        try:
            if self._producer.partitions_for(topic):
                self._known.add(topic)
        except KafkaTimeoutError:
            return False
        return topic in self._known

    def send(self, record: Record, landed: Landed) -> None:
        """Hand over one record; `landed` hears of its end. Raises kafka-python's errors."""
        headers = [("traceparent", record.trace.encode())] if record.trace else None
        future = self._producer.send(record.topic.name, record.value, record.key, headers)
        future.add_callback(lambda _where: landed(None))
        future.add_errback(landed)

    def ask(self, answered: Landed) -> None:
        """Ask the cluster whether it answers."""
        future = self._producer._metadata.request_update()
        future.add_callback(lambda _cluster: answered(None))
        future.add_errback(answered)

    @property
    def stuck(self) -> bool:
        """It has given up its producer id without asking for another: nothing will be sent."""
        state = self._producer._transaction_manager
        return state._current_state is TransactionState.READY and not state.has_producer_id()

    def close(self) -> None:
        """End threads and close sockets; what is still on its way fails."""
        with contextlib.suppress(KafkaError):
            self._producer.close(timeout=_CLOSED_WITHIN_S)
        sender = self._producer._sender
        if sender.is_alive():  # the broker is away, and it would wait for it
            sender.force_close()
            sender.join(_CLOSED_WITHIN_S)
