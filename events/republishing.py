"""From a dead letter back to the record it was, to be published again."""

import msgspec

from authenticity.errors import InputError
from authenticity.gs1.code import item_of
from authenticity.records.batch_statement import BatchStatement
from authenticity.records.part_statement import SignedPart, read_batch_record
from authenticity.records.scan import decode_scan
from events.publisher import Record
from events.topics import BATCHES, SCANS, TRUST, TRUST_KEY, batch_key, part_key, scan_key


def record_again(topic: str, raw: bytes, length: int) -> Record:
    """The record to publish on `topic`: the same bytes, under the key they belong to.

    `length` is what the record had when it was given up. Publishing it twice changes nothing:
    the same scan, batch revision or trust list counts once. Raises `InputError` if it would
    only become a dead letter again.
    """
    if length != len(raw):
        raise InputError(
            f"only {len(raw):,} of its {length:,} bytes were kept",
            next_step="publish it from where it came from",
        )
    if topic == SCANS.name:
        scan = decode_scan(raw)
        return Record(SCANS, scan_key(item_of(scan.code), scan.code), raw)
    if topic == BATCHES.name:
        return batch_record(read_batch_record(raw))
    if topic == TRUST.name:
        _check_json(raw)
        return Record(TRUST, TRUST_KEY, raw)
    raise InputError(f"nothing is published again on a topic {topic!r}", next_step="leave it")


def batch_record(signed: BatchStatement | SignedPart) -> Record:
    """The record of the topic `batches` that carries it."""
    if isinstance(signed, SignedPart):
        return Record(BATCHES, part_key(signed.part), signed.raw)
    return Record(BATCHES, batch_key(signed.batch), signed.raw)


def _check_json(raw: bytes) -> None:
    try:
        msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise InputError(f"it is no trust list: {error}", next_step="leave it") from None
