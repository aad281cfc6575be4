"""Text that others wrote, made harmless for a terminal and for whoever reads it there.

A printed code, a file's name or a service's message may hold characters that a terminal obeys
instead of showing them: control sequences (C0, C1), line ends and line separators that begin
a line of their own, and Unicode's controls of direction and of width, which let a text look
like another (Unicode Technical Report 36, section 2.8). They are shown as escapes.
"""

import re
from typing import Final

_RANGES: Final = (
    (0x00, 0x1F),  # C0, line feed and tab among them
    (0x7F, 0x9F),  # delete, C1
    (0xAD, 0xAD),  # soft hyphen
    (0x61C, 0x61C),  # Arabic letter mark
    (0x180E, 0x180E),  # Mongolian vowel separator
    (0x200B, 0x200F),  # zero width, left-to-right and right-to-left marks
    (0x2028, 0x202E),  # line and paragraph separators, embeddings and overrides
    (0x2060, 0x206F),  # word joiner, invisible operators, isolates, shaping
    (0xD800, 0xDFFF),  # lone surrogates, as in file names that are not UTF-8
    (0xFEFF, 0xFEFF),  # zero width no-break space
    (0xFFF9, 0xFFFB),  # interlinear annotation
    (0xE0000, 0xE007F),  # tags
)
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
