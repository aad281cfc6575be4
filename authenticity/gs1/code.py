"""The text printed on an item, read strictly: one code, one meaning.

`read_code` takes a GS1 Digital Link URI, a GS1 element string or its bracketed form.
The grammar of each is in `digital_link`, `element_string` and `bracketed`; what an AI
may hold, in `ai_table`; what AIs may stand together, in `elements`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from authenticity.errors import CodeError, CodeFault
from authenticity.gs1.ai_table import (
    EXPIRY,
    GTIN,
    LOT,
    PRODUCED,
    PROFILE,
    SERIAL,
    SIGNATURE,
    has_valid_check_digit,
    is_date,
)
from authenticity.gs1.bracketed import read_bracketed
from authenticity.gs1.digital_link import CANONICAL_HOST, read_digital_link, spell_digital_link
from authenticity.gs1.element_string import FNC1, read_element_string
from authenticity.gs1.elements import check_ai_associations, check_value
from authenticity.gs1.item import ItemId, item_id
from authenticity.limits import LIMITS, Limits


class Form(StrEnum):
    """How the text carries its AIs."""

    DIGITAL_LINK = "digital-link"
    ELEMENT_STRING = "element-string"
    BRACKETED = "bracketed"


@dataclass(frozen=True, slots=True)
class Code:
    """A text that `read_code` accepted.

    `ais`: AI and decoded value, each AI once, in the order read. `host`: of a Digital
    Link, lower case, with its port unless it is the scheme's own; it is not signed
    and proves nothing. Every value fits its AI; no signature has been checked.
    """

    ais: tuple[tuple[str, str], ...]
    host: str | None
    form: Form

    def value(self, ai: str) -> str | None:
        """The decoded value of `ai`, None where the code does not carry it."""
        for each, value in self.ais:
            if each == ai:
                return value
        return None

    @property
    def item(self) -> ItemId | None:
        """The item that the code claims to be, where it has GTIN and serial."""
        gtin, serial = self.value(GTIN), self.value(SERIAL)
        return None if gtin is None or serial is None else item_id(gtin, serial)

    @property
    def canonical(self) -> str | None:
        """The one spelling `https://id.gs1.org/…` of these AIs, read in this order.

        None where no Digital Link can carry them, or none within the limits.
        """
        read_from_link = self.form is Form.DIGITAL_LINK
        uri = spell_digital_link(self.ais, CANONICAL_HOST, read_from_link=read_from_link)
        return None if uri is None or len(uri) > LIMITS.code_characters else uri


def read_code(text: str, limits: Limits = LIMITS) -> Code:
    """The code that `text` is, all of it, without regard to blanks or line ends.

    Raises `CodeError` and nothing else, whatever the text.
    """
    if len(text) > limits.code_characters:
        detail = f"{len(text)} characters; a code has at most {limits.code_characters}"
        raise CodeError(CodeFault.TOO_LONG, limits.code_characters, detail)
    return _read_common(text) or _read_any(text)


def item_of(text: str) -> ItemId | None:
    """The item that `text` names, whether or not it is genuine; None if it names none."""
    try:
        return read_code(text).item
    except CodeError:
        return None


# ISO/IEC 15424 symbology identifiers, as far as scanners send them before GS1 data:
# ]C1 GS1-128, ]e0 GS1 DataBar and Composite, ]d2 GS1 DataMatrix, ]Q3 GS1 QR, ]J1 GS1
# DotCode; and before a URI: ]d1, ]d4 DataMatrix, ]Q1, ]Q2 QR.
_OF_ELEMENT_STRINGS = ("]C1", "]e0", "]d2", "]Q3", "]J1")
_OF_URIS = ("]d1", "]d4", "]Q1", "]Q2")
_SYMBOLOGY_CHARACTERS = 3
_LOOKS_LIKE_URI = re.compile("https?:", re.IGNORECASE)
_BEGINS_WITH_KEY = re.compile("01[0-9]{14}|00[0-9]{18}")


def _read_any(text: str) -> Code:
    """Read by the full grammar. `_read_common` must never answer differently."""
    host = None
    start = _SYMBOLOGY_CHARACTERS if text.startswith(_OF_URIS) else 0
    if _LOOKS_LIKE_URI.match(text, start):
        form = Form.DIGITAL_LINK
        elements, host = read_digital_link(text, start)
    elif text.startswith("("):
        form = Form.BRACKETED
        elements = read_bracketed(text, 0)
    else:
        form = Form.ELEMENT_STRING
        elements = read_element_string(text, _start_of_elements(text))
    for element in elements:
        check_value(element)
    check_ai_associations(elements, len(text))
    return Code(tuple([(ai, value) for ai, value, _, _ in elements]), host, form)


def _start_of_elements(text: str) -> int:
    """Where the first AI begins.

    FNC1 in first position says that AIs follow: it is sent as a symbology identifier,
    as GS, as both, or, by many a scanner that acts as a keyboard, not at all. In that
    last case only a GTIN or an SSCC may open the text, for other digits mean nothing.
    """
    start = _SYMBOLOGY_CHARACTERS if text.startswith(_OF_ELEMENT_STRINGS) else 0
    if text.startswith(FNC1, start):
        return start + 1
    if start or _BEGINS_WITH_KEY.match(text):
        return start
    raise CodeError(CodeFault.NOT_A_CODE, 0, "neither a Digital Link URI nor GS1 element strings")


_COMMON = re.compile(
    r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*)"
    "/01/([0-9]{14})(?:/10/([A-Za-z0-9_-]{1,20}))?/21/([A-Za-z0-9_-]{1,20})"
    r"\?(?:11=([0-9]{6})&)?(?:17=([0-9]{6})&)?8030=([A-Za-z0-9_-]{1,90})"
)
_DIGITAL_LINK = Form.DIGITAL_LINK


def _read_common(text: str) -> Code | None:
    """What this project mints, in a quarter of the time; None for everything else.

    No escapes, no stem, no port, none but these AIs: nothing is left to check but the
    check digit and the dates.
    """
    found = _COMMON.fullmatch(text)
    if found is None:
        return None
    host, gtin, lot, serial, produced, expiry, signature = found.groups()
    if not has_valid_check_digit(gtin):
        return None
    if not ((produced is None or is_date(produced)) and (expiry is None or is_date(expiry))):
        return None
    ais = [(GTIN, gtin)]
    if lot is not None:
        ais.append((LOT, lot))
    ais.append((SERIAL, serial))
    if produced is not None:
        ais.append((PRODUCED, produced))
    if expiry is not None:
        ais.append((EXPIRY, expiry))
    ais.append((SIGNATURE, signature))
    return Code(tuple(ais), host, _DIGITAL_LINK)


def write_digital_link(ais: Sequence[tuple[str, str]], host: str) -> str:
    """`https://{host}/01/…[/10/…]/21/…?11=…&17=…&8030=…` with these AIs.

    Attributes of predefined length come first, else in the order given. What is
    written is read back: raises `CodeError` if these AIs, or this host (lower case,
    no path, no userinfo), cannot be read again as they are. The offset of that error
    counts in the URI.
    """
    for ai, _ in ais:
        if ai not in PROFILE:
            raise CodeError(CodeFault.OUTSIDE_PROFILE, 0, f"AI {ai!a} is outside the profile")
    uri = spell_digital_link(ais, host)
    if uri is None:
        detail = "no Digital Link can carry this combination of AIs"
        raise CodeError(CodeFault.MISPLACED_AI, 0, detail)
    code = read_code(uri)
    if code.host != host:
        raise CodeError(CodeFault.BAD_HOST, len("https://"), f"{host!a} is no plain host name")
    if len(code.ais) != len(ais) or dict(code.ais) != dict(ais):
        raise CodeError(CodeFault.DUPLICATE_AI, 0, "an AI is there twice")
    return uri
