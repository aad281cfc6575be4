"""Was this serial ever issued? What the filters of its batches say.

A signature by a stolen key, or by a factory that prints more than was ordered, verifies.
But its serial is in no batch, and the header of a batch knows its serials
(`authenticity.records.serial_filter`).
"""

from collections.abc import Iterator

from authenticity.detection.findings import Finding, FindingKind, because, found
from authenticity.records.batch import Batch, PrintOnly


def never_issued(batch: Batch | None) -> Iterator[Finding]:
    """Batches of this print are registered, and none of them holds the serial.

    An unregistered batch is nothing: a late manifest is no crime. One serial in 1,024
    passes a filter unnoticed, and every serial a batch that has none.
    """
    if isinstance(batch, PrintOnly):
        reason = because("serial-in-no-batch", batch=batch.batch_id)
        yield found(FindingKind.NEVER_ISSUED, reason)
