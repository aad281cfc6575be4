"""Serials in bulk, and serials from a file."""

from collections import Counter
from hashlib import shake_256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.errors import ConfigurationError
from authenticity.records.serial import ALPHABET, is_minted_serial, mint_serial
from producers.issuing.serial_source import mint_serials, read_serials


class Stream:
    """Random bytes from a seed, handed out in order; a stand-in for the system's."""

    def __init__(self, seed: bytes, salt: int = 0) -> None:
        self.rest = shake_256(seed + bytes([salt])).digest(100_000)

    def __call__(self, count: int) -> bytes:
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken


def serials_of(path: Path, content: bytes) -> list[str]:
    path.write_bytes(content)
    return read_serials(path)[0]


@given(st.integers(1, 300), st.binary(min_size=1, max_size=8))
def test_serials_minted_in_bulk_are_minted_serials(count: int, seed: bytes) -> None:
    serials = mint_serials(count, Stream(seed))
    assert len(serials) == count
    assert all(is_minted_serial(serial.decode()) for serial in serials)


@given(st.binary(min_size=1, max_size=8))
def test_bulk_minting_equals_minting_one_by_one_from_the_same_bytes(seed: bytes) -> None:
    first = shake_256(seed).digest(40)
    rest = Stream(seed)
    [serial] = mint_serials(1, lambda count: first[:count] if count <= 40 else rest(count))
    assert serial.decode() == mint_serial(first)


def test_no_character_is_favoured() -> None:
    serials = mint_serials(20_000, _seeded)
    counts = Counter(b"".join(serial[:15] for serial in serials))
    expected = 20_000 * 15 / len(ALPHABET)
    chi_squared = sum((counts[ord(each)] - expected) ** 2 / expected for each in ALPHABET)
    assert chi_squared < 66  # 28 degrees of freedom: exceeded by chance once in 20,000 seeds


def _seeded(count: int) -> bytes:
    return shake_256(b"fair" + count.to_bytes(8, "big")).digest(count)


def test_the_systems_randomness_repeats_no_serial_in_50_000() -> None:
    assert len(set(mint_serials(50_000))) == 50_000


def test_a_file_is_read_by_its_serial_column(tmp_path: Path) -> None:
    assert serials_of(tmp_path / "s.csv", b"sku,serial\nA,one\nA,two\n") == ["one", "two"]


def test_a_file_without_header_is_read_by_its_first_column(tmp_path: Path) -> None:
    assert serials_of(tmp_path / "s.csv", b"one\r\ntwo,x\r\n\r\n") == ["one", "two"]


def test_every_character_of_set_82_is_taken(tmp_path: Path) -> None:
    serials = ["!\"%&'()*+,-./:;<=>?_", "ABCDEFGHIJKLMNOPQRST", "UVWXYZabcdefghijklmn"]
    lines = "".join('"' + serial.replace('"', '""') + '"\n' for serial in serials)
    assert serials_of(tmp_path / "s.csv", lines.encode()) == serials


def test_duplicates_are_refused_with_both_line_numbers(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="line 4 repeats line 2"):
        serials_of(tmp_path / "s.csv", b"serial\none\ntwo\none\n")


@pytest.mark.parametrize("bad", ["a b", "x" * 21, "é", "a#b", ".", "..", "a@b"])
def test_a_serial_that_no_code_can_carry_is_refused_with_its_line(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ConfigurationError, match="line 3"):
        serials_of(tmp_path / "s.csv", f"serial\none\n{bad}\n".encode())


@pytest.mark.parametrize("content", [b"", b"serial\n", b"\xff\xfe", b'"open'])
def test_a_file_without_serials_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigurationError):
        serials_of(tmp_path / "s.csv", content)


def test_a_missing_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_serials(tmp_path / "none.csv")
