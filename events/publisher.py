"""How a record enters the pipeline: acknowledged when it is durable, or refused."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from events.topics import Topic


class Record(NamedTuple):
    """One record to publish.

    `trace` is a W3C trace context (`traceparent`) that travels beside the value, in a
    header of the same name, where the log has headers; the embedded one has none.
    """

    topic: Topic
    key: bytes
    value: bytes
    trace: str | None = None


class Publisher(Protocol):
    """The embedded log's publisher, and Kafka's.

    Neither blocks the caller: `publish` hands over to a thread of its own, within a
    bound, and the future tells the outcome.
    """

    def publish(self, records: Sequence[Record]) -> "Future[None]":
        """Publish all of these, in order.

        The future resolves when every record is durable, and fails with
        `LogUnavailableError` if that is not known: then some may have been written,
        and publishing them again changes nothing. It fails with `InputError` if a record is
        larger than its topic takes; nothing of the call is written then.
        """
        ...

    def close(self) -> None:
        """Finish what was accepted, then refuse everything."""
        ...
