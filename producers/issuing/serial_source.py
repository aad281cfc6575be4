"""Where an issuing run's serials come from: minted by the thousand, or a file of existing ones."""

import csv
import re
import secrets
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from authenticity.errors import ConfigurationError
from authenticity.records.serial import ALPHABET, BODY_CHARACTERS, SERIAL_CHARACTERS

_SIZE: Final = len(ALPHABET)
_FAIR: Final = 256 - 256 % _SIZE
_UNFAIR: Final = bytes(range(_FAIR, 256))
_TO_VALUE: Final = bytes(byte % _SIZE for byte in range(256))
_TO_CHARACTER: Final = bytes(ord(ALPHABET[byte % _SIZE]) for byte in range(256))
_TIMES: Final = tuple(
    bytes(byte * place % _SIZE for byte in range(256)) for place in range(1, SERIAL_CHARACTERS)
)
_TO_CHECK: Final = bytes(byte * pow(-SERIAL_CHARACTERS, -1, _SIZE) % _SIZE for byte in range(256))

_EXISTING: Final = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}", re.ASCII)
"""CSET 82, 1 to 20 characters (GS1 General Specifications, section 7.11)."""
_LINES_SHOWN: Final = 5
LARGEST_FILE_BYTES: Final = 1 << 30


def mint_serials(
    count: int, random_bytes: Callable[[int], bytes] = secrets.token_bytes
) -> list[bytes]:
    """`count` serials like those of `authenticity.records.serial.mint_serial`, 20 times faster.

    Works on columns: all first characters at once, then all second ones. A byte holds
    the sum of eight values below 29, so columns are added as big numbers without
    carries. Uniqueness is not checked here.
    """
    values = _fair_values(count * BODY_CHARACTERS, random_bytes)
    weighted = [values[place::BODY_CHARACTERS].translate(_TIMES[place]) for place in range(15)]
    total = _sum([_sum(weighted[:8], count), _sum(weighted[8:], count)], count)
    serials = bytearray(count * SERIAL_CHARACTERS)
    for place in range(BODY_CHARACTERS):
        serials[place::SERIAL_CHARACTERS] = values[place::BODY_CHARACTERS]
    serials[BODY_CHARACTERS::SERIAL_CHARACTERS] = total.translate(_TO_CHECK)
    text = bytes(serials.translate(_TO_CHARACTER))
    return [text[at : at + SERIAL_CHARACTERS] for at in range(0, len(text), SERIAL_CHARACTERS)]


def read_serials(path: Path) -> tuple[list[str], str]:
    """The serials of a CSV file in order, and the SHA-256 (hex) of the file.

    The column is the one headed `serial`, else the first. Raises `ConfigurationError`
    naming the lines: a duplicate, or one that is not 1–20 characters of CSET 82.
    """
    try:
        content = _bounded(path)
        rows = list(csv.reader(content.decode("utf-8-sig").splitlines(), strict=True))
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error.strerror}", next_step="check the name and its mode"
        ) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(
            f"{path} is not CSV in UTF-8: {error}", next_step="export it as CSV, UTF-8"
        ) from None
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    column = header.index("serial") if "serial" in header else 0
    first_line = 1 + ("serial" in header)
    lines = {
        number: row[column].strip() if column < len(row) else ""
        for number, row in enumerate(rows[first_line - 1 :], first_line)
        if any(cell.strip() for cell in row)
    }
    _refuse_bad(path, lines)
    _refuse_duplicates(path, lines)
    return list(lines.values()), sha256(content).hexdigest()


def _fair_values(count: int, random_bytes: Callable[[int], bytes]) -> bytes:
    """Uniform values below 29: bytes of 232 and more would favour the first ones."""
    values = b""
    while len(values) < count:
        missing = count - len(values)
        raw = random_bytes(missing + missing // 8 + 16)
        values += raw.translate(_TO_VALUE, _UNFAIR)
    return values[:count]


def _sum(columns: list[bytes], count: int) -> bytes:
    total = sum(int.from_bytes(column, "little") for column in columns)
    return total.to_bytes(count, "little").translate(_TO_VALUE)


def _bounded(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise ConfigurationError(
            f"{path} has over {LARGEST_FILE_BYTES:,} bytes", next_step="split it into several runs"
        )
    return path.read_bytes()


def _refuse_bad(path: Path, lines: dict[int, str]) -> None:
    bad = [
        number
        for number, serial in lines.items()
        if not _EXISTING.fullmatch(serial) or serial in (".", "..")
    ]
    if bad:
        raise ConfigurationError(
            f"{path}: no serial of 1–20 characters of GS1's set 82 in {_named(bad)}",
            next_step="correct these lines (a serial may not be `.` or `..`: URLs lose them)",
        )
    if not lines:
        raise ConfigurationError(f"{path} holds no serials", next_step="one serial a line")


def _refuse_duplicates(path: Path, lines: dict[int, str]) -> None:
    first: dict[str, int] = {}
    again = [
        (number, first[serial])
        for number, serial in lines.items()
        if first.setdefault(serial, number) != number
    ]
    if again:
        shown = "; ".join(
            f"line {number} repeats line {earlier}" for number, earlier in again[:_LINES_SHOWN]
        )
        more = f" and {len(again) - _LINES_SHOWN} more" if len(again) > _LINES_SHOWN else ""
        raise ConfigurationError(
            f"{path}: {shown}{more}", next_step="each item needs a serial of its own"
        )


def _named(numbers: list[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:_LINES_SHOWN])
    more = f" and {len(numbers) - _LINES_SHOWN} more" if len(numbers) > _LINES_SHOWN else ""
    return f"line{'s' if len(numbers) > 1 else ''} {shown}{more}"
