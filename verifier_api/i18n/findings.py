"""Findings in words, for those who see their reasons: officers and rights-holders.

What each finding is called, how likely it is, what each reason says, and what to inspect.
Consumers read none of it: `verifier_api.i18n.advice` has a plain sentence for them.
"""

from collections.abc import Sequence
from typing import Final

from babel.numbers import format_percent
from msgspec import Struct

from authenticity.detection.findings import Fact, FindingKind, Reason
from verifier_api.i18n.translator import Translator, msg


class LocalizedFinding(Struct, frozen=True):
    """In the language of the request. `likelihood` is the probability in words and percent,
    empty without one; `reasons` holds a sentence for each reason, in their order; `inspect`
    what to do with the item in hand."""

    title: str
    likelihood: str
    reasons: tuple[str, ...]
    inspect: tuple[str, ...]


TITLES: Final[dict[FindingKind, str]] = {
    FindingKind.SEEN_BEFORE: msg("Scanned before by others"),
    FindingKind.CLONE_SUSPECTED: msg("Copies of this pack are suspected"),
    FindingKind.CLONE_CONFIRMED: msg("Copies of this pack are proven"),
    FindingKind.REUSED_AFTER_END: msg("Used again after its end"),
    FindingKind.WRONG_BATCH: msg("Another lot was read from a pack with this code"),
    FindingKind.WRONG_EXPIRY: msg("Another expiry date was read from a pack with this code"),
    FindingKind.NOT_RELEASED: msg("Its batch is not released for sale yet"),
    FindingKind.NEVER_ISSUED: msg("Validly signed, but never issued"),
    FindingKind.DIVERTED: msg("Sold outside its markets"),
    FindingKind.RECALLED: msg("Recalled by the maker"),
    FindingKind.STOLEN: msg("Reported stolen"),
    FindingKind.CLOCK_SKEW: msg("A scanner's clock is wrong"),
    FindingKind.LATE: msg("A scan arrived late"),
    FindingKind.SCAN_ID_REUSED: msg("Two different scans under one number"),
    FindingKind.UNREADABLE: msg("Text that is no code"),
    FindingKind.MANGLED: msg("Damaged codes under this name"),
    FindingKind.UNSIGNED: msg("Codes without a signature under this name"),
    FindingKind.FOREIGN_SIGNATURE: msg("Codes of another system under this name"),
    FindingKind.FORGED: msg("Codes with a forged signature under this name"),
    FindingKind.UNKNOWN_ISSUER: msg("Codes that no known maker stands behind"),
    FindingKind.NOT_ENTITLED: msg("Signed by a company that may not sign for this product"),
    FindingKind.KEY_NOT_VALID: msg("Signed with a key that was not valid then"),
    FindingKind.KEY_REVOKED: msg("Signed with a withdrawn key"),
    FindingKind.STALE_TRUST_LIST: msg("Judged by an outdated list of makers"),
    FindingKind.CAMPAIGN: msg("Many packs look copied"),
    FindingKind.PROBING: msg("A scanner tries invented codes"),
    FindingKind.POISONING: msg("A scanner names places where it cannot have been"),
    FindingKind.COLLUDING: msg("A known scanner vouched for packs proven to be copied"),
}

REASONS: Final[dict[str, str]] = {
    "too-far-apart-in-time": msg(
        "Scanned {km} km apart within {minutes} minutes ({countries}): one pack cannot travel so."
    ),
    "sold-twice": msg("Sold twice, {hours_between} hours apart."),
    "seized-twice": msg("Seized twice, {hours_between} hours apart."),
    "inspections-contradict": msg("Inspections at least {km} km apart contradict each other."),
    "seen-after-destruction": msg("Seen elsewhere after it was destroyed (read by: {scanners})."),
    "lot-differs": msg("Lot read: {printed}. Lot signed: {registered}."),
    "expiry-differs": msg("Expiry date read: {printed}. Registered: {registered}."),
    "declared-by-issuer": msg("Declared by the maker for batch {batch}."),
    "batch-not-released": msg("Batch {batch} is registered, but not released."),
    "serial-in-no-batch": msg(
        "No batch with this product and lot holds its serial number (compared: batch {batch})."
    ),
    "scanned-outside-its-markets": msg(
        "Scanned outside its markets, in: {countries} (read by: {scanners})."
    ),
    "scanned-in-other-sessions": msg("Scanned in at least {at_least} other sessions."),
    "arrived-late": msg("A scan arrived at least {hours} hours after it was made."),
    "captured-in-the-future": msg("A scanner's clock was at least {minutes} minutes fast."),
    "different-scans-under-one-id": msg("Scans with different content came under one number."),
    "code-refused": msg("Such codes were scanned under this name (read by: {scanners})."),
    "many-items-from-here-look-copied": msg(
        "At least {items_at_least} packs that passed through this scanner's hands look copied:"
        " their codes may have been read off there."
    ),
    "many-items-look-copied": msg("At least {items_at_least} packs of the batch look copied."),
    "invented-codes-from-one-scanner": msg(
        "At least {items_at_least} invented codes came from one scanner."
    ),
    "places-that-cannot-be": msg(
        "It claims at least {items_at_least} packs in {places_at_least} places where they cannot "
        "have been."
    ),
    "vouched-for-proven-copies": msg(
        "It vouched for at least {items_at_least} packs of which copies are proven."
    ),
}
"""By reason code. The facts are those that `authenticity` gives with it."""

FEATURES: Final[dict[str, str]] = {
    "sessions": msg("sessions: about {n}"),
    "throng": msg("a throng: 32 scans, doubled so many times: {n}"),
    "days": msg("days with scans: about {n}"),
    "crowd": msg("sessions on the fullest day: about {n}"),
    "span": msg("days from the first scan to the last: about {n}"),
    "aged": msg("weeks from its release to the last scan: about {n}"),
    "recorded": msg("quarters of its sessions that known scanners made: {n}"),
    "settled": msg("scans at one home place: about {n}"),
    "homes": msg("further homes in one town: {n}"),
    "scattered": msg("quarters of its scans that were away from home: {n}"),
    "away": msg("places away from home ({source}): {n}"),
    "strays": msg("days with scans that no journey explains ({source}): {n}"),
    "returns": msg("changes to and fro between places ({source}): {n}"),
    "early": msg("days on which the supply chain still had it ({source}): {n}"),
    "abroad": msg("places outside its markets ({source}): {n}"),
    "uncorroborated": msg("stated places that no network confirms: {n}"),
    "jumping": msg("sessions that name places far apart: {n}"),
    "sold-again": msg("sold again by the same shop: {n} times"),
    "refused": msg("trusted inspections that found it not in order: {n}"),
    "official": msg("customs or police looked at it"),
}
"""What `authenticity.detection.features` counts, without the source that its name ends in."""
IN_POWERS_OF_TWO: Final = frozenset({"sessions", "days", "crowd", "span", "aged", "settled"})

_SOURCES: Final = {
    "attested": msg("by network address"),
    "claimed": msg("as the device states"),
    "trusted": msg("by known scanners"),
}
_SCANNERS: Final = {"trusted": msg("known scanners"), "anonymous": msg("strangers")}
_STRONG_HALF_NATS: Final = 4
_FOR: Final = msg("Speaks for copies: {evidence}.")
_STRONGLY_FOR: Final = msg("Speaks strongly for copies: {evidence}.")
_AGAINST: Final = msg("Speaks against copies: {evidence}.")
_STRONGLY_AGAINST: Final = msg("Speaks strongly against copies: {evidence}.")

_LIKELIHOODS: Final = (
    (0.99, msg("almost certain")),
    (0.9, msg("very likely")),
    (0.66, msg("likely")),
    (0.33, msg("possible")),
    (0.0, msg("unlikely")),
)
_LIKELIHOOD: Final = msg("{word} ({percent})")

_COMPARE: Final = msg("Compare lot, expiry and security features with a known pack.")
_ASK_FOR_SERIAL: Final = msg(
    "Ask the maker about this serial number: a key may be stolen, or more was made than ordered."
)
INSPECT: Final[dict[FindingKind, tuple[str, ...]]] = {
    FindingKind.CLONE_SUSPECTED: (_COMPARE,),
    FindingKind.CLONE_CONFIRMED: (
        msg("At least one pack with this code is a copy: have the security features examined."),
    ),
    FindingKind.CAMPAIGN: (
        msg("Look at several of these packs: print, seal and security features."),
    ),
    FindingKind.NEVER_ISSUED: (_ASK_FOR_SERIAL,),
    FindingKind.REUSED_AFTER_END: (msg("Look for a broken seal, refilling or signs of use."),),
    FindingKind.WRONG_BATCH: (msg("Compare the printed lot and date with those in the code."),),
    FindingKind.WRONG_EXPIRY: (msg("Compare the printed lot and date with those in the code."),),
    FindingKind.DIVERTED: (
        msg("Ask for the import papers: the pack may be genuine and sold in the wrong place."),
    ),
}


def localize(
    kind: FindingKind, probability: float | None, reasons: Sequence[Reason], words: Translator
) -> LocalizedFinding:
    """A finding, or an alert about one, in words."""
    return LocalizedFinding(
        words.text(TITLES[kind]),
        likelihood(probability, words),
        tuple(sentence(reason, words) for reason in reasons),
        inspection(kind, words),
    )


def inspection(kind: FindingKind, words: Translator) -> tuple[str, ...]:
    """What to look at, for this finding."""
    return tuple(words.text(step) for step in INSPECT.get(kind, ()))


def likelihood(probability: float | None, words: Translator) -> str:
    """In words and percent, empty without one."""
    if probability is None:
        return ""
    word = next(word for least, word in _LIKELIHOODS if probability >= least)
    percent = format_percent(probability, locale=words.locale)
    return words.text(_LIKELIHOOD, word=words.text(word), percent=percent)


def sentence(reason: Reason, words: Translator) -> str:
    """One reason. Of a code that this version has no words for, the code and its facts: an
    alert of a newer engine is still an alert."""
    if reason.reason in REASONS:
        facts = {name: _fact(name, value, words) for name, value in reason.facts.items()}
        try:
            return words.text(REASONS[reason.reason], **facts)
        except KeyError:
            return _bare(reason)
    base, _, source = reason.reason.rpartition("-")
    if source not in _SOURCES:
        base, source = reason.reason, ""
    half_nats, value = reason.facts.get("half_nats"), reason.facts.get("at_least")
    if base not in FEATURES or not isinstance(half_nats, int) or not isinstance(value, int):
        return _bare(reason)
    number = 2**value if base in IN_POWERS_OF_TWO and 0 <= value < 64 else value
    named = words.text(_SOURCES[source]) if source else ""
    evidence = words.text(FEATURES[base], n=number, source=named)
    return words.text(_weight(half_nats), evidence=evidence)


def _weight(half_nats: int) -> str:
    if half_nats >= 0:
        return _STRONGLY_FOR if half_nats >= _STRONG_HALF_NATS else _FOR
    return _STRONGLY_AGAINST if half_nats <= -_STRONG_HALF_NATS else _AGAINST


def _fact(name: str, value: Fact, words: Translator) -> str:
    if name == "countries" and isinstance(value, str):
        territories = words.locale.territories
        return ", ".join(territories.get(code, code) for code in value.split(","))
    if name == "scanners" and isinstance(value, str):
        return words.text(_SCANNERS[value]) if value in _SCANNERS else value
    return str(value)


def _bare(reason: Reason) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in reason.facts.items())
    return f"{reason.reason}: {facts}" if facts else reason.reason
