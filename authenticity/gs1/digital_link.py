"""GS1 Digital Link URIs, uncompressed (GS1 Digital Link: URI Syntax, release 1.6).

`https://host/stem/01/{gtin}/10/{lot}/21/{serial}?17={expiry}&linkType=…#…`: the path
holds a key and its qualifiers, the query holds attributes. Query keys that are no
numbers, and the fragment, mean nothing here.

Two readers must never read one URI as two items. What a more lenient reader could
take for something else is therefore refused: a key in the stem, an AI hidden behind
percent escapes or a semicolon, and `.` or `..` as a value in the path (a browser
removes those together with what stands before them, RFC 3986 section 5.2.4).
"""

import re
from collections.abc import Sequence
from ipaddress import IPv6Address
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import quote

from authenticity.errors import CodeError, CodeFault
from authenticity.gs1.ai_table import (
    ALPHANUMERIC_KEYS,
    ASSIGNED,
    GTIN,
    KEYS,
    LOT,
    PROFILE,
    QUALIFIERS,
    SSCC,
    THIRD_PARTY_SERIAL,
)
from authenticity.gs1.elements import Element, definition_of

CANONICAL_HOST = "id.gs1.org"

_URI_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_SCHEME = re.compile("(https?|HTTPS?)://")
_HOST = re.compile(r"([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?")
_OWN_PORT = {"http": "80", "https": "443"}
_AI_AFTER_SEMICOLON = re.compile(r";[^0-9A-Za-z&;]*[0-9]{2,4}=")
_HIDDEN_AI = re.compile(r"[+\s\0]*[0-9]+[+\s\0]*")
_BEGINS_LIKE_A_KEY_VALUE = re.compile("[0-9]")
_KEY_WORDS = frozenset({"gtin", "sscc"})
_DOT_SEGMENTS = frozenset({".", ".."})


class Segment(NamedTuple):
    """A piece of the text, as spelled, and where it begins."""

    spelled: str
    offset: int


class DigitalLink(NamedTuple):
    """`host`: lower case, with its port unless it is the scheme's own."""

    elements: list[Element]
    host: str


def read_digital_link(text: str, start: int) -> DigitalLink:
    """What the URI that begins at `start` says; values decoded, not checked.

    Raises `CodeError`.
    """
    _check_characters(text, start)
    scheme = _SCHEME.match(text, start)
    if scheme is None:
        detail = "the scheme must be http:// or https://, in one case"
        raise CodeError(CodeFault.BAD_SCHEME, start, detail)
    beyond_path = _first(text, "?#", scheme.end())
    host_end = text.find("/", scheme.end())
    host = _read_host(text, scheme.end(), len(text) if host_end < 0 else host_end, scheme[1])
    if host_end < 0 or host_end > beyond_path:
        raise CodeError(CodeFault.BAD_PATH, beyond_path, "there is no path after the host")
    path = _read_path(_segments(text, "/", host_end + 1, beyond_path))
    query: list[Element] = []
    if text.startswith("?", beyond_path):
        query = _read_query(text, beyond_path + 1, _first(text, "#", beyond_path))
    _check_places(path, query)
    return DigitalLink(path + query, host)


def _check_characters(text: str, start: int) -> None:
    fitting = _URI_CHARACTERS.match(text, start)
    assert fitting is not None
    if fitting.end() != len(text):
        detail = f"{text[fitting.end()]!a} may not stand in a URI"
        raise CodeError(CodeFault.BAD_CHARACTER, fitting.end(), detail)
    broken = _BAD_ESCAPE.search(text, start)
    if broken:
        detail = "a percent sign must be followed by two hexadecimal digits"
        raise CodeError(CodeFault.BAD_ESCAPE, broken.start(), detail)


def _read_host(text: str, start: int, end: int, scheme: str) -> str:
    fitting = _HOST.match(text, start, end)
    if fitting is None or fitting.end() != end:
        place = fitting.end() if fitting else start
        raise CodeError(CodeFault.BAD_HOST, place, "this is no host name")
    name, port = fitting.groups()
    if not _is_ipv6_or_name(name) or int(port or 0) > 65_535:
        raise CodeError(CodeFault.BAD_HOST, start, "this is no address, or no port")
    name = name.lower().removesuffix(".")
    return name if port in (None, "", _OWN_PORT[scheme.lower()]) else f"{name}:{port}"


def _is_ipv6_or_name(name: str) -> bool:
    if not name.startswith("["):
        return True
    try:
        IPv6Address(name[1:-1])
    except ValueError:
        return False
    return True


def _first(text: str, marks: str, start: int) -> int:
    """Offset of the first of `marks` from `start` on, or the end of the text."""
    found = [place for place in (text.find(mark, start) for mark in marks) if place >= 0]
    return min(found, default=len(text))


def _segments(text: str, separator: str, start: int, end: int) -> list[Segment]:
    segments: list[Segment] = []
    for spelled in text[start:end].split(separator):
        segments.append(Segment(spelled, start))
        start += len(spelled) + 1
    return segments


def _decode(spelled: str) -> str:
    """Each escape becomes the one character of that number.

    That is Latin-1 and not UTF-8 on purpose: no AI may hold either, and so every
    character keeps its own place in the text.
    """
    if "%" not in spelled:
        return spelled
    return _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), spelled)


def _find_key(segments: list[Segment]) -> int:
    """Index of the last key in the path: from the right, pair by pair of known AIs."""
    for place in range(len(segments) - 2, -1, -2):
        ai, offset = segments[place]
        if ai in KEYS:
            return place
        if ai not in ASSIGNED:
            if re.fullmatch("[0-9]{2,4}", ai):
                raise CodeError(CodeFault.UNKNOWN_AI, offset, f"no such AI: ({ai})")
            break
    detail = "the path does not end in pairs of AI and value that begin with a key"
    raise CodeError(CodeFault.BAD_PATH, segments[0].offset, detail)


def _read_path(segments: list[Segment]) -> list[Element]:
    """The AIs of the path, from its last key on."""
    first = _find_key(segments)
    _check_stem(segments[: first + 1])
    elements: list[Element] = []
    for (ai, offset), value in zip(segments[first::2], segments[first + 1 :: 2], strict=True):
        definition_of(ai, offset)
        decoded = _decode(value.spelled)
        if decoded in _DOT_SEGMENTS:
            detail = f"a browser would drop {decoded!r} from the path"
            raise CodeError(CodeFault.BAD_PATH, value.offset, detail)
        elements.append(Element(ai, decoded, value.offset, value.spelled))
    return elements


def _check_stem(segments: list[Segment]) -> None:
    """Refuse a stem in which a reader from the left would find another key.

    `segments` includes the key that we found. A key counts if what follows could be
    its value; `/00/faux/` does not.
    """
    stem = _decode("/".join(each.spelled for each in segments)).split("/")
    for key, value in pairwise(stem):
        if key in ALPHANUMERIC_KEYS or (
            (key in KEYS or key.lower() in _KEY_WORDS) and _BEGINS_LIKE_A_KEY_VALUE.match(value)
        ):
            detail = f"another key ({key}) stands before ({segments[-1].spelled})"
            raise CodeError(CodeFault.AMBIGUOUS_STEM, segments[0].offset, detail)


def _read_query(text: str, start: int, end: int) -> list[Element]:
    hidden = _AI_AFTER_SEMICOLON.search(text, start, end)
    if hidden:
        detail = "an old reader would split the query at this semicolon"
        raise CodeError(CodeFault.BAD_QUERY, hidden.start(), detail)
    elements: list[Element] = []
    for pair, offset in _segments(text, "&", start, end):
        ai, equals, spelled = pair.partition("=")
        if ai.isdigit():
            definition_of(ai, offset)
            value = _decode(spelled.replace("+", " "))
            elements.append(Element(ai, value, offset + len(ai) + len(equals), spelled))
        elif _HIDDEN_AI.fullmatch(_decode(ai)):
            raise CodeError(CodeFault.BAD_QUERY, offset, "an AI may not be escaped")
    return elements


def _check_places(path: list[Element], query: list[Element]) -> None:
    """The qualifiers in their order, and no attribute that belongs in this path."""
    key = path[0].ai
    after = [each.ai for each in path[1:]]
    in_order = after == [ai for ai in QUALIFIERS if ai in after]
    if not (after == [] or (key == GTIN and (in_order or after == [THIRD_PARTY_SERIAL]))):
        detail = f"({') ('.join(after)}) may not follow ({key}) in a path in this order"
        raise CodeError(CodeFault.MISPLACED_AI, path[1].offset - len(path[1].ai) - 1, detail)
    for ai, _, offset, _ in query:
        in_this_path = ai == LOT and key == GTIN and after != [THIRD_PARTY_SERIAL]
        if in_this_path or not PROFILE[ai].attribute:
            detail = f"AI ({ai}) belongs in the path"
            raise CodeError(CodeFault.MISPLACED_AI, offset - len(ai) - 1, detail)


def spell_digital_link(
    ais: Sequence[tuple[str, str]], host: str, *, read_from_link: bool = False
) -> str | None:
    """The Digital Link URI that carries these AIs, or None where there is none.

    The first key opens the path; of the attributes, those of predefined length come
    first, else they keep their order (as GS1's own syntax engine writes them).
    `read_from_link`: the AIs come from a link, so that a lot beside (235) stood in
    its query; anywhere else it would claim the path, and leave (235) no place.
    Values are not checked.
    """
    values = dict(ais)
    key = next((ai for ai in values if ai in (GTIN, SSCC)), None)
    if key is None:
        return None
    path = [key]
    if key == GTIN:
        path += [ai for ai in QUALIFIERS if ai in values]
        if THIRD_PARTY_SERIAL in values and (len(path) == 1 or read_from_link):
            path = [key, THIRD_PARTY_SERIAL]
    attributes = [PROFILE[ai] for ai in values if ai not in path]
    if not all(each.attribute for each in attributes):
        return None
    if any(values[ai] in _DOT_SEGMENTS for ai in path):
        return None
    attributes.sort(key=lambda each: not each.predefined_length)
    query = "&".join([f"{each.ai}={_encode(values[each.ai])}" for each in attributes])
    stem = "".join([f"/{ai}/{_encode(values[ai])}" for ai in path])
    return f"https://{host}{stem}{'?' if query else ''}{query}"


def _encode(value: str) -> str:
    return value if value.isalnum() and value.isascii() else quote(value, "", None, "surrogatepass")
