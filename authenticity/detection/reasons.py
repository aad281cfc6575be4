"""Why a finding was made: reason codes, the facts of each, and its sentence in English."""

from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct

Fact = int | str | bool


class Reason(Struct, frozen=True):
    """One piece of evidence: a stable code for machines, and the facts behind it.

    `reason` is a fixed code, or the name of a feature of the clone score. Facts carry their
    unit in the name. Counts are rounded down to a power of two, so that an alert is not
    published anew with every scan.
    """

    reason: str
    facts: dict[str, Fact]


class ReasonCode(StrEnum):
    """Every code but those of the clone score's features (`authenticity.detection.features`)."""

    ALERTED_ABOUT_ITS_BATCH = "alerted-about-its-batch"
    ARRIVED_LATE = "arrived-late"
    BATCH_HOLDS_SERIAL = "batch-holds-serial"
    BATCH_NOT_RELEASED = "batch-not-released"
    BATCH_RELEASED = "batch-released"
    BATCH_WITHDRAWN = "batch-withdrawn"
    BELOW_THRESHOLD = "below-threshold"
    CAPTURED_IN_THE_FUTURE = "captured-in-the-future"
    CODE_REFUSED = "code-refused"
    COUNTED_FOR_ITS_BATCH = "counted-for-its-batch"
    DECLARED_BY_ISSUER = "declared-by-issuer"
    DIFFERENT_SCANS_UNDER_ONE_ID = "different-scans-under-one-id"
    EXPIRY_DIFFERS = "expiry-differs"
    HELD_IN_SEVERAL_PLACES_AT_ONCE = "held-in-several-places-at-once"
    INSPECTIONS_CONTRADICT = "inspections-contradict"
    INVENTED_CODES_FROM_ONE_SCANNER = "invented-codes-from-one-scanner"
    KEY_IS_EXCUSED = "key-is-excused"
    LESS_SEVERE_NOW = "less-severe-now"
    LOT_DIFFERS = "lot-differs"
    MANY_ITEMS_FROM_HERE_LOOK_COPIED = "many-items-from-here-look-copied"
    MANY_ITEMS_LOOK_COPIED = "many-items-look-copied"
    MARKETS_INCLUDE = "markets-include"
    NO_CODE_IS_BELIEVED = "no-code-is-believed"
    NO_COUNTRY_IN_COMMON = "no-country-in-common"
    NO_LONGER_DECLARED = "no-longer-declared"
    NO_LONGER_FOUND = "no-longer-found"
    PACKS_NOT_RELEASED = "packs-not-released"
    PACKS_OUTSIDE_THEIR_MARKETS = "packs-outside-their-markets"
    PACKS_SEEN_OUTSIDE_THEIR_MARKETS = "packs-seen-outside-their-markets"
    PLACES_THAT_CANNOT_BE = "places-that-cannot-be"
    POLICY_CHANGED = "policy-changed"
    REGISTERED_AS_READ = "registered-as-read"
    SCANNED_IN_OTHER_SESSIONS = "scanned-in-other-sessions"
    SCANNED_OUTSIDE_ITS_MARKETS = "scanned-outside-its-markets"
    SEEN_AFTER_DESTRUCTION = "seen-after-destruction"
    SEEN_IN_ONE_COUNTRY = "seen-in-one-country"
    SEIZED_TWICE = "seized-twice"
    SERIAL_IN_NO_BATCH = "serial-in-no-batch"
    SOLD_TWICE = "sold-twice"
    TOO_FAR_APART_IN_TIME = "too-far-apart-in-time"
    TOO_FEW_ITEMS = "too-few-items"
    VOUCHED_FOR_PROVEN_COPIES = "vouched-for-proven-copies"


class ReasonRow(NamedTuple):
    """The names of a code's facts, and its sentence in English, with the facts in braces."""

    facts: tuple[str, ...]
    sentence: str


_CODE = ReasonCode
REASONS: Final[dict[str, ReasonRow]] = {
    _CODE.ALERTED_ABOUT_ITS_BATCH: ReasonRow(
        (), "It is alerted once about the whole batch now, no longer about each pack."
    ),
    _CODE.ARRIVED_LATE: ReasonRow(
        ("hours",), "A scan arrived at least {hours} hours after it was made."
    ),
    _CODE.BATCH_HOLDS_SERIAL: ReasonRow(
        ("batch",), "Batch {batch}, as the maker states it now, holds the serial number."
    ),
    _CODE.BATCH_NOT_RELEASED: ReasonRow(
        ("batch",), "Batch {batch} is registered, but not released."
    ),
    _CODE.BATCH_RELEASED: ReasonRow(("batch",), "The maker has released batch {batch}."),
    _CODE.BATCH_WITHDRAWN: ReasonRow(
        ("batch",), "Batch {batch} is withdrawn, or has another product or lot now."
    ),
    _CODE.BELOW_THRESHOLD: ReasonRow(
        ("percent", "threshold_percent"),
        "The probability of copies is {percent} % now, below the threshold of"
        " {threshold_percent} %.",
    ),
    _CODE.CAPTURED_IN_THE_FUTURE: ReasonRow(
        ("minutes",), "A scanner's clock was at least {minutes} minutes fast."
    ),
    _CODE.CODE_REFUSED: ReasonRow(
        ("scanners",), "Such codes were scanned under this name (read by: {scanners})."
    ),
    _CODE.COUNTED_FOR_ITS_BATCH: ReasonRow(
        (), "It is counted for an alert about the whole batch now. This pack alone raises none."
    ),
    _CODE.DECLARED_BY_ISSUER: ReasonRow(("batch",), "Declared by the maker for batch {batch}."),
    _CODE.DIFFERENT_SCANS_UNDER_ONE_ID: ReasonRow(
        (), "Scans with different content came under one number."
    ),
    _CODE.EXPIRY_DIFFERS: ReasonRow(
        ("printed", "registered"), "Expiry date read: {printed}. Registered: {registered}."
    ),
    _CODE.HELD_IN_SEVERAL_PLACES_AT_ONCE: ReasonRow(
        ("places", "km", "minutes"),
        "Known scanners had it in {places} places, {km} km apart, within {minutes} minutes:"
        " one pack cannot travel so.",
    ),
    _CODE.INSPECTIONS_CONTRADICT: ReasonRow(
        ("km",), "Inspections at least {km} km apart contradict each other."
    ),
    _CODE.INVENTED_CODES_FROM_ONE_SCANNER: ReasonRow(
        ("items_at_least",), "At least {items_at_least} invented codes came from one scanner."
    ),
    _CODE.KEY_IS_EXCUSED: ReasonRow(
        ("batch",),
        "Batch {batch} was registered before the key was withdrawn, so its codes are believed.",
    ),
    _CODE.LESS_SEVERE_NOW: ReasonRow(
        (), "It is still found, but is not severe enough for an alert any more."
    ),
    _CODE.LOT_DIFFERS: ReasonRow(
        ("printed", "registered"), "Lot read: {printed}. Lot signed: {registered}."
    ),
    _CODE.MANY_ITEMS_FROM_HERE_LOOK_COPIED: ReasonRow(
        ("items_at_least", "networks_at_least"),
        "At least {items_at_least} packs that this scanner read look copied:"
        " their codes may have been read off there. Networks of anonymous scans: at least"
        " {networks_at_least}.",
    ),
    _CODE.MANY_ITEMS_LOOK_COPIED: ReasonRow(
        ("items_at_least", "networks_at_least"),
        "At least {items_at_least} packs of the batch look copied. Networks of anonymous scans:"
        " at least {networks_at_least}.",
    ),
    _CODE.MARKETS_INCLUDE: ReasonRow(
        ("countries",),
        "The maker names it a market of the batch now, or no markets at all: {countries}.",
    ),
    _CODE.NO_CODE_IS_BELIEVED: ReasonRow((), "No code of this item is believed any more."),
    _CODE.NO_COUNTRY_IN_COMMON: ReasonRow(
        (), "The packs that look copied show no country that they have in common."
    ),
    _CODE.NO_LONGER_DECLARED: ReasonRow(
        ("batch",), "The maker no longer declares this of batch {batch}."
    ),
    _CODE.NO_LONGER_FOUND: ReasonRow(
        (),
        "It is not found any more. Whether later scans, later statements of the maker or other"
        " rules are the reason is not recorded.",
    ),
    _CODE.PACKS_NOT_RELEASED: ReasonRow(
        ("batch", "items_at_least"),
        "At least {items_at_least} packs of batch {batch} were scanned. It is registered, but not"
        " released.",
    ),
    _CODE.PACKS_OUTSIDE_THEIR_MARKETS: ReasonRow(
        ("items_at_least", "countries", "scanners"),
        "At least {items_at_least} packs of the batch were scanned outside its markets, in:"
        " {countries} (read by: {scanners}).",
    ),
    _CODE.PACKS_SEEN_OUTSIDE_THEIR_MARKETS: ReasonRow(
        ("items_at_least", "countries", "networks_at_least"),
        "At least {items_at_least} packs of the batch were scanned outside its markets, in:"
        " {countries}. Networks of anonymous scans: at least {networks_at_least}.",
    ),
    _CODE.PLACES_THAT_CANNOT_BE: ReasonRow(
        ("items_at_least", "places_at_least"),
        "It claims at least {items_at_least} packs in {places_at_least} places where they cannot "
        "have been.",
    ),
    _CODE.POLICY_CHANGED: ReasonRow((), "The policy in force does not alert about it any more."),
    _CODE.REGISTERED_AS_READ: ReasonRow(
        ("batch",), "Batch {batch}, as the maker states it now, says what was read."
    ),
    _CODE.SCANNED_IN_OTHER_SESSIONS: ReasonRow(
        ("at_least",), "Scanned by at least {at_least} others."
    ),
    _CODE.SCANNED_OUTSIDE_ITS_MARKETS: ReasonRow(
        ("countries", "scanners"),
        "Scanned outside its markets, in: {countries} (read by: {scanners}).",
    ),
    _CODE.SEEN_AFTER_DESTRUCTION: ReasonRow(
        ("scanners",), "Seen elsewhere after it was destroyed (read by: {scanners})."
    ),
    _CODE.SEEN_IN_ONE_COUNTRY: ReasonRow(
        ("items_at_least", "countries"),
        "At least {items_at_least} of them were seen in one country, where the other packs were"
        " hardly seen: {countries}.",
    ),
    _CODE.SEIZED_TWICE: ReasonRow(("hours_between",), "Seized twice, {hours_between} hours apart."),
    _CODE.SERIAL_IN_NO_BATCH: ReasonRow(
        ("batch",),
        "No batch with this product and lot holds its serial number (compared: batch {batch}).",
    ),
    _CODE.SOLD_TWICE: ReasonRow(("hours_between",), "Sold twice, {hours_between} hours apart."),
    _CODE.TOO_FAR_APART_IN_TIME: ReasonRow(
        ("km", "minutes", "countries"),
        "Scanned {km} km apart within {minutes} minutes ({countries}): one pack cannot travel so.",
    ),
    _CODE.TOO_FEW_ITEMS: ReasonRow(
        ("items", "least"),
        "Packs that still speak for it: {items}. The policy asks for at least {least}.",
    ),
    _CODE.VOUCHED_FOR_PROVEN_COPIES: ReasonRow(
        ("items_at_least",),
        "It vouched for at least {items_at_least} packs of which copies are proven.",
    ),
}


def because(code: ReasonCode, **facts: Fact) -> Reason:
    """A reason with its facts, in the order given. They are those of the code's row, which a
    test holds every call to."""
    return Reason(code.value, facts)


def coarse(count: int) -> int:
    """The largest power of two that is not above `count`: "at least so many"."""
    return 1 << (count.bit_length() - 1) if count > 0 else 0
