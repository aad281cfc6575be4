"""What `touchstone scan` is given: codes, photographs, lists of codes, files of scans.

Everything is read as a stream and every bad line is named by its number; nothing here
decides whether a text is a genuine code.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from authenticity.errors import ConfigurationError, InputError, ScanError
from authenticity.limits import LIMITS
from authenticity.records.scan import Scan, decode_scan
from producers.scanner.photographs import LIMITS as IMAGE_LIMITS
from producers.scanner.photographs import codes_in_image, is_image

_FILE_ENDINGS: Final = (
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".txt", ".csv",
    ".ndjson", ".jsonl", ".json",
)  # fmt: skip
_SNIFFED_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class ReadCode:
    """A text that somebody reads as a code now. `origin` says where it stood."""

    origin: str
    text: str


@dataclass(frozen=True, slots=True)
class RecordedScan:
    """A scan that was made before, to be published as it is: `raw` is its line."""

    origin: str
    scan: Scan
    raw: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """An input that cannot be published."""

    origin: str
    error: InputError


Input = ReadCode | RecordedScan | Refused


def read_inputs(arguments: list[str]) -> Iterator[Input]:
    """Every code and scan in the arguments, in order; `-` is standard input.

    An argument is a file if one of that name exists, else a code. Raises
    `ConfigurationError` for a file that cannot be read, and for what looks like the name
    of one that does not exist.
    """
    for argument in arguments:
        if argument == "-":
            yield from _read_lines(sys.stdin.buffer, "stdin")
        elif (path := _file(argument)) is not None:
            yield from _read_file(path)
        else:
            try:
                yield ReadCode("argument", _text(argument.encode("utf-8", "surrogateescape")))
            except InputError as error:
                yield Refused("argument", error)


def _file(argument: str) -> Path | None:
    path = Path(argument)
    try:
        if path.is_file():
            return path
    except (OSError, ValueError):
        return None  # longer than a name may be, or with a NUL: a code
    if path.suffix.lower() in _FILE_ENDINGS and "://" not in argument:
        raise ConfigurationError(
            f"there is no file {argument}", next_step="check the name, or give the code itself"
        )
    return None


def _read_file(path: Path) -> Iterator[Input]:
    try:
        with path.open("rb") as file:
            if is_image(file.peek(_SNIFFED_BYTES)):
                yield from _read_image(path.name, file.read(IMAGE_LIMITS.file_bytes + 1))
            else:
                yield from _read_lines(file, path.name)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}",
            next_step="check its owner and mode, or name another file",
        ) from error


def _read_image(name: str, data: bytes) -> Iterator[Input]:
    try:
        codes = codes_in_image(data)
    except InputError as error:
        yield Refused(name, error)
        return
    if not codes:
        next_step = "hold the camera closer, with the whole code and its white margin in view"
        yield Refused(name, InputError("no code can be read in this image", next_step=next_step))
    for number, code in enumerate(codes, 1):
        yield ReadCode(f"{name} symbol {number}", code)


def _read_lines(file: BinaryIO, name: str) -> Iterator[Input]:
    """Lines of codes or scans, each by itself: a line that begins with `{` is a scan."""
    for number, line in enumerate(_lines(file), 1):
        content = line.strip(b"\r\n\t ")
        if not content:
            continue
        origin = f"{name}:{number}"
        try:
            if content.startswith(b"{"):
                yield RecordedScan(origin, decode_scan(content), content)
            else:
                yield ReadCode(origin, _text(content))
        except InputError as error:
            yield Refused(origin, error)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Lines; of one that is certainly too long, the beginning."""
    limit = 2 * LIMITS.scan_bytes
    while line := file.readline(limit):
        yield line
        while line and not line.endswith(b"\n"):
            line = file.readline(limit)


def _text(content: bytes) -> str:
    if len(content) > LIMITS.scan_bytes:
        raise ScanError(f"a line of over {LIMITS.scan_bytes:,} bytes", next_step="is it a code?")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ScanError("this is no text in UTF-8", next_step="write it as UTF-8") from None
