"""What `touchstone scan` makes of its arguments."""

from pathlib import Path

import pytest
from PIL import Image

from authenticity.errors import ConfigurationError
from authenticity.limits import LIMITS
from authenticity.records.scan import encode_scan
from producers.scanner.scan_input import ReadCode, RecordedScan, Refused, read_inputs
from simulation.two_makers import World
from tests.unit.producers.scanner.pictures import file_of, sheet, symbol

WORLD = World()
CODE = WORLD.code()


def test_a_code_is_taken_as_it_is() -> None:
    assert list(read_inputs([CODE])) == [ReadCode("argument", CODE)]


def test_each_symbol_of_an_image_is_a_code(tmp_path: Path) -> None:
    image = tmp_path / "shelf.jpg"
    other = WORLD.code()
    image.write_bytes(file_of(sheet(symbol(CODE), symbol(other)), "JPEG"))
    assert list(read_inputs([str(image)])) == [
        ReadCode("shelf.jpg symbol 1", CODE),
        ReadCode("shelf.jpg symbol 2", other),
    ]


def test_an_image_is_known_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    image = tmp_path / "codes.txt"
    image.write_bytes(file_of(symbol(CODE)))
    assert [each.text for each in read_inputs([str(image)]) if isinstance(each, ReadCode)] == [CODE]


def test_an_image_without_a_code_is_refused_with_advice(tmp_path: Path) -> None:
    image = tmp_path / "wall.png"
    image.write_bytes(file_of(Image.new("L", (50, 50), 255)))
    (refused,) = read_inputs([str(image)])
    assert isinstance(refused, Refused)
    assert "closer" in refused.error.next_step


def test_a_text_file_has_one_code_a_line_and_blank_lines_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "codes.txt"
    file.write_text(f"{CODE}\r\n\n  {CODE}  \nnot a code")
    assert list(read_inputs([str(file)])) == [
        ReadCode("codes.txt:1", CODE),
        ReadCode("codes.txt:3", CODE),
        ReadCode("codes.txt:4", "not a code"),
    ]


def test_recorded_scans_keep_their_bytes(tmp_path: Path) -> None:
    scan = WORLD.scan(CODE)
    file = tmp_path / "scans.ndjson"
    raw = encode_scan(scan).replace(b'{"v":1,', b'{"later_field":7,"v":1,')
    file.write_bytes(raw + b"\n")
    (read,) = read_inputs([str(file)])
    assert read == RecordedScan("scans.ndjson:1", scan, raw)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (b'{"v":1}', "not a scan"),
        (b'{"v":9}', "version"),
        (b"\xff\xfe", "UTF-8"),
        (b"x" * (3 * LIMITS.scan_bytes), "bytes"),
    ],
)
def test_a_bad_line_is_named_and_the_next_one_is_read(
    tmp_path: Path, line: bytes, word: str
) -> None:
    file = tmp_path / "mixed"
    file.write_bytes(line + b"\n" + CODE.encode() + b"\n")
    refused, good = read_inputs([str(file)])
    assert isinstance(refused, Refused)
    assert refused.origin == "mixed:1"
    assert word in str(refused.error)
    assert good == ReadCode("mixed:2", CODE)


@pytest.mark.parametrize("name", ["shelf.png", "codes.txt", "sub/scans.ndjson"])
def test_a_file_name_that_does_not_exist_is_no_code(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no file"):
        list(read_inputs([name]))


@pytest.mark.parametrize("text", ["x" * 5_000, "a\0b", "https://x.example/shelf.png"])
def test_a_strange_text_is_still_a_code(text: str) -> None:
    assert list(read_inputs([text])) == [ReadCode("argument", text)]
