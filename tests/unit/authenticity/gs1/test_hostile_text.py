"""Whatever the text: an answer or a `CodeError`, with a place inside the text, by bounded work."""

import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.errors import CodeError, CodeFault
from authenticity.gs1 import code as code_module
from authenticity.gs1.code import Code, read_code
from authenticity.gs1.scanner_errors import looks_mangled, unmangled_candidates
from authenticity.limits import LIMITS
from tests.unit.authenticity.gs1.spellings import damaged, outcome, spelled_codes

CALLS_PER_CHARACTER = 64

any_character = st.characters(exclude_categories=())
hostile = st.one_of(
    st.text(any_character, max_size=600),
    damaged(spelled_codes),
    st.builds(
        "{}{}".format, st.sampled_from(("https://", "(", "\x1d01", "]d2")), st.text(any_character)
    ),
)


@given(hostile)
def test_any_text_is_read_or_refused_in_words_with_a_place_in_it(text: str) -> None:
    answer = outcome(text)
    if isinstance(answer, Code):
        assert answer.ais
        assert len(dict(answer.ais)) == len(answer.ais)
    else:
        assert 0 <= answer[1] <= len(text)
        with pytest.raises(CodeError) as refusal:
            read_code(text)
        assert str(refusal.value).isprintable()
        assert str(refusal.value).encode()


@given(hostile)
def test_any_text_can_be_asked_for_mangling(text: str) -> None:
    answer = outcome(text)
    looks_mangled(text, answer if isinstance(answer, Code) else None)
    assert len(list(unmangled_candidates(text))) <= 8


@pytest.mark.parametrize(
    "text",
    [
        *("1" * 10_000_000, "https://a/" + "/01/" * 1_000_000, "(" * 1_000_000, "\x1d" * 1_000_000),
    ],
)
def test_huge_text_is_refused_unread(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for reader in ("_read_common", "_read_any"):
        monkeypatch.setattr(code_module, reader, None)  # to call it would be a TypeError
    with pytest.raises(CodeError) as refusal:
        read_code(text)
    assert refusal.value.fault is CodeFault.TOO_LONG
    assert looks_mangled(text, None) is None
    assert list(unmangled_candidates(text)) == []


G = "09520123456788"


@pytest.mark.parametrize(
    "text",
    [
        "https://" + "a." * 252,
        "https://" + "a-" * 251 + "_",
        f"https://a/01/{G}/21/" + "%41" * 160,
        f"https://a/{'01/x/' * 98}",
        f"https://a/01/{G}?" + "&" * 480,
        f"https://a/01/{G}?" + ";" * 480,
        f"https://a/01/{G}?x=" + "; " * 3 + ";1" * 230,
        f"https://a/01/{G}?" + "%20" * 150 + "=",
        "(01)" + r"\(" * 250,
        "(" * 512,
        f"\x1d01{G}" + "\x1d10" * 160,
        f"01{G}" + "10" * 200 + "8030" + "A" * 88,
        "0" * 512,
    ],
)
def test_no_text_within_the_limits_takes_more_than_a_few_calls_a_character(text: str) -> None:
    assert len(text) <= LIMITS.code_characters == 512
    calls = calls_made(lambda: (outcome(text), looks_mangled(text, None)))
    assert calls <= CALLS_PER_CHARACTER * LIMITS.code_characters


def calls_made(work: Callable[[], object]) -> int:
    """Calls of Python and C functions during `work`."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls
