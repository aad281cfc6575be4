"""Publish batch statements on the event log."""

from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final

from authenticity.errors import LogUnavailableError
from authenticity.records.batch_statement import BatchStatement
from events.publisher import Publisher, Record
from events.topics import BATCHES, batch_key

ACKNOWLEDGED_WITHIN_SECONDS: Final = 15.0


def publish_statements(publisher: Publisher, statements: Sequence[BatchStatement]) -> None:
    """Publish them and return when the log has acknowledged all; publishing twice changes nothing.

    Raises `LogUnavailableError`; what was published then is unknown.
    """
    records = [Record(BATCHES, batch_key(each.batch), each.raw) for each in statements]
    try:
        publisher.publish(records).result(timeout=ACKNOWLEDGED_WITHIN_SECONDS)
    except FutureTimeoutError:
        raise LogUnavailableError(
            f"the event log did not acknowledge within {ACKNOWLEDGED_WITHIN_SECONDS:.0f} s",
            next_step="look at the log's disk or broker, then try again",
        ) from None
