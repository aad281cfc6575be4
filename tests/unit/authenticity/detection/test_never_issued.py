"""A signature that verifies, and a serial that nobody issued."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from authenticity.detection.assess import assess_history
from authenticity.detection.findings import FindingKind
from authenticity.detection.item_summary import summarize_item
from authenticity.detection.policy import DEFAULT_POLICY, Severity
from authenticity.detection.standing import Standing
from authenticity.errors import BatchError
from authenticity.history.history import history_of
from authenticity.history.observation import Observation
from authenticity.limits import LIMITS
from authenticity.records.batch import Batch, BatchStatus, decode_batch, encode_batch
from authenticity.records.batch_registry import BatchRegistry, NotInBatch, batch_holding
from authenticity.records.batch_statement import check_statement, read_statement
from authenticity.records.dead_letter import DEAD_LETTER_BYTES
from authenticity.records.serial_filter import build_filter, check_filter, filter_of, may_hold
from authenticity.trust.verdict import Doubt
from events.topics import BATCHES
from simulation.two_makers import World
from tests.support.examples import examples
from tests.unit.authenticity.detection.make_observations import ITEM, NOON, doubtful, seen

from .test_assess import DAY, batch

OWN = "23456789ABCDEFG2"
OTHERS = build_filter(f"SERIAL{n}" for n in range(10))
WORLD = World()
SERIALS = st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=60, unique=True)


def kinds(*batches: Batch, of: Observation | None = None) -> set[FindingKind]:
    history = history_of([of or seen("a")])
    assessment = assess_history(ITEM, history, BatchRegistry(batches), DEFAULT_POLICY)
    return {finding.kind for finding in assessment.findings}


@given(SERIALS)
def test_a_filter_never_denies_what_it_was_built_from(serials: list[str]) -> None:
    built = build_filter(serials)
    assert built is not None
    check_filter(built, len(serials))
    assert all(may_hold(built, serial) for serial in serials)


@given(SERIALS, st.randoms(use_true_random=False))
def test_the_same_serials_give_the_same_bytes_in_any_order(serials: list[str], order: Any) -> None:
    built = build_filter(serials)
    order.shuffle(serials)
    assert build_filter(serials + serials[:1]) == built


def test_of_other_serials_none_of_many_passes() -> None:
    built = build_filter(f"OURS{n}" for n in range(500))
    assert built is not None
    assert len(built) * 8 / 500 < 42
    assert not any(may_hold(built, f"THEIRS{n}") for n in range(40_000))  # 0.00001 expected


OF_0_1_0 = bytes.fromhex(
    "000000000ad302f0cd9100000000000000000000000000000000000000000000000000b70110020000005038"
    "0000000040110078ad2b0000000000005e00"
)
"""`OTHERS` as version 0.1.0 built it, with fingerprints of 10 bits."""


def test_a_filter_of_the_first_version_is_still_read() -> None:
    check_filter(OF_0_1_0, 10)
    assert all(may_hold(OF_0_1_0, f"SERIAL{n}") for n in range(10))
    passed = sum(may_hold(OF_0_1_0, f"THEIRS{n}") for n in range(40_000))
    assert passed < 80
    with pytest.raises(BatchError, match="9 bits"):
        check_filter(OF_0_1_0[:1] + b"\x09" + OF_0_1_0[2:], 10)


@given(st.sampled_from(list(BatchStatus)), st.binary(min_size=56, max_size=56))
def test_no_key_signs_a_filter_of_the_first_version_today(
    status: BatchStatus, slots: bytes
) -> None:
    """A few thousand of them, of bytes that say nothing, hold most of what can be invented."""
    old = OF_0_1_0[:5] + slots[: len(OF_0_1_0) - 6] + b"\0"
    weak = replace(WORLD.batch(), count=10, serials=old, status=status)
    assert decode_batch(encode_batch(weak)) == weak
    with pytest.raises(BatchError, match="10 bits a serial") as refused:
        check_statement(read_statement(WORLD.statement(weak)), WORLD.trust_list, at=WORLD.now)
    assert "touchstone batches register DIR" in (refused.value.next_step or "")


@given(st.binary(min_size=4, max_size=4), st.text(min_size=1, max_size=20))
def test_of_the_values_of_a_slot_one_in_2_to_the_32_lets_a_serial_in(
    other: bytes, serial: str
) -> None:
    """So n statements take n in 2^32 of the serials that they do not list for their own."""
    built = filter_of([serial])
    [at] = [at for at in range(5, len(built), 4) if built[at : at + 4] != bytes(4)]
    changed = built[:at] + other + built[at + 4 :]
    assert may_hold(changed, serial) == (changed == built)


def test_a_batch_of_too_many_goes_without_a_filter() -> None:
    assert build_filter(str(n) for n in range(LIMITS.batch_filter_serials + 1)) is None


@settings(max_examples=examples(300))
@given(st.binary(max_size=120), st.integers(1, 40), st.text(max_size=20))
def test_hostile_bytes_are_refused_or_harmless(raw: bytes, count: int, serial: str) -> None:
    try:
        check_filter(raw, count)
    except BatchError:
        return
    may_hold(raw, serial)


@given(SERIALS, st.data())
def test_a_damaged_head_length_or_padding_is_refused(
    serials: list[str], data: st.DataObject
) -> None:
    built = build_filter(serials)
    assert built is not None
    for bad in (built[:-1], built + b"\0", built[:1], b""):
        with pytest.raises(BatchError, match="serials: "):
            check_filter(bad, len(serials))
    with pytest.raises(BatchError, match="holds"):
        check_filter(built, len(serials) + data.draw(st.integers(1, 9)))
    with pytest.raises(BatchError, match="padding"):
        check_filter(OF_0_1_0[:-1] + bytes((OF_0_1_0[-1] | 0x80,)), 10)


def test_a_header_with_a_filter_of_another_number_is_refused() -> None:
    raw = encode_batch(batch(count=11, serials=OTHERS))
    with pytest.raises(BatchError, match="holds 10 serials, the batch 11"):
        decode_batch(raw)


def test_the_largest_filter_fits_into_a_header() -> None:
    count = LIMITS.batch_filter_serials
    slots = 3 * ((count * 123 // 100 + 32) // 3 + 1)
    largest = b"\0\x20" + count.to_bytes(3, "big") + bytes(4 * slots)
    header = batch(count=count, serials=largest, markets=tuple("FR" for _ in range(250)))
    assert decode_batch(encode_batch(header)) == header
    statement = World().statement(header)
    assert read_statement(statement).batch == header
    assert len(statement) < BATCHES.most_bytes - 4_096
    assert len(statement) <= DEAD_LETTER_BYTES


def test_a_serial_in_no_batch_of_its_print_was_never_issued() -> None:
    assert kinds(batch(serials=OTHERS)) == {FindingKind.NEVER_ISSUED}


def test_it_is_critical_and_the_pack_is_suspect_and_the_batch_is_named() -> None:
    history = history_of([seen("a")])
    known = summarize_item(ITEM, history, BatchRegistry([batch(serials=OTHERS)]), DEFAULT_POLICY)
    [finding] = known.findings
    assert finding.severity is Severity.CRITICAL
    assert finding.reasons[0].facts == {"batch": "b1"}
    assert known.standing is Standing.SUSPECT


def test_a_late_manifest_is_no_crime() -> None:
    assert kinds() == set()
    assert kinds(batch(serials=OTHERS, lot="L2")) == set()


def test_a_batch_without_a_filter_accuses_nobody() -> None:
    assert kinds(batch(serials=None)) == set()


def test_another_batch_of_the_same_print_that_holds_it_clears_it() -> None:
    own = batch(batch_id="b2", count=1, serials=build_filter([OWN]))
    assert kinds(batch(serials=OTHERS), own) == set()
    assert kinds(batch(serials=OTHERS), batch(batch_id="b2", serials=None)) == set()


def test_of_two_runs_of_a_lot_the_pack_belongs_to_the_one_that_holds_it() -> None:
    own = batch(batch_id="b2", count=1, serials=build_filter([OWN]), expiry="281231")
    assert kinds(batch(serials=OTHERS), own) == {FindingKind.WRONG_EXPIRY}


def test_a_code_that_never_verified_accuses_no_batch() -> None:
    forged = seen("a", doubtful(Doubt.FORGED, lot="L1"))
    assert kinds(batch(serials=OTHERS), of=forged) == {FindingKind.FORGED}


def test_a_thief_who_signs_new_serials_into_an_old_lot_is_not_excused_by_it() -> None:
    revoked = doubtful(Doubt.KEY_REVOKED, lot="L1", revoked_at=NOON - DAY)
    assert kinds(batch(serials=None), of=seen("a", revoked)) == set()
    assert kinds(batch(serials=OTHERS), of=seen("a", revoked)) == {
        FindingKind.NEVER_ISSUED,
        FindingKind.KEY_REVOKED,
    }


def test_such_a_pack_is_of_no_batch_though_it_carries_the_print_of_one() -> None:
    known = batch(serials=OTHERS)
    found = BatchRegistry([known]).find(known.gtin, known.lot, known.expiry, OWN)
    assert found == NotInBatch(known)
    assert batch_holding(found) is None
    summary = summarize_item(ITEM, history_of([seen("a")]), BatchRegistry([known]), DEFAULT_POLICY)
    assert summary.batch_match == found
