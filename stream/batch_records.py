"""Records of the topic `batches`: batch statements, and parts of serial lists."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from authenticity.errors import BatchError
from authenticity.records.batch_statement import BatchStatement, check_statement
from authenticity.records.part_statement import SignedPart, check_part, read_batch_record
from authenticity.trust.trust_list import TrustList
from ledger.batch_cache import BatchKey
from stream.dead_letter_sinks import Refused, SourceRecord


class BatchRecords(NamedTuple):
    """What some records hold. `sources` are the records of `parts`, in their order."""

    statements: Sequence[BatchStatement]
    parts: Sequence[SignedPart]
    sources: Sequence[SourceRecord]
    refused: Sequence[Refused]

    def within(
        self, most: int, unstated: Collection[BatchKey], kept: Mapping[str, int]
    ) -> "BatchRecords":
        """Without those parts of `unstated` batches that would make more than `most` of one
        issuer, of which `kept` are there already."""
        parts: list[SignedPart] = []
        sources: list[SourceRecord] = []
        refused = list(self.refused)
        unclaimed = dict(kept)
        for part, source in zip(self.parts, self.sources, strict=True):
            issuer, batch_id = batch_of_part(part)
            if (issuer, batch_id) in unstated:
                unclaimed[issuer] += 1
                if unclaimed[issuer] > most:
                    reason = (
                        f"{most:,} parts of serial lists of {issuer} are kept without a statement"
                        f" about their batch, and there is none about {batch_id} (next: publish "
                        "its statement, then this part again: touchstone batches register DIR)"
                    )
                    refused.append(Refused(source, reason))
                    continue
            parts.append(part)
            sources.append(source)
        return BatchRecords(self.statements, parts, sources, refused)


def batch_of_part(part: SignedPart) -> BatchKey:
    """Which batch it says that it is of."""
    return part.name.issuer, part.name.batch_id


def read_batch_records(
    records: Sequence[SourceRecord], trust_list: TrustList, at: datetime
) -> BatchRecords:
    """What these hold; what an issuer may not say under this list is refused.

    Dates are judged by when the log took each record, and where the log does not say, by
    `at`: so a statement that was refused for its date stays refused at a later reading.
    """
    statements: list[BatchStatement] = []
    parts: list[SignedPart] = []
    sources: list[SourceRecord] = []
    refused: list[Refused] = []
    for record in records:
        arrived = (
            at if record.appended_s is None else datetime.fromtimestamp(record.appended_s, UTC)
        )
        try:
            found = read_batch_record(record.value)
            if isinstance(found, BatchStatement):
                statements.append(check_statement(found, trust_list, at=arrived))
            else:
                parts.append(check_part(found, trust_list, at=arrived))
                sources.append(record)
        except BatchError as error:
            next_step = f" (next: {error.next_step})" if error.next_step else ""
            refused.append(Refused(record, f"{error}{next_step}"))
    return BatchRecords(statements, parts, sources, refused)
