"""Codes are read from photographs, and bad photographs are refused in words."""

import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from producers.scanner.photographs import (
    ImageLimits,
    PhotographError,
    codes_in_image,
    is_image,
)
from simulation.two_makers import World
from tests.unit.producers.scanner.pictures import file_of, sheet, symbol

CODE = World().code()
OTHER = World(2).code()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_a_code_is_read_from_every_usual_format(kind: str) -> None:
    data = file_of(symbol(CODE), kind)
    assert is_image(data[:16])
    assert codes_in_image(data) == [CODE]


def test_several_symbols_are_read_from_top_to_bottom() -> None:
    assert codes_in_image(file_of(sheet(symbol(OTHER), symbol(CODE)))) == [OTHER, CODE]


def test_a_photograph_taken_sideways_and_in_colour_is_read() -> None:
    tilted = symbol(CODE).convert("RGB").rotate(30, expand=True, fillcolor="white")
    assert codes_in_image(file_of(tilted, "JPEG", quality=70)) == [CODE]


def test_black_modules_on_a_transparent_ground_are_read() -> None:
    mask = symbol(CODE)
    clear = Image.new("RGBA", mask.size, (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), mask=mask.point(lambda shade: 255 - shade))
    assert codes_in_image(file_of(clear)) == [CODE]


def test_a_gs1_symbol_keeps_what_a_scanner_sends_before_it() -> None:
    gs1 = symbol("(01)09521234000013(10)L1(21)ABC", gs1=True)
    assert codes_in_image(file_of(gs1)) == ["]Q3010952123400001310L1\x1d21ABC"]


def test_an_image_without_a_symbol_has_no_codes() -> None:
    assert codes_in_image(file_of(Image.new("L", (200, 200), 255))) == []


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    """Some hundred bytes that claim to be 60,000 × 60,000 pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b""))
    with pytest.raises(PhotographError, match="pixels") as refusal:
        codes_in_image(bomb + _chunk(b"IEND", b""))
    assert "resolution" in refusal.value.next_step


def test_the_limits_are_those_given() -> None:
    data = file_of(symbol(CODE))
    with pytest.raises(PhotographError, match="pixels"):
        codes_in_image(data, ImageLimits(pixels=100))
    with pytest.raises(PhotographError, match="bytes"):
        codes_in_image(data, ImageLimits(file_bytes=100))
    with pytest.raises(PhotographError, match="symbols"):
        codes_in_image(data, ImageLimits(symbols=0))


@pytest.mark.parametrize("kept_bytes", [12, 60, 400])
def test_a_file_that_was_cut_off_is_refused(kept_bytes: int) -> None:
    with pytest.raises(PhotographError) as refusal:
        codes_in_image(file_of(symbol(CODE))[:kept_bytes])
    assert refusal.value.next_step


@given(st.binary(max_size=300), st.integers(0, 300))
def test_no_bytes_raise_anything_but_a_refusal(noise: bytes, at: int) -> None:
    data = file_of(symbol("hello", scale=1))
    for broken in (noise, data[:at] + noise + data[at + len(noise) :]):
        with suppress(PhotographError):
            codes_in_image(broken, ImageLimits(pixels=1_000_000))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
