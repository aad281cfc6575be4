"""A damaged code is told from a forged one, and never the other way round.

What a keyboard types is written out here by hand for one real code (seed 1 below),
from the key caps, so that the tables under test are not their own witness.
"""

import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from authenticity.errors import CodeError
from authenticity.gs1.code import read_code
from authenticity.gs1.scanner_errors import Mangling, looks_mangled, unmangled_candidates
from authenticity.trust.signature_field import (
    Algorithm,
    SignatureField,
    encode_signature_field,
    parse_signature_field,
    signed_bytes,
)

G = "09520123456788"
SERIAL = "7KX2M9QRTB4HJ8VW"
KEY = SigningKey(b"\x01" * 32)


def _signed(ais: list[tuple[str, str]], key: SigningKey = KEY) -> list[tuple[str, str]]:
    header = bytes([0x11, 7])
    signature = key.sign(signed_bytes(header, ais)).signature
    return [*ais, ("8030", encode_signature_field(SignatureField(Algorithm.ED25519, 7, signature)))]


def _link(lot: str = "LOT-7_A", key: SigningKey = KEY) -> str:
    *_, (_, field) = _signed([("01", G), ("10", lot), ("21", SERIAL), ("17", "271231")], key)
    return f"https://id.maker.example/01/{G}/10/{lot}/21/{SERIAL}?17=271231&8030={field}"


def _element_string(lot: str = "L7") -> str:
    *_, (_, field) = _signed([("01", G), ("17", "271231"), ("10", lot), ("21", SERIAL)])
    return f"]d201{G}17271231" + f"10{lot}\x1d21{SERIAL}\x1d8030{field}"


def _verifies(text: str) -> bool:
    code = read_code(text)
    field = parse_signature_field(code.value("8030") or "")
    if field is None:
        return False
    message = signed_bytes(bytes([0x11, field.key_slot]), code.ais)
    try:
        KEY.verify_key.verify(message, field.signature)
    except Exception:  # any way of not verifying
        return False
    return True


def _ais(text: str) -> dict[str, str]:
    try:
        return dict(read_code(text).ais)
    except CodeError:
        return {}


def _damage(text: str) -> Mangling | None:
    try:
        code = read_code(text)
    except CodeError:
        return looks_mangled(text, None)
    return looks_mangled(text, code)


LINK = _link()
ELEMENTS = _element_string()
genuine = st.builds(_link, st.text("ABCQWYZaqwyzm0123456789-_", min_size=1, max_size=20))

# What the host shows for a key, left, and what the scanner meant by it, right.
GERMAN_HOST = {"y": "z", "z": "y", "Y": "Z", "Z": "Y", "/": "-", "-": "ß", "_": "?"} | {
    **{":": "Ö", "?": "_", "=": "´", "&": "/"}
}
FRENCH_HOST = dict(zip("aqzwAQZWmM", "qawzQAWZ,?", strict=True)) | {
    **dict(zip("1234567890", "&é\"'(-è_çà", strict=True)),
    **{"/": "!", ":": "M", ".": ":", "?": "§", "&": "7", "-": ")", "_": "°", "=": "="},
}
SPANISH_HOST = {"/": "-", "-": "'", "_": "?", ":": "Ñ", "?": "_", "=": "¡", "&": "/"}
ITALIAN_HOST = {"/": "-", "-": "'", "_": "?", ":": "ç", "?": "_", "=": "ì", "&": "/"}
SWEDISH_HOST = {"/": "-", "-": "+", "_": "?", ":": "Ö", "?": "_", "=": "´", "&": "/"}
GERMAN_SCANNER_ON_US_HOST = {"y": "z", "z": "y", "Y": "Z", "Z": "Y"} | {
    **{":": ">", "/": "&", "?": "_", "=": ")", "&": "^", "-": "/", "_": "?", ".": "."}
}
CAPS_LOCK = {letter: letter.swapcase() for letter in string.ascii_letters}
ONLY_Y_AND_Z = dict(zip("yzYZ", "zyZY", strict=True))
ONLY_A_Q_Z_W = dict(zip("aqzwAQZW", "qawzQAWZ", strict=True))
KEYBOARDS = {
    "german host": GERMAN_HOST,
    "french host": FRENCH_HOST,
    "spanish host": SPANISH_HOST,
    "italian host": ITALIAN_HOST,
    "swedish host": SWEDISH_HOST,
    "german scanner": GERMAN_SCANNER_ON_US_HOST,
    "caps lock": CAPS_LOCK,
    "only y and z": ONLY_Y_AND_Z,
    "only a, q, z, w": ONLY_A_Q_Z_W,
}


def _typed(text: str, keyboard: dict[str, str]) -> str:
    return "".join(keyboard.get(character, character) for character in text)


@pytest.mark.parametrize("keyboard", KEYBOARDS.values(), ids=list(KEYBOARDS))
@given(link=genuine)
def test_one_candidate_is_the_code_before_the_keyboard(keyboard: dict[str, str], link: str) -> None:
    typed = _typed(link, keyboard)
    candidates = list(unmangled_candidates(typed))
    assert link in candidates or _ais(typed) == _ais(link)
    assert len(candidates) <= 8


def test_dead_acute_of_a_german_keyboard_is_taken_off_its_letter() -> None:
    typed = _typed(LINK, GERMAN_HOST).replace("´E", "É")
    assert "É" in typed
    assert LINK in list(unmangled_candidates(typed))


@pytest.mark.parametrize("name", ["german host", "french host", "spanish host", "swedish host"])
def test_unreadable_text_that_a_layout_explains_is_mangled(name: str) -> None:
    assert _damage(_typed(LINK, KEYBOARDS[name])) is Mangling.KEYBOARD_LAYOUT


@pytest.mark.parametrize("fold", [str.upper, str.lower])
@given(link=genuine)
def test_signature_in_a_single_case_is_mangled(fold: Callable[[str], str], link: str) -> None:
    signature = link[-88:]
    assert _damage(link[:-88] + fold(signature)) is Mangling.SINGLE_CASE


def test_whole_text_in_capitals_is_mangled() -> None:
    assert _damage(LINK.upper()) is Mangling.SINGLE_CASE
    assert _damage(ELEMENTS[:3] + ELEMENTS[3:].upper()) is Mangling.SINGLE_CASE


@given(genuine)
def test_genuine_code_shows_no_damage(link: str) -> None:
    assert _damage(link) is None


@given(st.binary(min_size=32, max_size=32), st.integers(0, 1000))
def test_code_signed_by_a_stranger_is_not_explained_away(seed: bytes, number: int) -> None:
    forged = _link(lot=f"L{number}", key=SigningKey(seed))
    assert seed == b"\x01" * 32 or not _verifies(forged)
    assert _damage(forged) is None
    assert seed == b"\x01" * 32 or not any(map(_verifies, unmangled_candidates(forged)))


def test_forged_code_without_the_letters_that_keyboards_swap_is_not_mangled() -> None:
    forged = LINK[:-86] + "BcD3" * 21 + "Bc"
    assert _damage(forged) is None
    assert not any(map(_verifies, unmangled_candidates(forged)))


def test_signature_of_another_kind_in_capitals_is_no_damaged_signature_of_ours() -> None:
    assert _damage(f"(01){G}(21)A(8030)DIGSIG") is None
    assert _damage(f"(01){G}(21)A(8030)" + "1" * 88) is None


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 30, 86, 87])
def test_text_that_ends_inside_its_signature_is_truncated(kept: int) -> None:
    assert _damage(LINK[: len(LINK) - 88 + kept]) is Mangling.TRUNCATED
    assert _damage(ELEMENTS[: len(ELEMENTS) - 88 + kept]) is Mangling.TRUNCATED


@pytest.mark.parametrize("lost", range(89, 94))
def test_text_that_ends_inside_the_name_of_its_signature_is_truncated(lost: int) -> None:
    assert _damage(LINK[: len(LINK) - lost]) in (Mangling.TRUNCATED, None)
    assert (_damage(LINK[: len(LINK) - lost]) is None) is (lost == 93)


def test_short_signature_that_does_not_begin_like_ours_is_not_a_truncated_one() -> None:
    assert _damage(f"(01){G}(21)A(8030)MEUCIQDx") is None


def test_code_without_signature_is_not_mangled() -> None:
    assert _damage(f"https://id.maker.example/01/{G}/21/{SERIAL}") is None


@pytest.mark.parametrize("stand_in", ["", "<GS>", "{GS}", "␝", "|", "^]", "\\x1d"])
def test_separators_that_were_lost_or_replaced_are_restored(stand_in: str) -> None:
    damaged = ELEMENTS.replace("\x1d", stand_in)
    assert _damage(damaged) is Mangling.LOST_SEPARATORS
    assert ELEMENTS in list(unmangled_candidates(damaged))


def test_lost_separator_that_leaves_another_readable_code_is_found_by_its_signature() -> None:
    *_, (_, field) = _signed([("01", G), ("21", "AB2"), ("10", "L7")])
    whole = f"\x1d01{G}21AB2\x1d10L7\x1d8030{field}"
    damaged = f"\x1d01{G}21AB210L7\x1d8030{field}"
    assert read_code(damaged).value("21") == "AB210L7"
    assert not _verifies(damaged)
    assert whole in list(unmangled_candidates(damaged))
    assert _verifies(whole)


def test_candidates_are_readable_signed_and_say_different_things() -> None:
    for text in (LINK, ELEMENTS, LINK.swapcase(), ELEMENTS.replace("\x1d", "")):
        said = [_ais(text), *map(_ais, unmangled_candidates(text))]
        assert all(said.count(each) == 1 for each in said)
        assert all(len(each["8030"]) == 88 for each in said[1:])


@pytest.mark.parametrize("text", ["", "hello", "https://example.com/", "12345", "]d2", "(", "É"])
def test_text_that_never_was_a_code_is_not_called_mangled(text: str) -> None:
    assert _damage(text) is None
