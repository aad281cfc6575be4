"""A dead letter becomes the record it was, or is left alone with a reason."""

import pytest

from authenticity.errors import InputError
from authenticity.gs1.code import item_of
from authenticity.records.scan import encode_scan
from events.publisher import Record
from events.republishing import record_again
from events.topics import BATCHES, SCANS, TRUST, TRUST_KEY, batch_key, scan_key
from simulation.two_makers import World


def test_records_come_back_under_their_keys_byte_for_byte() -> None:
    world = World()
    scan, batch = world.scan(world.code()), world.batch()
    raw = encode_scan(scan)
    assert record_again("scans", raw, len(raw)) == Record(
        SCANS, scan_key(item_of(scan.code), scan.code), raw
    )
    raw = world.statement(batch)
    assert record_again("batches", raw, len(raw)) == Record(BATCHES, batch_key(batch), raw)
    raw = world.trust_document
    assert record_again("trust", raw, len(raw)) == Record(TRUST, TRUST_KEY, raw)


@pytest.mark.parametrize(
    ("topic", "raw", "length", "reason"),
    [
        ("scans", b"cut", 1_000_000, "3 of its 1,000,000 bytes"),
        ("scans", b"no scan", 7, "malformed|invalid|JSON"),
        ("batches", b"{}", 2, "missing"),
        ("trust", b"{", 1, "no trust list"),
        ("alerts", b"{}", 2, "alerts"),
    ],
)
def test_what_would_only_fail_again_is_left_alone(
    topic: str, raw: bytes, length: int, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        record_again(topic, raw, length)
