"""Hashes under the installation's secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier_api.network.keyed_hashes import KeyedHashes

ONE, OTHER = KeyedHashes(bytes(32)), KeyedHashes(bytes(31) + b"\1")
TEXT = st.text(max_size=8)


def _all(hashes: KeyedHashes, one: str, two: str) -> tuple[str, ...]:
    return (
        hashes.network(one.encode("utf-8", "surrogatepass")),
        hashes.selection(one, two),
        hashes.session(one, two),
        hashes.passed_network(one, two),
    )


@given(st.tuples(TEXT, TEXT), st.tuples(TEXT, TEXT))
def test_other_parts_another_domain_or_another_secret_give_another_hash(
    one: tuple[str, str], two: tuple[str, str]
) -> None:
    first = _all(ONE, *one)
    assert first == _all(ONE, *one)
    assert len({*first, *_all(OTHER, *one)}) == 8
    assert (first[1] == ONE.selection(*two)) == (one == two)
    assert all(len(text) == 16 and int(text, 16) >= 0 for text in first)


def test_parts_are_not_joined_so_that_they_could_be_cut_elsewhere() -> None:
    assert ONE.session("a", "bc") != ONE.session("ab", "c")


def test_a_secret_of_another_length_is_refused_and_none_is_shown() -> None:
    with pytest.raises(ValueError, match="31 bytes"):
        KeyedHashes(b"x" * 31)
    assert "\\x00\\x00" not in repr(ONE)
