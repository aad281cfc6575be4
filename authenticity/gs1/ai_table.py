"""GS1 Application Identifiers: which exist, and what those of our profile may hold.

GS1 General Specifications, section 3 (definitions) and 7.8 (element strings);
GS1 Barcode Syntax Dictionary for lengths, linters, required and forbidden company.
`ASSIGNED` knows the names of all AIs so that one outside the profile is refused by
name instead of being guessed at; `PROFILE` knows everything about the few that
identify, date and sign a pack or a pallet.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from authenticity.errors import CodeFault

SSCC: Final = "00"
GTIN: Final = "01"
LOT: Final = "10"
PRODUCED: Final = "11"
EXPIRY: Final = "17"
SERIAL: Final = "21"
VARIANT: Final = "22"
THIRD_PARTY_SERIAL: Final = "235"
SIGNATURE: Final = "8030"

SIGNATURE_CHARACTERS = 88
"""Length of AI 8030 in this project's own codes: 66 bytes, base64url, no padding."""


def _expand(ranges: str) -> frozenset[str]:
    """The AIs named by `ranges`: single AIs and inclusive ranges of equal width."""
    found: set[str] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        width = len(first)
        found.update(f"{n:0{width}}" for n in range(int(first), int(last or first) + 1))
    return frozenset(found)


_MEASURES = _expand("310-316 320-337 340-357 360-369")
"""Trade and logistic measures: a fourth digit 0–5 places the decimal point."""

ASSIGNED: Final[frozenset[str]] = _expand(
    "00-03 10-13 15-17 20-22 235 240-243 250-251 253-255 30 37 "
    "3900-3909 3910-3919 3920-3929 3930-3939 3940-3943 3950-3955 "
    "400-403 410-417 420-427 4300-4326 4330-4333 "
    "7001-7011 7020-7023 7030-7041 710-717 7230-7242 7250-7259 "
    "8001-8014 8017-8020 8026 8030 8040-8043 8110-8112 8200 90-99"
) | {f"{stem}{point}" for stem in _MEASURES for point in range(6)}

AI_LENGTH: Final[Mapping[str, int]] = MappingProxyType({ai[:2]: len(ai) for ai in ASSIGNED})
"""Digits of an AI by its first two (GS1 General Specifications, figure 7.8.1-1)."""

KEYS: Final = _expand("00 01 253 255 401 402 414-415 417 8003-8004 8006 8010 8013 8017-8018")
"""AIs that may open the path of a Digital Link (URI Syntax 1.6, section 4.4)."""

ALPHANUMERIC_KEYS: Final = _expand("401 8004 8010 8013")
"""The keys whose values may be any text, so that nearly anything could be one."""

QUALIFIERS: Final = (VARIANT, LOT, SERIAL)
"""What may follow the GTIN in a path, in this order; or 235 alone."""

_DIGITS = re.compile("[0-9]*")
_CSET_82 = re.compile("[!\"%&'()*+,\\-./0-9:;<=>?A-Z_a-z]*")
_CSET_64 = re.compile("[A-Za-z0-9_-]*={0,2}")
_CHARACTERS = {"N": _DIGITS, "X": _CSET_82, "Z": _CSET_64}

Complaint = tuple[CodeFault, int, str]
"""What is wrong with a value, at which of its characters, in words."""
Linter = Callable[[str], Complaint | None]


def has_valid_check_digit(digits: str) -> bool:
    """GS1 mod-10 check digit, last of an even number of ASCII digits (GTIN-14, SSCC)."""
    codes = digits.encode()
    weighted = 3 * sum(codes[::2]) + sum(codes[1::2])
    return (weighted - 2 * 48 * len(codes)) % 10 == 0


_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_MONTH_DAYS = frozenset(
    f"{month:02}{day:02}" for month, days in enumerate(_DAYS, 1) for day in range(days + 1)
)


def is_date(yymmdd: str) -> bool:
    """Six ASCII digits that name a day, or a month (DD = 00, section 3.4).

    The century is open; February 29th needs YY divisible by four, which holds for
    every year from 1901 to 2099.
    """
    month_day = yymmdd[2:]
    return month_day in _MONTH_DAYS or (month_day == "0229" and int(yymmdd[:2]) % 4 == 0)


def _check_digit(value: str) -> Complaint | None:
    if has_valid_check_digit(value):
        return None
    return CodeFault.BAD_CHECK_DIGIT, len(value) - 1, "the check digit does not fit"


def _date(value: str) -> Complaint | None:
    if is_date(value):
        return None
    place = 2 if not 1 <= int(value[2:4]) <= 12 else 4
    return CodeFault.BAD_DATE, place, f"{value} is no date (YYMMDD)"


def _padding(value: str) -> Complaint | None:
    """Padding, where there is any, fills the value up to a multiple of three."""
    body = value.rstrip("=")
    if body and (body == value or len(value) % 3 == 0):
        return None
    return CodeFault.BAD_VALUE, len(body), "wrong number of pad characters"


@dataclass(frozen=True, slots=True)
class ApplicationIdentifier:
    """One AI of the profile.

    `predefined_length`: no FNC1 is needed after it. `attribute`: may stand in a
    query. `requires`: alternatives, of which one must be wholly present, where
    there are any. `excludes`: AIs that may not stand beside it.
    """

    ai: str
    title: str
    shortest: int
    longest: int
    characters: re.Pattern[str]
    lint: Linter | None
    predefined_length: bool
    attribute: bool
    requires: tuple[frozenset[str], ...]
    excludes: frozenset[str]


def _define(  # the columns of one table
    ai: str,
    title: str,
    form: str,
    lint: Linter | None = None,
    *,
    predefined: bool = False,
    attribute: bool = True,
    requires: str = "",
    excludes: str = "",
) -> ApplicationIdentifier:
    """`form`: N14 exactly fourteen, X..20 one to twenty. `requires`: `00|01+21`."""
    kind, upto, longest = form[0], ".." in form, int(form[1:].lstrip("."))
    return ApplicationIdentifier(
        ai,
        title,
        1 if upto else longest,
        longest,
        _CHARACTERS[kind],
        lint,
        predefined,
        attribute,
        tuple(frozenset(each.split("+")) for each in requires.split("|") if each),
        frozenset(excludes.split()),
    )


_ON_AN_ITEM = "01|02"
_NATIONAL_MEDICINE_NUMBERS = ("PZN", "CIP", "CN", "DRN", "AIM", "NDC", "AIC", "SRN")
PROFILE: Final[Mapping[str, ApplicationIdentifier]] = MappingProxyType(
    {
        each.ai: each
        for each in (
            _define("00", "SSCC", "N18", _check_digit, predefined=True),
            _define("01", "GTIN", "N14", _check_digit, predefined=True, excludes="37"),
            _define(
                *("02", "CONTENT", "N14", _check_digit),
                predefined=True,
                requires="37",
                excludes="01",
            ),
            _define("10", "BATCH/LOT", "X..20", requires=_ON_AN_ITEM),
            _define("11", "PROD DATE", "N6", _date, predefined=True, requires=_ON_AN_ITEM),
            _define("13", "PACK DATE", "N6", _date, predefined=True, requires=_ON_AN_ITEM),
            _define("15", "BEST BEFORE", "N6", _date, predefined=True, requires=_ON_AN_ITEM),
            _define("16", "SELL BY", "N6", _date, predefined=True, requires=_ON_AN_ITEM),
            _define("17", "EXPIRY", "N6", _date, predefined=True, requires=_ON_AN_ITEM),
            _define("20", "VARIANT", "N2", predefined=True, requires=_ON_AN_ITEM),
            _define("21", "SERIAL", "X..20", attribute=False, requires="01", excludes="235"),
            _define("22", "CPV", "X..20", attribute=False, requires="01"),
            _define("235", "TPX", "X..28", attribute=False, requires="01"),
            _define("240", "ADDITIONAL ID", "X..30", requires=_ON_AN_ITEM),
            _define("250", "SECONDARY SERIAL", "X..30", requires="01+21"),
            _define("37", "COUNT", "N..8", requires="00+02"),
            *(
                _define(f"71{n}", f"NHRN {number}", "X..20", requires="01")
                for n, number in enumerate(_NATIONAL_MEDICINE_NUMBERS)
            ),
            _define("8030", "DIGSIG", "Z..90", _padding, requires="00|01+21"),
        )
    }
)
