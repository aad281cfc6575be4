"""The serial list of a large batch, in parts: which serial is in it, and whose part counts."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import combinations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.errors import BatchError
from authenticity.limits import LIMITS, Limits
from authenticity.records.batch import Batch, decode_batch, encode_batch
from authenticity.records.batch_registry import (
    BatchRegistry,
    InBatch,
    ListIncomplete,
    NotInBatch,
    batch_holding,
    batch_printed,
)
from authenticity.records.batch_statement import BatchStatement, read_statement
from authenticity.records.dead_letter import DEAD_LETTER_BYTES
from authenticity.records.part_statement import SignedPart, check_part, read_batch_record, read_part
from authenticity.records.serial_filter import FINGERPRINT_BITS, filter_of, may_hold, serials_in
from authenticity.records.serial_parts import (
    SerialPart,
    decode_part,
    encode_part,
    number_of_parts,
    part_asked,
    part_filter,
    part_names,
    share_of,
)
from authenticity.trust.trust_list import read_trust_list
from events.topics import BATCHES, batch_key, part_key
from ledger.part_cache import LazyMembership, PartCache
from simulation.two_makers import World
from tests.support.large_batch import LargeBatch, large_batch, signed_part

WORLD = World()
BATCH = WORLD.batch()
SERIALS = st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=40, unique=True)
OURS = [f"OURS{n}" for n in range(60)]
LARGE = large_batch(BATCH, OURS)
ALPINES = signed_part(WORLD, LARGE.parts[0])


def registry_with(large: LargeBatch, held: Sequence[SerialPart]) -> BatchRegistry:
    """The header is registered, and these parts are in a ledger."""
    contents = {signed.name: signed.part.serials for signed in signed_parts(held)}

    def read(issuer: str, batch_id: str, numbers: Sequence[int]) -> list[tuple[bytes, bytes]]:
        return [
            (name.digest, content)
            for name, content in contents.items()
            if (name.issuer, name.batch_id) == (issuer, batch_id) and name.number in numbers
        ]

    return BatchRegistry([large.batch]).answered_by(LazyMembership(read, PartCache()))


def signed_parts(parts: Sequence[SerialPart]) -> list[SignedPart]:
    return [signed_part(WORLD, part) for part in parts]


def found(registry: BatchRegistry, serial: str) -> Any:
    return registry.find(BATCH.gtin, BATCH.lot, BATCH.expiry, serial)


@given(SERIALS, st.integers(1, 9), st.text(min_size=1, max_size=20))
def test_with_all_parts_every_serial_of_the_batch_is_in_it_and_no_other(
    serials: list[str], parts: int, other: str
) -> None:
    large = large_batch(BATCH, serials, parts)
    registry = registry_with(large, large.parts)
    assert all(found(registry, serial) == InBatch(large.batch) for serial in serials)
    assert isinstance(found(registry, other), InBatch) == (other in serials)


@given(SERIALS, st.integers(1, 9), st.data())
def test_a_look_up_needs_one_part_and_without_it_nothing_is_claimed(
    serials: list[str], parts: int, data: st.DataObject
) -> None:
    large = large_batch(BATCH, serials, parts)
    held = data.draw(st.lists(st.sampled_from(large.parts), unique_by=lambda part: part.number))
    registry = registry_with(large, held)
    for serial in [*serials, "NOBODYS"]:
        match = found(registry, serial)
        if share_of(serial, parts) not in {part.number for part in held}:
            assert match == ListIncomplete(large.batch)
            assert batch_holding(match) is None
            assert batch_printed(match) == large.batch
        else:
            expected = InBatch if serial in serials else NotInBatch
            assert match == expected(large.batch)


def test_a_part_has_thirty_two_bits_for_every_serial() -> None:
    assert all(part.serials[1] == FINGERPRINT_BITS == 32 for part in LARGE.parts)
    assert sum(serials_in(part.serials) for part in LARGE.parts) == len(OURS)
    registry = registry_with(LARGE, LARGE.parts)
    invented = (found(registry, f"THEIRS{n}") for n in range(20_000))
    assert all(isinstance(match, NotInBatch) for match in invented)


def test_a_filter_of_few_bits_is_no_part() -> None:
    ten_bits = bytes.fromhex("0000000001") + bytes(-(-3 * 12 * 10 // 8))
    with pytest.raises(BatchError, match="10 bits"):
        decode_part(encode_part(msgspec.structs.replace(LARGE.parts[0], serials=ten_bits)))


def test_a_year_of_a_large_line_fits_into_one_batch() -> None:
    assert LIMITS.serial_parts * LIMITS.part_serials >= 50_000_000
    assert number_of_parts(LIMITS.batch_filter_serials) == 0
    assert number_of_parts(LIMITS.batch_filter_serials + 1) == 9
    assert number_of_parts(50_000_000) == 3_052
    with pytest.raises(BatchError, match="the limit is 67,108,864") as refused:
        number_of_parts(LIMITS.serial_parts * LIMITS.part_serials + 1)
    assert refused.value.next_step
    small = Limits(batch_filter_serials=10, part_serials=4)
    assert (number_of_parts(10, small), number_of_parts(11, small)) == (0, 3)


def test_the_largest_header_and_the_largest_part_fit_into_their_bounds() -> None:
    names = {"batch_id": "\x01" * 200, "issuer": "\x01" * 200}
    digests = bytes(32 * LIMITS.serial_parts)
    header = msgspec.structs.replace(
        BATCH, count=67_108_864, serials=None, serial_parts=digests, markets=("FR",) * 250, **names
    )
    assert decode_batch(encode_batch(header)) == header
    statement = WORLD.statement(header)
    assert read_statement(statement).batch == header
    slots = 3 * ((LIMITS.part_most_serials * 123 // 100 + 32) // 3 + 1)
    head = b"\0\x20" + LIMITS.part_most_serials.to_bytes(3, "big")
    part = msgspec.structs.replace(
        LARGE.parts[0], serials=head + bytes(4 * slots), number=4_095, of=4_096,
        revision=2**40, **names,
    )  # fmt: skip
    raw = signed_part(WORLD, part).raw
    assert read_part(raw).part == part
    assert max(len(raw), len(statement)) <= min(DEAD_LETTER_BYTES, 2**20 - 4_096)
    assert len(raw) < BATCHES.most_bytes


@given(st.integers(1, 50_000))
def test_a_share_is_one_of_the_parts(parts: int) -> None:
    assert 0 <= share_of("S", parts) < parts


def test_shares_are_even_enough_for_a_part_to_hold_its_own() -> None:
    """16,384 fall into one of 2^k parts on average; twice as many never do."""
    shares = [share_of(f"S{n}", 16) for n in range(16_000)]
    assert max(shares.count(number) for number in range(16)) < 1_200


def header_with(**changes: Any) -> bytes:
    return encode_batch(msgspec.structs.replace(LARGE.batch, **changes))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (header_with(serial_parts=b""), "no SHA-256 digests"),
        (header_with(serial_parts=bytes(33)), "no SHA-256 digests"),
        (header_with(serial_parts=bytes(32 * 4_097)), "the limit is 4,096"),
        (header_with(serials=filter_of(OURS)), "has a filter too"),
    ],
)
def test_a_header_that_names_no_parts_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(BatchError, match=reason):
        decode_batch(raw)


def part_with(**changes: Any) -> bytes:
    return encode_part(msgspec.structs.replace(LARGE.parts[0], **changes))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (part_with(v=2), "format version 2"),
        (part_with(number=3), r"part 3 of a serial list of 3"),
        (part_with(number=-1), "number"),
        (part_with(of=4_097), "of"),
        (part_with(batch_id="a\0b"), "NUL"),
        (part_with(serials=b""), "no head"),
        (part_with(serials=LARGE.parts[0].serials[:-1]), "are no filter of"),
        (part_with(serials=b"\0\x20\xff\xff\xff"), "the limit is 32,768"),
        (b" " * (LIMITS.part_bytes + 1), "the limit is"),
        (b"[" * 100_000, "not a part"),
        (b"", "not a part"),
    ],
)
def test_what_is_no_part_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(BatchError, match=reason):
        decode_part(raw)


def test_more_serials_than_chance_brings_together_make_no_part() -> None:
    with pytest.raises(BatchError, match="fall into one part"):
        part_filter([str(n) for n in range(LIMITS.part_most_serials + 1)])


NOON = WORLD.now
REVOKED = read_trust_list(WORLD.next_trust_document(revoked={0: NOON}), WORLD.roots, at=NOON)
FAR = msgspec.structs.replace(LARGE.parts[0], revision=2**40)
FOREIGN = msgspec.structs.replace(LARGE.parts[0], issuer="harbour")
REFUSED: dict[str, tuple[Callable[[], SignedPart], str]] = {
    "a stranger's key": (
        lambda: signed_part(WORLD, LARGE.parts[0], signer=WORLD.stranger),
        "not one by key",
    ),
    "another maker's product": (
        lambda: signed_part(WORLD, FOREIGN, signer=WORLD.signers[1]),
        "company prefix",
    ),
    "an unlisted slot": (
        lambda: signed_part(WORLD, LARGE.parts[0], signer=WORLD.successors[0]),
        "not on the trust list",
    ),
    "from the future": (
        lambda: signed_part(WORLD, LARGE.parts[0], at=NOON + timedelta(days=2)),
        "in the future",
    ),
    "a revision to end all": (lambda: signed_part(WORLD, FAR), "larger than any"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_part_that_its_issuer_may_not_sign_is_refused_with_a_next_step(case: str) -> None:
    make, reason = REFUSED[case]
    with pytest.raises(BatchError, match=reason) as refused:
        check_part(make(), WORLD.trust_list, at=NOON)
    assert refused.value.next_step


@pytest.mark.parametrize("back", [timedelta(0), timedelta(days=300)])
def test_a_revoked_key_signs_no_part_however_far_it_is_dated_back(back: timedelta) -> None:
    old = signed_part(WORLD, LARGE.parts[0], at=NOON - back)
    assert check_part(old, WORLD.trust_list, at=NOON) == old
    with pytest.raises(BatchError, match="revoked"):
        check_part(old, REVOKED, at=NOON)


@given(st.integers(0, 2**30))
def test_no_flipped_bit_of_a_part_is_accepted(bit: int) -> None:
    raw = bytearray(ALPINES.raw)
    bit %= 8 * len(raw)
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BatchError):
        check_part(read_part(bytes(raw)), WORLD.trust_list, at=NOON)


def test_a_part_is_no_statement_and_a_statement_no_part() -> None:
    statement = WORLD.statement(LARGE.batch)
    assert isinstance(read_batch_record(statement), BatchStatement)
    assert isinstance(read_batch_record(ALPINES.raw), SignedPart)
    with pytest.raises(BatchError, match="one form"):
        read_statement(ALPINES.raw)
    with pytest.raises(BatchError, match="one form"):
        read_part(statement)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    with pytest.raises(BatchError):
        read_part(raw)


NAMES = st.text("ab/%\0F2", min_size=1, max_size=5)


@given(st.lists(st.tuples(NAMES, NAMES, st.integers(0, 12)), min_size=2, max_size=4, unique=True))
def test_no_two_records_have_one_key(places: list[tuple[str, str, int]]) -> None:
    parts = [
        msgspec.structs.replace(LARGE.parts[0], issuer=issuer, batch_id=batch_id, number=number)
        for issuer, batch_id, number in places
    ]
    headers = [msgspec.structs.replace(BATCH, issuer=i, batch_id=b) for i, b, _ in places]
    keys_of_parts = [part_key(part) for part in parts]
    assert len(set(keys_of_parts)) == len(places)
    assert not set(keys_of_parts) & {batch_key(header) for header in headers}


def test_a_part_of_another_list_is_never_used() -> None:
    """Neither an older list of the batch, nor the right part under the wrong number, nor one
    of another batch answers for the header that stands."""
    older = large_batch(BATCH, [*OURS[:30], "WITHDRAWN"]).parts
    swapped = [
        msgspec.structs.replace(one, number=other.number)
        for one, other in combinations(LARGE.parts, 2)
    ]
    elsewhere = [msgspec.structs.replace(part, batch_id="other") for part in LARGE.parts]
    truncated = large_batch(BATCH, OURS[:10], 1).parts
    for wrong in (older, swapped, elsewhere, truncated):
        registry = registry_with(LARGE, wrong)
        for serial in [*OURS, "WITHDRAWN", "NOBODYS"]:
            assert isinstance(found(registry, serial), ListIncomplete)


def test_of_two_batches_with_one_print_the_one_that_holds_the_serial_counts() -> None:
    small = WORLD.batch(batch_id="small", count=1, serials=filter_of(["MINE"]))
    incomplete = BatchRegistry([small, LARGE.batch])
    assert found(incomplete, "MINE") == InBatch(small)
    assert found(incomplete, OURS[0]) == ListIncomplete(LARGE.batch)
    complete = registry_with(LARGE, LARGE.parts)
    both = BatchRegistry([small, LARGE.batch]).answered_by(complete._membership)
    assert found(both, OURS[0]) == InBatch(LARGE.batch)
    assert isinstance(found(both, "NOBODYS"), NotInBatch)


def test_a_registry_asks_nothing_of_parts_where_no_batch_of_the_print_has_any() -> None:
    plain = BatchRegistry([WORLD.batch(lot="L2")])
    assert not plain.has_parts
    mixed = BatchRegistry([WORLD.batch(lot="L2", batch_id="plain"), LARGE.batch])
    assert mixed.has_parts
    assert mixed.questions(BATCH.gtin, ["L2", None], "S") == []
    [question] = mixed.questions(BATCH.gtin, ["L1", "L2"], "S")
    assert question == (part_asked(LARGE.batch, "S"), "S")
    assert question.part in part_names(LARGE.batch)


@given(st.lists(st.integers(0, 59), max_size=80), st.integers(1, 4))
def test_kept_parts_never_take_more_than_their_bound(asked: list[int], parts: int) -> None:
    cache = PartCache(parts * max(len(part.serials) for part in LARGE.parts) // 2)
    registry = BatchRegistry([LARGE.batch])
    for number in asked:
        serial = OURS[number]
        questions = registry.questions(BATCH.gtin, ["L1"], serial)
        answers, missing = cache.ask(questions)
        for name in missing:
            content = LARGE.parts[name.number].serials
            answers |= cache.answer(name.digest, content, missing)
        assert list(answers.values()) == [True]
        assert cache.kept_bytes <= cache._kept.maxsize


def test_an_empty_part_denies_every_serial() -> None:
    assert not any(may_hold(part_filter([]), f"S{n}") for n in range(10_000))


def test_a_header_without_parts_is_written_as_before() -> None:
    assert b"serial_parts" not in encode_batch(BATCH)


def test_a_batch_of_old_without_any_list_still_lets_every_serial_pass() -> None:
    old: Batch = decode_batch(encode_batch(WORLD.batch(count=200_000)))
    assert BatchRegistry([old]).find(old.gtin, old.lot, old.expiry, "S") == InBatch(old)
