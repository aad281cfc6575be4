"""Publishes a file of records as fast as librdkafka can, so that a measurement need not wait.

`python -m benchmarks.speed.peers.bulk_publisher SERVERS TOPIC FILE`: the file is MessagePack, a
list of (key, value). Partitions are chosen as Java's client and kafka-python choose them.
Fails if any record was not acknowledged. Runs in the environment of Quix Streams.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import Producer


def main(servers: str, topic: str, path: str) -> None:
    """Publish all, wait for every acknowledgement."""
    records = msgspec.msgpack.decode(Path(path).read_bytes(), type=list[tuple[bytes, bytes]])
    failures: list[str] = []

    def heard(error: Any, _message: Any) -> None:
        if error is not None:
            failures.append(str(error))

    producer = Producer(
        {
            "bootstrap.servers": servers,
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "queue.buffering.max.messages": 10_000_000,
        }
    )
    for key, value in records:
        producer.produce(topic, value, key, on_delivery=heard)
        producer.poll(0)
    left = producer.flush(60)
    if failures or left:
        sys.exit(f"{len(failures)} records refused, {left} unknown: {failures[:1]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
