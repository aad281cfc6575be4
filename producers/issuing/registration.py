"""Publish batch statements, and parts of serial lists, on the event log."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final

from authenticity.errors import LogUnavailableError
from authenticity.records.batch_statement import BatchStatement
from authenticity.records.part_statement import SignedPart
from events.publisher import Publisher, Record
from events.republishing import batch_record

ACKNOWLEDGED_WITHIN_SECONDS: Final = 15.0
_PARTS_AT_ONCE: Final = 32


def publish_statements(
    publisher: Publisher,
    statements: Sequence[BatchStatement],
    parts: Iterable[SignedPart] = (),
) -> None:
    """Publish them and return when the log has acknowledged all; publishing twice changes nothing.

    Parts go first, so that what a statement names is there before it. Raises
    `LogUnavailableError`; what was published then is unknown.
    """
    for some in _in_portions(parts):
        _publish(publisher, some)
    _publish(publisher, [batch_record(each) for each in statements])


def _in_portions(parts: Iterable[SignedPart]) -> Iterator[list[Record]]:
    records: list[Record] = []
    for part in parts:
        records.append(batch_record(part))
        if len(records) == _PARTS_AT_ONCE:
            yield records
            records = []
    if records:
        yield records


def _publish(publisher: Publisher, records: Sequence[Record]) -> None:
    try:
        publisher.publish(records).result(timeout=ACKNOWLEDGED_WITHIN_SECONDS)
    except FutureTimeoutError:
        raise LogUnavailableError(
            f"the event log did not acknowledge within {ACKNOWLEDGED_WITHIN_SECONDS:.0f} s",
            next_step="look at the log's disk or broker, then try again",
        ) from None
