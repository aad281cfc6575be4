"""The words people read, in their language.

Messages are in gettext files, `locales/{language}.po`, read once; a
message without a translation appears in English. Dates are written as the language
writes them.
"""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Final

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE_LANGUAGE: Final = "en"
LANGUAGES: Final = ("en", "de", "es", "fr", "ko")
LOCALES: Final = Path(__file__).parent / "locales"
_LONGEST_HEADER: Final = 200
_LONGEST_TAG: Final = 8


def msg(text: str) -> str:
    """Marks a message for extraction; translated where it is shown."""
    return text


@dataclass(frozen=True, eq=False)
class Translator:
    """One language."""

    language: str
    translations: gettext.NullTranslations
    locale: Locale

    def text(self, message: str, **facts: object) -> str:
        """The message with its `{facts}` filled in."""
        return self.translations.gettext(message).format(**facts)

    def count(self, one: str, many: str, number: int, **facts: object) -> str:
        """The form of the message for this number; `{n}` is the number."""
        return self.translations.ngettext(one, many, number).format(n=number, **facts)

    def day(self, moment: datetime | date) -> str:
        """A date in words, of UTC."""
        day = moment.astimezone(UTC) if isinstance(moment, datetime) else moment
        return format_date(day, format="long", locale=self.locale)

    def moment(self, moment: datetime) -> str:
        """Date and time, in UTC and saying so."""
        utc = moment.astimezone(UTC)
        return f"{format_datetime(utc, format='medium', locale=self.locale)} UTC"


@cache
def load_translators() -> Mapping[str, Translator]:
    """Every language, by its code; read once."""
    return MappingProxyType({language: _load(language) for language in LANGUAGES})


def _load(language: str) -> Translator:
    locale = Locale(language)
    if language == SOURCE_LANGUAGE:
        return Translator(language, gettext.NullTranslations(), locale)
    compiled = BytesIO()
    with (LOCALES / f"{language}.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translator(language, gettext.GNUTranslations(compiled), locale)


def choose_language(asked: str | None, accepted: str | None) -> str:
    """`?lang=` if it is one of ours, else the best of Accept-Language (RFC 9110, 12.5.4).

    What is remembered is cut first: texts of any length may come.
    """
    return _chosen((asked or "")[:_LONGEST_TAG], (accepted or "")[:_LONGEST_HEADER])


@lru_cache(maxsize=1_024)
def _chosen(asked: str, accepted: str) -> str:
    if (language := asked.lower().partition("-")[0]) in LANGUAGES:
        return language
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted.split(",")):
        tag, _, weight = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES and (quality := _quality(weight)) > 0:
            ranked.append((-quality, place, language))
    return min(ranked)[2] if ranked else SOURCE_LANGUAGE


def _quality(weight: str) -> float:
    name, _, number = weight.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        quality = float(number)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
