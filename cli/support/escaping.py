"""Text that others wrote, made harmless for a terminal and for whoever reads it there.

A printed code, a file's name or a service's message may hold characters that a terminal obeys
instead of showing them: control sequences (C0, C1), line ends and line separators that begin
a line of their own, and what is not seen: Unicode's controls of direction and of width, and
all that has the property Default_Ignorable_Code_Point (fillers, variation selectors, tags),
which let a text look like another (Unicode Technical Report 36, section 2.8). They are shown
as escapes.
"""

import re
from typing import Final

_OBEYED_RANGES: Final = (
    (0x00, 0x1F),  # C0, line feed and tab among them
    (0x7F, 0x9F),  # delete, C1
    (0x2028, 0x2029),  # line and paragraph separators
    (0xD800, 0xDFFF),  # lone surrogates, as in file names that are not UTF-8
)
_UNSEEN_RANGES: Final = (
    # Default_Ignorable_Code_Point, DerivedCoreProperties.txt of Unicode 16
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
    # beside it
    (0x2800, 0x2800),  # Braille pattern without a dot
    (0xFFF9, 0xFFFB),  # interlinear annotation
)  # fmt: skip
_RANGES: Final = (*_OBEYED_RANGES, *_UNSEEN_RANGES)
_CLASS: Final = "".join(f"{chr(first)}-{chr(last)}" for first, last in _RANGES)
_OBEYED: Final = re.compile(f"[{_CLASS}]")
_OBEYED_IN_LINES: Final = re.compile(f"(?!\n)[{_CLASS}]")
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, *, lines: bool = False) -> str:
    """The text on one line, with an escape for each character that would not be shown.

    `lines` keeps line feeds: for text that was put together here. Escaping twice changes
    nothing. A backslash stays as it is: this is for reading, not for decoding.
    """
    return (_OBEYED_IN_LINES if lines else _OBEYED).sub(_escape, text)


def visible_json(text: str) -> str:
    """The same JSON text, with such characters escaped by the rules of JSON (RFC 8259).

    Line feeds stay: they stand between JSON texts, never within a string.
    """
    return _OBEYED_IN_LINES.sub(_escape_json, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    number = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def _escape_json(found: re.Match[str]) -> str:
    number = ord(found[0])
    if number <= 0xFFFF:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"
