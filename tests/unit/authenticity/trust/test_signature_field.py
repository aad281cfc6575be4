"""The 66 bytes of AI (8030)."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.trust.signature_field import (
    SIGNATURE_FIELD_CHARACTERS,
    SIGNING_DOMAIN,
    Algorithm,
    SignatureField,
    encode_signature_field,
    parse_signature_field,
    signature_field_header,
    signed_bytes,
)

FIELDS = st.builds(
    SignatureField,
    st.sampled_from(Algorithm),
    st.integers(0, 255),
    st.binary(min_size=64, max_size=64),
)
ALPHABET = string.ascii_letters + string.digits + "-_"
VALUES = st.text(ALPHABET, min_size=1, max_size=20)
AIS = st.dictionaries(st.sampled_from(["01", "10", "11", "17", "21", "22"]), VALUES, min_size=1)
HEADER = signature_field_header(Algorithm.ED25519, 0)


@given(FIELDS)
def test_a_signature_field_is_read_as_it_was_written(field: SignatureField) -> None:
    written = encode_signature_field(field)
    assert len(written) == SIGNATURE_FIELD_CHARACTERS
    assert parse_signature_field(written) == field


@given(st.text(ALPHABET, min_size=SIGNATURE_FIELD_CHARACTERS, max_size=SIGNATURE_FIELD_CHARACTERS))
def test_a_signature_field_has_one_spelling(text: str) -> None:
    field = parse_signature_field(text)
    assert field is None or encode_signature_field(field) == text


@given(
    FIELDS,
    st.integers(0, SIGNATURE_FIELD_CHARACTERS - 1),
    st.sampled_from(["+", "/", "=", " ", "é", "\ud800", "\0"]),
)
def test_a_character_outside_the_alphabet_is_no_signature_field(
    field: SignatureField, place: int, character: str
) -> None:
    written = encode_signature_field(field)
    assert parse_signature_field(written[:place] + character + written[place + 1 :]) is None


@given(FIELDS, st.integers(0, 120).filter(lambda length: length != SIGNATURE_FIELD_CHARACTERS))
def test_another_length_is_no_signature_field(field: SignatureField, length: int) -> None:
    assert parse_signature_field((encode_signature_field(field) * 2)[:length]) is None


@pytest.mark.parametrize("first_byte", [0x00, 0x01, 0x10, 0x13, 0x1F, 0x21, 0x22, 0xFF])
def test_another_version_or_algorithm_is_no_signature_field(first_byte: int) -> None:
    from authenticity.trust.keys import to_base64url

    assert parse_signature_field(to_base64url(bytes([first_byte]) + bytes(65))) is None


@pytest.mark.parametrize("slot", [-1, 256])
def test_a_slot_that_fits_no_byte_is_refused(slot: int) -> None:
    with pytest.raises(ValueError, match="slot"):
        encode_signature_field(SignatureField(Algorithm.ED25519, slot, bytes(64)))


def test_a_signature_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="64"):
        encode_signature_field(SignatureField(Algorithm.ED25519, 0, bytes(63)))


def test_the_signed_bytes_are_as_the_format_says() -> None:
    ais = [("01", "09521234000013"), ("21", "A"), ("10", "L7"), ("8030", "not signed")]
    expected = b"touchstone/code/1\0\x12\xff\x0201\x0e09521234000013\x0210\x02L7\x0221\x01A"
    assert signed_bytes(signature_field_header(Algorithm.ECDSA_P256, 255), ais) == expected


@given(AIS.flatmap(lambda ais: st.tuples(st.just(ais), st.permutations(list(ais.items())))))
def test_the_order_of_the_ais_is_not_signed(
    both: tuple[dict[str, str], list[tuple[str, str]]],
) -> None:
    ais, shuffled = both
    assert signed_bytes(HEADER, shuffled) == signed_bytes(HEADER, ais.items())


@given(AIS, AIS)
def test_other_ais_sign_other_bytes(one: dict[str, str], other: dict[str, str]) -> None:
    same = signed_bytes(HEADER, one.items()) == signed_bytes(HEADER, other.items())
    assert same == (one == other)


def test_values_are_signed_in_utf_8() -> None:
    assert signed_bytes(HEADER, [("10", "é")]) == SIGNING_DOMAIN + HEADER + b"\x0210\x02\xc3\xa9"


def test_a_value_that_no_length_byte_can_count_is_refused() -> None:
    assert signed_bytes(HEADER, [("10", "x" * 255)])
    with pytest.raises(ValueError, match="255"):
        signed_bytes(HEADER, [("10", "x" * 256)])
