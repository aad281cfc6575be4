"""Advice: what a standing means, and what to do next, worded for each audience.

The wording never claims more than is known: a genuine *code* is not yet a genuine
pack, an unknown issuer is not yet a fake.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from authenticity.detection.findings import FINDINGS, FindingKind
from authenticity.detection.standing import Standing
from authenticity.trust.verdict import Doubt
from verifier_api.auth.principals import Audience
from verifier_api.i18n.findings import inspection, likelihood
from verifier_api.i18n.translator import Translator, msg


class Gap(StrEnum):
    """What is missing here for an answer."""

    SERIAL_LIST = "serial-list"


Cause = Doubt | FindingKind | Gap | None


class Advice(Struct, frozen=True):
    """`title` is the answer in one sentence, `text` what it rests on, `steps` what to do."""

    title: str
    text: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What the advice depends on. `cause`: the doubt, finding or gap that decided the standing.
    `serial_list`: how many parts of the batch's serial list are here, of how many, for those
    who may know."""

    standing: Standing
    cause: Cause
    issuer: str | None
    others: int
    first: datetime | None
    provisional: bool
    unregistered: bool
    at: datetime
    serial_list: tuple[int, int] | None = None
    probability: float | None = None
    """Of the cause; shown to officers and rights-holders alone."""


_TITLES: Final = {
    Standing.VERIFIED: msg("Genuine code"),
    Standing.SEEN_BEFORE: msg("Genuine code, scanned before"),
    Standing.CAUTION: msg("Take care: copies may exist"),
    Standing.SUSPECT: msg("Do not use"),
    Standing.NOT_ISSUED: msg("Not issued by the maker"),
    Standing.UNREADABLE: msg("This could not be read"),
}
_NOBODY_KNOWN: Final = msg("No maker we know")
_NOT_NOW: Final = msg("We cannot judge this code now")
_TITLES_OF_CAUSE: Final[dict[Cause, str]] = {
    Doubt.UNKNOWN_ISSUER: _NOBODY_KNOWN,
    Doubt.FOREIGN_SIGNATURE: msg("We cannot judge this code"),
    Doubt.STALE_TRUST_LIST: _NOT_NOW,
    Doubt.NEWER_KEY: _NOT_NOW,
    Gap.SERIAL_LIST: _NOT_NOW,
}

_TEXTS: Final[dict[Cause, str]] = {
    **{kind: row.public_text for kind, row in FINDINGS.items() if row.public_text},
    Doubt.FORGED: msg("The signature in this code was not made by {issuer}."),
    Doubt.NOT_ENTITLED: msg(
        "This code was signed by a company that may not sign for this product."
    ),
    Doubt.KEY_NOT_VALID: msg("The key that signed this code was not valid when it was read."),
    Doubt.KEY_REVOKED: msg("{issuer} has withdrawn the key that signed this code."),
    Doubt.UNSIGNED: msg("This code was not issued by {issuer}: it carries no signature."),
    Doubt.UNKNOWN_ISSUER: msg(
        "No maker on our list stands behind this code. That alone does not make it a fake: "
        "the maker may not take part."
    ),
    Doubt.UNREADABLE: msg("This could not be read. Scan again."),
    Doubt.MANGLED: msg("The scanner changed or cut this code. Scan again with the camera."),
    Doubt.FOREIGN_SIGNATURE: msg(
        "Its signature belongs to another system. Nothing can be said about it here."
    ),
    Doubt.STALE_TRUST_LIST: msg(
        "Our list of makers is out of date, so nothing can be claimed. Try again later."
    ),
    Doubt.NEWER_KEY: msg(
        "This code names a key of {issuer} that is not on our list. The key may be newer than "
        "the list, or the code may be made up: only a newer list can tell."
    ),
    Gap.SERIAL_LIST: msg(
        "This code was signed with the key of {issuer}. Whether {issuer} issued this serial "
        "number cannot be told now: the list of the numbers of this batch is not complete here."
    ),
}
_PARTS_HELD: Final = msg("Of the list of serials {held} of {parts} parts are here.")
_UNSIGNED_BY_NOBODY: Final = msg("This code carries no signature, so nobody vouches for it.")
_VERIFIED: Final = msg("Genuine code from {issuer}. Not scanned before.")
_PROVISIONAL: Final = msg(
    "Genuine code from {issuer}. Checked without its earlier scans on {date}; "
    "will be confirmed when you open this page again."
)
_UNREGISTERED: Final = msg(
    "Genuine code from {issuer}, who has not told us of this batch yet. Compare lot and expiry "
    "with the pack, and ask again in a few days."
)
_SEEN_ONCE: Final = "Genuine code. Also scanned by someone else, first on {date}."
_SEEN_OFTEN: Final = "Genuine code. Also scanned by at least {n} others, first on {date}."
_ALSO_SEEN_ONCE: Final = "Also scanned by someone else, first on {date}."
_ALSO_SEEN_OFTEN: Final = "Also scanned by at least {n} others, first on {date}."
"""Behind `_UNREGISTERED`."""

_COMPARE: Final = msg("Compare the number, lot and expiry below with what is printed on the pack.")
_KEEP: Final = msg("Keep the pack and the receipt.")
_STEPS: Final[dict[Standing, tuple[str, ...]]] = {
    Standing.VERIFIED: (_COMPARE,),
    Standing.SEEN_BEFORE: (
        msg("That is usual if someone else checked this pack, in your home or in the shop."),
        _COMPARE,
        msg("If you just broke the seal and nobody else had the pack, tell us."),
    ),
    Standing.CAUTION: (
        _COMPARE,
        msg("If anything differs, do not use it."),
        msg("If it is a medicine, ask your pharmacist before you use it."),
        _KEEP,
    ),
    Standing.SUSPECT: (
        msg("Do not eat, drink, take or use it."),
        _KEEP,
        msg("If someone has already used it and feels unwell, call a doctor."),
        msg("Tell us where you bought it: it protects others."),
    ),
    Standing.NOT_ISSUED: (
        msg("Check that you scanned the code of the pack, not another one on it."),
        msg("If this is the only code, do not rely on it, and keep the pack."),
        msg("Tell us where you bought it: it protects others."),
    ),
    Standing.UNREADABLE: (
        msg("Clean the code, hold the camera steady and find good light."),
        msg("If it fails again, ask the shop or the maker."),
    ),
}

_OFFICER_TITLES: Final = {
    Standing.VERIFIED: msg("Green: genuine code"),
    Standing.SEEN_BEFORE: msg("Green: genuine code, scanned before"),
    Standing.CAUTION: msg("Amber: inspect"),
    Standing.SUSPECT: msg("Red: detain"),
    Standing.NOT_ISSUED: msg("Red: detain, not issued"),
    Standing.UNREADABLE: msg("Scan again"),
}
_OFFICER_STEPS: Final[dict[Standing, tuple[str, ...]]] = {
    Standing.VERIFIED: (),
    Standing.SEEN_BEFORE: (),
    Standing.CAUTION: (
        msg("Compare lot, expiry and security features with a known pack."),
        msg("Record the result as an inspection."),
    ),
    Standing.SUSPECT: (
        msg("Detain the item, record the act and keep the reference number."),
        msg("Photograph code and pack for the evidence file."),
    ),
    Standing.NOT_ISSUED: (
        msg("Detain the item, record the act and keep the reference number."),
        msg("Ask the maker whether the item takes part."),
    ),
    Standing.UNREADABLE: (msg("Scan again; if it fails, test the scanner with a known code."),),
}
_HOLDER_STEPS: Final[dict[Standing, tuple[str, ...]]] = {
    Standing.CAUTION: (msg("See the alert; open a case if a second pack turns up."),),
    Standing.SUSPECT: (msg("Open a case from the alert."),),
    Standing.NOT_ISSUED: (msg("Open a case from the alert."),),
}
_AWAIT_NEWER_LIST: Final[dict[Audience, tuple[str, ...]]] = {
    Audience.CONSUMER: (
        msg("Check this code again in a few days, and do not rely on it until then."),
        msg("If it is a medicine, ask your pharmacist before you use it."),
        _KEEP,
    ),
    Audience.OFFICER: (
        msg("Get the newest trust list, then scan again."),
        msg("If the newest list does not have the key either, ask the maker about it."),
    ),
    Audience.RIGHTS_HOLDER: (msg("Publish the trust list that holds your newest key."),),
}

_AWAIT_SERIAL_LIST: Final[dict[Audience, tuple[str, ...]]] = {
    Audience.CONSUMER: _AWAIT_NEWER_LIST[Audience.CONSUMER],
    Audience.OFFICER: (
        msg("Compare lot, expiry and security features with a known pack."),
        msg("Tell the operator of this service that parts of a serial list are missing."),
    ),
    Audience.RIGHTS_HOLDER: (msg("Register the batch again: touchstone batches register DIR."),),
}

_HOW_LIKELY: Final = msg("How likely: {likelihood}.")


def advise(occasion: Occasion, audience: Audience, translator: Translator) -> Advice:
    """Title, text and steps for this audience, in the translator's language."""
    title, steps = _title_and_steps(occasion.standing, occasion.cause, audience, translator)
    text = _text(occasion, translator)
    if audience is not Audience.CONSUMER and occasion.probability is not None:
        likely = likelihood(occasion.probability, translator)
        text = f"{text} {translator.text(_HOW_LIKELY, likelihood=likely)}"
    if audience is not Audience.CONSUMER and occasion.serial_list is not None:
        held, parts = map(str, occasion.serial_list)
        text = f"{text} {translator.text(_PARTS_HELD, held=held, parts=parts)}"
    return Advice(title, text, steps)


@lru_cache(maxsize=1_024)
def _title_and_steps(
    standing: Standing, cause: Cause, audience: Audience, translator: Translator
) -> tuple[str, tuple[str, ...]]:
    """What does not depend on the item: a few hundred combinations in all."""
    title = _TITLES_OF_CAUSE.get(cause) or _TITLES[standing]
    match audience:
        case Audience.CONSUMER:
            steps = _STEPS[standing]
        case Audience.OFFICER:
            title, steps = _OFFICER_TITLES[standing], _OFFICER_STEPS[standing]
        case Audience.RIGHTS_HOLDER:
            steps = _HOLDER_STEPS.get(standing, ())
    if cause is Doubt.NEWER_KEY:
        steps = _AWAIT_NEWER_LIST[audience]
    if cause is Gap.SERIAL_LIST:
        steps = _AWAIT_SERIAL_LIST[audience]
    localized = [translator.text(step) for step in steps]
    if audience is Audience.OFFICER and isinstance(cause, FindingKind):
        localized = [*inspection(cause, translator), *localized]
    return translator.text(title), tuple(dict.fromkeys(localized))


def _text(occasion: Occasion, translator: Translator) -> str:
    issuer = occasion.issuer or translator.text(msg("the maker"))
    if occasion.cause is Doubt.UNSIGNED and occasion.issuer is None:
        return translator.text(_UNSIGNED_BY_NOBODY)
    if occasion.cause in _TEXTS:
        return translator.text(_TEXTS[occasion.cause], issuer=issuer)
    if occasion.standing.is_good and occasion.unregistered:
        text = translator.text(_UNREGISTERED, issuer=issuer)
        return " ".join(filter(None, (text, _seen(occasion, translator, behind=True))))
    if occasion.provisional:
        return translator.text(_PROVISIONAL, issuer=issuer, date=translator.day(occasion.at))
    return _seen(occasion, translator) or translator.text(_VERIFIED, issuer=issuer)


def _seen(occasion: Occasion, translator: Translator, *, behind: bool = False) -> str:
    """That others scanned it, as a text of its own or behind another; empty if none did."""
    if occasion.standing is not Standing.SEEN_BEFORE or occasion.first is None:
        return ""
    one, many = (_ALSO_SEEN_ONCE, _ALSO_SEEN_OFTEN) if behind else (_SEEN_ONCE, _SEEN_OFTEN)
    return translator.count(one, many, occasion.others, date=translator.day(occasion.first))
