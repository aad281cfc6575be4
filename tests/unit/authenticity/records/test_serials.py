"""Serials minted here: unbiased, and every slip of a finger is caught."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.records.serial import (
    ALPHABET,
    RANDOM_BYTES,
    check_character,
    is_minted_serial,
    mint_serial,
)

bodies = st.text(ALPHABET, min_size=15, max_size=15)
serials = bodies.map(lambda body: body + check_character(body))


def test_alphabet_is_prime_and_has_nothing_to_mistake() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 29
    assert not set(ALPHABET) & set("01OILYZ")
    assert ALPHABET.upper() == ALPHABET


@given(st.lists(st.integers(0, 231), min_size=15, max_size=15))
def test_minted_serial_has_sixteen_characters_that_check(fair: list[int]) -> None:
    serial = mint_serial(bytes(fair))
    assert len(serial) == 16
    assert is_minted_serial(serial)
    assert serial[:15] == "".join(ALPHABET[byte % 29] for byte in fair)


@given(st.lists(st.integers(0, 231), min_size=15, max_size=15), st.data())
def test_bytes_that_would_favour_some_characters_are_passed_over(
    fair: list[int], data: st.DataObject
) -> None:
    mixed = list(fair)
    for unfair in data.draw(st.lists(st.integers(232, 255), max_size=20)):
        mixed.insert(data.draw(st.integers(0, len(mixed))), unfair)
    assert mint_serial(bytes(mixed)) == mint_serial(bytes(fair))


def test_each_character_stands_for_equally_many_byte_values() -> None:
    firsts: Counter[str] = Counter()
    for byte in range(256):
        firsts[mint_serial(bytes([byte]) + bytes(14) + b"\1")[0]] += byte < 232
    assert set(firsts.values()) == {8}


@pytest.mark.parametrize("random_bytes", [b"", bytes(14), bytes([255]) * 48])
def test_too_few_usable_bytes_are_an_error_not_a_weaker_serial(random_bytes: bytes) -> None:
    with pytest.raises(ValueError, match=str(RANDOM_BYTES)):
        mint_serial(random_bytes)


@given(serials, st.integers(0, 15), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_caught(serial: str, place: int, wrong: str) -> None:
    changed = serial[:place] + wrong + serial[place + 1 :]
    assert is_minted_serial(changed) is (changed == serial)


@given(serials, st.integers(0, 14))
def test_every_swap_of_neighbours_is_caught(serial: str, place: int) -> None:
    left, right = serial[place], serial[place + 1]
    swapped = serial[:place] + right + left + serial[place + 2 :]
    assert is_minted_serial(swapped) is (swapped == serial)


@given(serials)
def test_serial_in_lower_case_or_of_other_length_is_not_minted_here(serial: str) -> None:
    assert not is_minted_serial(serial[:15])
    assert not is_minted_serial(serial + serial[-1])
    assert not is_minted_serial(serial.lower()) or serial.isdigit()


@given(st.text(max_size=20))
def test_any_text_may_be_asked(text: str) -> None:
    assert is_minted_serial(text) in (True, False)


@pytest.mark.parametrize("body", ["", "A" * 14, "A" * 16, "A" * 14 + "0", "a" * 15])
def test_check_character_of_anything_else_is_an_error(body: str) -> None:
    with pytest.raises(ValueError, match="serial"):
        check_character(body)
