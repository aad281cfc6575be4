"""Laws of `verify` that no list of cases can state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from authenticity.gs1.code import read_code, write_digital_link
from authenticity.limits import LIMITS
from authenticity.trust.issuers import TrustList
from authenticity.trust.signature_field import (
    Algorithm,
    SignatureField,
    encode_signature_field,
    parse_signature_field,
)
from authenticity.trust.verdict import Doubt, Doubtful, Genuine
from authenticity.trust.verify import VerifyPolicy, check_signature, check_validity, verify
from simulation.seeded_signer import SeededSigner
from simulation.two_makers import GTINS, World
from simulation.world import signed_code
from tests.unit.authenticity.trust.lists import NOON, SECOND, issuer, key, trust_list

WORLD = World()
LISTED = WORLD.trust_list
SERIALS = st.text("ABCDEFGHJKMNPQRSTUVWX23456789-_.!", min_size=1, max_size=20)
LOTS = st.none() | st.text("ABC123-", min_size=1, max_size=20)
MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(SERIALS.filter(lambda serial: serial not in {".", ".."}), LOTS, st.sampled_from([0, 1]))
def test_what_a_maker_prints_is_genuine(serial: str, lot: str | None, maker: int) -> None:
    verdict = verify(WORLD.code(serial, lot=lot, maker=maker), LISTED, NOON)
    assert isinstance(verdict, Genuine)
    assert (verdict.item, verdict.lot) == (WORLD.item(serial, maker), lot)


@given(st.text(max_size=600), MOMENTS)
def test_arbitrary_text_at_any_time_is_doubtful_and_never_raises(text: str, at: datetime) -> None:
    assert isinstance(verify(text, LISTED, at), Doubtful)


@given(st.integers(16, 527), st.sampled_from([0, 1]))
def test_no_flipped_bit_of_the_signature_field_is_genuine(bit: int, maker: int) -> None:
    """The first 16 bits, version, algorithm and slot, have cases of their own."""
    code = WORLD.code("23456789ABCDEFGH", maker=maker)
    assert not isinstance(verify(flipped(code, bit), LISTED, NOON), Genuine)


@pytest.mark.parametrize("byte", range(66))
def test_a_flipped_bit_in_every_byte_of_the_signature_field_is_doubted(byte: int) -> None:
    code = WORLD.code("23456789ABCDEFGH")
    verdict = verify(flipped(code, 8 * byte + 3), LISTED, NOON)
    assert isinstance(verdict, Doubtful)
    expected = {0: Doubt.FOREIGN_SIGNATURE, 1: Doubt.NEWER_KEY}  # version; slot
    assert verdict.doubt is expected.get(byte, Doubt.FORGED)


def flipped(code: str, bit: int) -> str:
    from authenticity.trust.keys import from_base64url, to_base64url

    value = code[-88:]
    packed = int.from_bytes(from_base64url(value), "big") ^ 1 << (527 - bit)
    return code[:-88] + to_base64url(packed.to_bytes(66, "big"))


@given(SERIALS, SERIALS, LOTS, LOTS)
def test_a_signature_speaks_for_one_set_of_ais_alone(
    serial: str, other: str, lot: str | None, other_lot: str | None
) -> None:
    assume((serial, lot) != (other, other_lot))
    assume(not {serial, other} & {".", ".."})
    theirs = read_code(WORLD.code(other, lot=other_lot)).value("8030")
    ais = [*read_code(WORLD.unsigned_code(serial, lot=lot)).ais, ("17", "281231")]
    moved = write_digital_link([*ais, ("8030", theirs or "")], "id.alpine.example")
    verdict = verify(moved, LISTED, NOON)
    assert isinstance(verdict, Doubtful)
    assert verdict.doubt is Doubt.FORGED


@given(MOMENTS, st.booleans())
def test_a_verdict_depends_on_time_in_the_cheap_half_alone(at: datetime, forged: bool) -> None:
    code = WORLD.forged_code("A1") if forged else WORLD.code("A1")
    check = check_signature(code, LISTED)
    assert check_validity(check, LISTED, at) == verify(code, LISTED, at)
    assert check == check_signature(code, LISTED)


@given(st.text("yzYZaqwAQWE-_", min_size=88, max_size=88))
def test_a_forged_signature_becomes_mangled_by_its_case_alone(value: str) -> None:
    value = "EQ" + value[2:]
    field = parse_signature_field(value)
    assume(field is not None and not value.isupper() and not value.islower())
    code = WORLD.unsigned_code("23456789ABCDEFGH") + f"?8030={value}"
    verdict = verify(code, LISTED, NOON)
    assert isinstance(verdict, Doubtful)
    is_listed = field is not None and field.key_slot == WORLD.signers[0].key_slot
    assert verdict.doubt is (Doubt.FORGED if is_listed else Doubt.NEWER_KEY)


@given(st.integers(0, 255), st.sampled_from(list(Algorithm)), st.booleans())
def test_a_slot_that_the_list_does_not_hold_is_doubted_and_never_forged(
    slot: int, algorithm: Algorithm, listed_already: bool
) -> None:
    """The maker rotated to `slot`; the verifier holds the list from before, or the new one."""
    old, new = key("maker", 0), SeededSigner(1, "next", algorithm, slot)
    listed_new = key("maker", slot, public_key=new.public_key, algorithm=algorithm)
    held = trust_list(issuer(keys=(old, listed_new) if listed_already else (old,)))
    verdict = verify(signed_code([("01", GTINS[0]), ("21", "A1")], "id.maker.example", new),
                     held, NOON)  # fmt: skip
    if listed_already:
        assert isinstance(verdict, Genuine)
        return
    assert isinstance(verdict, Doubtful)
    assert verdict.doubt is (Doubt.NEWER_KEY if slot else Doubt.FORGED)
    assert "newer trust list" in verdict.detail or not slot


def test_validity_under_another_list_is_a_broken_program() -> None:
    check = check_signature(WORLD.code(), LISTED)
    with pytest.raises(ValueError, match="under another"):
        check_validity(check, replace(LISTED, version=2), NOON)


def test_the_grace_is_a_policy() -> None:
    code, late = WORLD.code(), LISTED.expires_at + SECOND
    strict = VerifyPolicy(trust_list_grace=timedelta(0))
    assert isinstance(verify(code, LISTED, late), Genuine)
    stale = verify(code, LISTED, late, policy=strict)
    assert isinstance(stale, Doubtful)
    assert stale.doubt is Doubt.STALE_TRUST_LIST


def test_a_list_without_end_is_no_trouble_to_the_grace() -> None:
    endless = replace(LISTED, expires_at=datetime.max.replace(tzinfo=UTC))
    assert isinstance(verify(WORLD.code(), endless, NOON), Genuine)


def crowded(signer_at: int) -> tuple[TrustList, str]:
    """A list of makers with one key each, and a code by one of them on another's product."""
    makers = [
        issuer(f"m{number}", f"95{number:05}", keys=(key(f"m{number}"),))
        for number in range(LIMITS.foreign_keys_tried + 2)
    ]
    ais = [("01", "09500000000013"), ("21", "A1")]
    with_digit = [("01", _with_check_digit("0950000000001")), ais[1]]
    signer = SeededSigner(1, f"m{signer_at}", Algorithm.ED25519)
    return trust_list(*makers), signed_code(with_digit, "id.m0.example", signer)


def _with_check_digit(digits: str) -> str:
    total = sum(int(d) * (3 if place % 2 == 0 else 1) for place, d in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"


def test_the_search_for_another_signer_is_bounded() -> None:
    last_tried = LIMITS.foreign_keys_tried
    for number, doubt in ((last_tried, Doubt.NOT_ENTITLED), (last_tried + 1, Doubt.FORGED)):
        listed, code = crowded(number)
        verdict = verify(code, listed, NOON)
        assert isinstance(verdict, Doubtful)
        assert verdict.doubt is doubt


def test_of_two_keys_in_one_slot_the_one_that_signed_counts() -> None:
    old = key("old", not_after=NOON - timedelta(days=1))
    listed = trust_list(issuer("maker", GTINS[0][1:8], keys=(old, key("new"))))
    ais = [("01", GTINS[0]), ("21", "A1")]
    signed_by = {
        name: signed_code(ais, "h.example", SeededSigner(1, name)) for name in ("old", "new")
    }
    assert isinstance(verify(signed_by["new"], listed, NOON), Genuine)
    doubted = verify(signed_by["old"], listed, NOON)
    assert isinstance(doubted, Doubtful)
    assert doubted.doubt is Doubt.KEY_NOT_VALID


def test_a_signature_on_what_is_no_item_is_foreign() -> None:
    """A signature field of this format speaks for items; an SSCC (00) names a logistic unit."""
    field = encode_signature_field(SignatureField(Algorithm.ED25519, 0, bytes(range(64))))
    verdict = verify(f"(00)395212340000000014(8030){field}", LISTED, NOON)
    assert isinstance(verdict, Doubtful)
    assert verdict.doubt is Doubt.FOREIGN_SIGNATURE
    assert verdict.item is None
