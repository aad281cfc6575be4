"""Bytes that are no scan are refused in words, whatever they are."""

from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from authenticity.errors import BatchError, ScanError
from authenticity.records.batch import decode_batch, encode_batch
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import (
    REFUSALS,
    Act,
    RefusalGround,
    decode_scan,
    encode_scan,
    from_epoch_ms,
    has_utc,
    to_epoch_ms,
)
from simulation.two_makers import World, changed

WORLD = World(3)
DEEP = b',"x":' + b"[" * 7_000 + b"]" * 7_000 + b"}"
EAST, WEST = timezone(timedelta(hours=23, minutes=59)), timezone(-timedelta(hours=23, minutes=59))


def test_a_scan_nested_deeper_than_the_reader_goes_is_no_scan() -> None:
    raw = encode_scan(WORLD.scan(WORLD.code()))
    with pytest.raises(ScanError, match="recursion"):
        decode_scan(raw[:-1] + DEEP)


def test_a_batch_nested_deeper_than_the_reader_goes_is_no_batch() -> None:
    with pytest.raises(BatchError, match="recursion"):
        decode_batch(encode_batch(WORLD.batch())[:-1] + DEEP)


@pytest.mark.parametrize(
    "beyond",
    [datetime(1, 1, 1, tzinfo=EAST), datetime(9999, 12, 31, 23, 59, 59, tzinfo=WEST)],
    ids=["before year 1", "after year 9999"],
)
@pytest.mark.parametrize("field", ["captured_at", "received_at"])
def test_a_time_that_utc_cannot_write_is_refused_by_name(field: str, beyond: datetime) -> None:
    raw = encode_scan(changed(WORLD.scan(WORLD.code()), **{field: beyond}))
    with pytest.raises(ScanError, match=field):
        decode_scan(raw)


@pytest.mark.parametrize(
    "instant", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
)
def test_the_first_and_the_last_day_of_the_calendar_can_be_written(instant: datetime) -> None:
    raw = encode_scan(changed(WORLD.scan(WORLD.code()), captured_at=instant))
    assert has_utc(decode_scan(raw).captured_at)
    assert abs(from_epoch_ms(to_epoch_ms(instant)) - instant) < timedelta(milliseconds=1)


def test_a_batch_whose_name_no_database_could_store_is_refused() -> None:
    for name in ("batch_id", "issuer"):
        batch = msgspec.structs.replace(WORLD.batch(), **{name: "a\0b"})
        with pytest.raises(BatchError, match="NUL"):
            decode_batch(encode_batch(batch))


@pytest.mark.parametrize("field", ["gtin", "expiry", "manifest_sha256"])
def test_a_line_feed_behind_a_field_of_fixed_length_is_refused(field: str) -> None:
    """`$` in a pattern would let it pass."""
    batch = msgspec.structs.replace(WORLD.batch(), expiry="281231")
    longer = msgspec.structs.replace(batch, **{field: getattr(batch, field) + "\n"})
    with pytest.raises(BatchError, match=field):
        decode_batch(encode_batch(longer))


def test_a_line_feed_behind_a_country_is_refused() -> None:
    raw = encode_scan(WORLD.scan(WORLD.code(), place=Place(1.0, 2.0, 3.0, PlaceSource.GPS, "FR\n")))
    with pytest.raises(ScanError, match="country"):
        decode_scan(raw)


@pytest.mark.parametrize("ground", RefusalGround)
@pytest.mark.parametrize("act", [None, *Act])
def test_a_ground_stands_beside_a_refusal_alone(act: Act | None, ground: RefusalGround) -> None:
    scan = changed(WORLD.scan(WORLD.code()), v=2, act=act, refused_for=ground)
    raw = encode_scan(scan)
    if act in REFUSALS:
        assert decode_scan(raw) == scan
    else:
        with pytest.raises(ScanError, match="refused_for") as refused:
            decode_scan(raw)
        assert "inspect-nonconformant" in refused.value.next_step


def test_a_ground_that_there_is_not_is_refused_and_version_1_has_none() -> None:
    scan = changed(WORLD.scan(WORLD.code()), v=2, act=Act.DETAIN, refused_for=RefusalGround.OTHER)
    with pytest.raises(ScanError, match="refused_for"):
        decode_scan(encode_scan(scan).replace(b'"other"', b'"bad-mood"'))
    with pytest.raises(ScanError, match="`refused_for` needs version 2"):
        decode_scan(encode_scan(changed(scan, v=1)))


def test_a_scan_without_a_ground_is_written_as_before_there_were_any() -> None:
    assert b"refused_for" not in encode_scan(changed(WORLD.scan(WORLD.code()), act=Act.SEIZE))
