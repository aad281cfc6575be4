"""The consumer page: what an answer looks like to somebody holding a pack."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from authenticity.detection.standing import Standing
from authenticity.gs1.dates import last_instant
from authenticity.gs1.item import gtin_of, serial_of
from authenticity.trust.verdict import Doubt, Note
from verifier_api.i18n.translator import Translator, msg
from verifier_api.services.answers import Answer

_HERE: Final = Path(__file__).parent
STATIC: Final = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}
LANGUAGE_NAMES: Final = {
    "en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "ko": "한국어",
}  # fmt: skip

_KICKERS: Final = {
    Standing.VERIFIED: msg("Verified"),
    Standing.SEEN_BEFORE: msg("Verified, seen before"),
    Standing.CAUTION: msg("Caution"),
    Standing.SUSPECT: msg("Suspect"),
    Standing.NOT_ISSUED: msg("Not issued"),
    Standing.UNREADABLE: msg("Unreadable"),
}
_TONES: Final = {
    Standing.VERIFIED: "good",
    Standing.SEEN_BEFORE: "good",
    Standing.CAUTION: "care",
    Standing.SUSPECT: "bad",
    Standing.NOT_ISSUED: "bad",
    Standing.UNREADABLE: "mute",
}
_MUTE: Final = (Doubt.UNKNOWN_ISSUER,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What one page shows. `scan` are the hidden fields of the confirm button."""

    answer: Answer
    translator: Translator
    code_text: str
    at: datetime
    scan: Mapping[str, str]
    report_url: str | None
    recorded: bool | None = None


def render_answer(sheet: Sheet) -> str:
    """HTML. Every value is escaped; the page needs no script."""
    answer, translator = sheet.answer, sheet.translator
    facts = {
        msg("Product number (GTIN)"): _grouped(gtin_of(answer.item) if answer.item else None),
        msg("Serial number"): serial_of(answer.item) if answer.item else None,
        msg("Lot"): answer.lot,
        msg("Expiry"): _printed(answer.expiry, translator, sheet.at),
    }
    expired = Note.EXPIRED in answer.notes
    tone, icon = _appearance(answer, expired=expired)
    return (
        environment()
        .get_template("answer.html")
        .render(
            t=translator.text,
            translator=translator,
            answer=answer,
            sheet=sheet,
            kickers=_KICKERS,
            tones=_TONES,
            tone=tone,
            icon=icon,
            facts={label: value for label, value in facts.items() if value},
            expired=expired,
            languages=LANGUAGE_NAMES,
            language_link=language_link(sheet.code_text),
            versions=versions(),
            alarming=answer.standing in (Standing.CAUTION, Standing.SUSPECT, Standing.NOT_ISSUED),
            known=answer.doubt is None,
        )
    )


@lru_cache(maxsize=64)
def render_apology(translator: Translator, *, too_many: bool) -> str:
    """The page for when nothing can be said at all. Remembered: it is what a flood gets."""
    template = environment().get_template("apology.html")
    return template.render(
        t=translator.text,
        translator=translator,
        too_many=too_many,
        versions=versions(),
        languages=LANGUAGE_NAMES,
        language_link="?lang=",
    )


def _appearance(answer: Answer, *, expired: bool) -> tuple[str, str]:
    """Colour and icon. What is past its date, or not checked to the end, is not shown in green."""
    tone = "mute" if answer.doubt in _MUTE else _TONES[answer.standing]
    if tone == "good" and expired:
        return "care", Standing.CAUTION
    if tone == "good" and answer.provisional:
        return "wait", "provisional"
    return tone, answer.standing


def language_link(code_text: str) -> str:
    """The path of this code with a place for a language at its end."""
    target = "/" + code_text.split("/", 3)[3]
    return f"{target}{'&' if '?' in target else '?'}lang="


@cache
def environment() -> Environment:
    """Templates, escaping everything and refusing unknown names."""
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


@cache
def static_file(name: str) -> bytes:
    """A file of the page. `name` is a key of `STATIC`."""
    return (_HERE / "static" / name).read_bytes()


@cache
def versions() -> Mapping[str, str]:
    """A digest of each file: its address changes with it, so that it may be kept for a year."""
    return {name: sha256(static_file(name)).hexdigest()[:12] for name in STATIC}


def _grouped(gtin: str | None) -> str | None:
    """As printed under bar codes: 0 9521234 000013 reads easier in groups."""
    if gtin is None:
        return None
    return re.sub(r"^(\d)(\d{6})(\d{7})$", "\\1\u2009\\2\u2009\\3", gtin)


def _printed(expiry: str | None, translator: Translator, at: datetime) -> str | None:
    """YYMMDD in words, and as the pack may print it."""
    return None if expiry is None else f"{translator.day(last_instant(expiry, at))} ({expiry})"
