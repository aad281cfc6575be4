"""What in an item's scan sessions bears on whether it is one item or several.

One row of `FEATURES` for each. A feature is a small whole number, 0 where there is nothing
to say: a session without a place says nothing about places, an item that may be sold
anywhere nothing about markets. None of them is a finding; `authenticity.detection.score`
adds up their weights (`weights.json`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from authenticity.detection.comparison import (
    DAY_MS,
    Comparison,
    Need,
    Place,
    early_sessions,
    is_network_derived,
)
from authenticity.detection.sessions import LocationConfidence, ScanSession, apart_km, session_key
from authenticity.history.history import distinct_scans
from authenticity.history.observation import ACTS, CHANNELS, Observation
from authenticity.records.scan import Act, Channel, to_epoch_ms

_WEEK_MS: Final = 7 * DAY_MS
_STREET_KM: Final = 1.0
_LOG2_MANY_SCANS: Final = 5


def sessions(comparison: Comparison) -> int:
    """Log2 of the sessions outside the maker's own chain."""
    return _log2(len(comparison.first_ms))


def many_scans(comparison: Comparison) -> int:
    """Log2 of the scans that are compared, beyond 32."""
    return _log2(distinct_scans(comparison.genuine)) - _LOG2_MANY_SCANS


def days_with_sessions(comparison: Comparison) -> int:
    """Log2 of the days with a session outside the chain."""
    return _log2(len(comparison.sessions_by_day))


def peak_daily_sessions(comparison: Comparison) -> int:
    """Log2 of the sessions on the fullest day."""
    return _log2(max(comparison.sessions_by_day.values(), default=0))


def days_spanned(comparison: Comparison) -> int:
    """Log2 of the days between the first session outside the chain and the last."""
    times_ms = comparison.first_ms.values()
    return _log2((max(times_ms, default=0) - min(times_ms, default=0)) // DAY_MS)


def weeks_since_release(comparison: Comparison) -> int:
    """Log2 of the weeks from the batch's release to the last session outside the chain."""
    batch = comparison.batch
    if batch is None or batch.released_at is None:
        return 0
    last_ms = max(comparison.first_ms.values(), default=0)
    return _log2(max(0, last_ms - to_epoch_ms(batch.released_at)) // _WEEK_MS)


def recorded_by_known_scanners(comparison: Comparison) -> int:
    """Quarters of the sessions outside the chain that known scanners made."""
    first_ms = comparison.first_ms
    known = {key for s in comparison.genuine if s.actor and (key := session_key(s)) in first_ms}
    return 4 * len(known) // max(1, len(first_ms))


def home_observations(comparison: Comparison) -> int:
    """Log2 of the sessions at home."""
    return _log2(len(comparison.home))


def scattered(comparison: Comparison) -> int:
    """Quarters of the placed sessions that are away from home, of four or more."""
    away = sum(map(len, comparison.away))
    placed = len(comparison.home) + away
    return 4 * away // placed if placed >= 4 else 0


def distinct_home_spots(comparison: Comparison) -> int:
    """Precise anonymous spots in one place that lie streets apart, beyond 2: one household is
    one of them."""
    return max(map(_spots, comparison.places), default=0) - 2


def away_trusted(comparison: Comparison) -> int:
    """Places away from home where a trusted scanner had it."""
    return sum(place[0].confidence is LocationConfidence.TRUSTED for place in comparison.away)


def returns_network_derived(comparison: Comparison) -> int:
    """Changes between places by network address, beyond those that the places need."""
    return _returns(comparison.places, by_network=True)


def returns_self_reported(comparison: Comparison) -> int:
    """Changes between self-reported or trusted places, beyond those that they need."""
    return _returns(comparison.places, by_network=False)


def early_network_derived(comparison: Comparison) -> int:
    """Days with sessions by network address away from where the chain still had it."""
    early = early_sessions(comparison.placed, comparison.policy)
    return _days(each for each in early if each.confidence > LocationConfidence.PRECISE)


def early_self_reported(comparison: Comparison) -> int:
    """Days with sessions at self-reported places away from where the chain still had it."""
    early = early_sessions(comparison.placed, comparison.policy)
    return _days(each for each in early if each.confidence is LocationConfidence.PRECISE)


def abroad_network_derived(comparison: Comparison) -> int:
    """Places outside its markets by network address or by known scanners."""
    return sum(map(_is_vouched_for, _abroad(comparison)))


def abroad_self_reported(comparison: Comparison) -> int:
    """Places outside its markets that are self-reported alone."""
    return sum(not _is_vouched_for(place) for place in _abroad(comparison))


def uncorroborated(comparison: Comparison) -> int:
    """Self-reported places away from home, beyond one for each that is network-derived."""
    by_network = [is_network_derived(place) for place in comparison.away]
    self_reported = sum(
        place[0].confidence is LocationConfidence.PRECISE and not network
        for place, network in zip(comparison.away, by_network, strict=True)
    )
    return self_reported - sum(by_network) - 1


def inconsistent_sessions(comparison: Comparison) -> int:
    """Sessions that name places far apart."""
    return sum(each.inconsistent_location for each in comparison.sessions)


def sold_again(comparison: Comparison) -> int:
    """Sales recorded by the same shop again, without a return between."""
    again, seller = 0, 0
    for observation in comparison.genuine:
        act = ACTS[observation.act]
        if act is Act.SELL:
            again += observation.actor == seller
            seller = observation.actor
        elif act is Act.REACTIVATE:
            seller = 0
    return again


def inspected_as_false(comparison: Comparison) -> int:
    """Trusted inspections that found it not conformant."""
    return sum(ACTS[s.act] is Act.INSPECT_NONCONFORMANT for s in comparison.genuine)


def scanned_by_officials(comparison: Comparison) -> int:
    """1 if customs or police scanned it."""
    return int(any(each.is_official for each in comparison.sessions))


class Feature(NamedTuple):
    """One feature of the clone score.

    `name`: the reason code that it is published under. `extract` gives its value, of which what is
    below 0 counts as 0, and what is above `maximum` as that. `network_derived`: no anonymous
    device can bring it about by what it claims. `monotone`: in fitting, 1 if no weight may be
    below that of the value before, -1 if none may be above, 0 for either. `text`: what it says
    in English, with `{n}`, and `{source}` where the name ends in one. `needs`: bits of `Need`
    without which it is 0. `in_powers_of_two`: the value is a log2.
    """

    name: str
    extract: Callable[[Comparison], int]
    maximum: int
    network_derived: bool
    monotone: int
    text: str
    needs: int = Need.NOTHING
    in_powers_of_two: bool = False


_AWAY: Final = "places away from home ({source}): {n}"
_RETURNS: Final = "changes to and fro between places ({source}): {n}"
_EARLY: Final = "days on which the supply chain still had it ({source}): {n}"
_ABROAD: Final = "places outside its markets ({source}): {n}"

FEATURES: Final[tuple[Feature, ...]] = (
    Feature(
        "sessions", sessions, 5, False, 0,
        "sessions: about {n}", in_powers_of_two=True,
    ),
    Feature(
        "throng", many_scans, 4, False, 0,
        "a throng: 32 scans, doubled so many times: {n}", Need.MANY_SCANS,
    ),
    Feature(
        "days", days_with_sessions, 5, False, 0,
        "days with scans: about {n}", in_powers_of_two=True,
    ),
    Feature(
        "crowd", peak_daily_sessions, 4, False, -1,
        "sessions on the fullest day: about {n}", in_powers_of_two=True,
    ),
    Feature(
        "span", days_spanned, 6, False, 0,
        "days from the first scan to the last: about {n}", in_powers_of_two=True,
    ),
    Feature(
        "aged", weeks_since_release, 5, False, 1,
        "weeks from its release to the last scan: about {n}", Need.RELEASE, in_powers_of_two=True,
    ),
    Feature(
        "recorded", recorded_by_known_scanners, 4, False, 0,
        "quarters of its sessions that known scanners made: {n}", Need.KNOWN_SCANNER,
    ),
    Feature(
        "settled", home_observations, 4, False, -1,
        "scans at one home place: about {n}", Need.TWO_PLACED, in_powers_of_two=True,
    ),
    Feature(
        "scattered", scattered, 4, False, 1,
        "quarters of its scans that were away from home: {n}", Need.AWAY,
    ),
    Feature(
        "homes", distinct_home_spots, 5, False, 1,
        "further homes in one town: {n}", Need.THREE_PLACED,
    ),
    Feature("away-trusted", away_trusted, 3, True, 1, _AWAY, Need.AWAY),
    Feature("returns-attested", returns_network_derived, 4, True, 1, _RETURNS, Need.THREE_PLACED),
    Feature("returns-claimed", returns_self_reported, 4, False, 1, _RETURNS, Need.THREE_PLACED),
    Feature("early-attested", early_network_derived, 3, True, 1, _EARLY, Need.HELD),
    Feature("early-claimed", early_self_reported, 3, False, 1, _EARLY, Need.HELD),
    Feature("abroad-attested", abroad_network_derived, 4, True, 1, _ABROAD, Need.MARKETS),
    Feature("abroad-claimed", abroad_self_reported, 4, False, 1, _ABROAD, Need.MARKETS),
    Feature(
        "uncorroborated", uncorroborated, 4, False, -1,
        "stated places that no network confirms: {n}", Need.TWO_PLACED | Need.AWAY,
    ),
    Feature(
        "jumping", inconsistent_sessions, 2, False, -1,
        "sessions that name places far apart: {n}", Need.INCONSISTENT_SESSION,
    ),
    Feature(
        "sold-again", sold_again, 2, True, 1,
        "sold again by the same shop: {n} times", Need.ACT,
    ),
    Feature(
        "refused", inspected_as_false, 2, True, 1,
        "trusted inspections that found it not in order: {n}", Need.ACT,
    ),
    Feature(
        "official", scanned_by_officials, 1, False, 0,
        "customs or police looked at it", Need.OFFICIAL,
    ),
)  # fmt: skip


def features_of(comparison: Comparison) -> Iterator[tuple[Feature, int]]:
    """The features that are not 0, in the order of the table, with their values."""
    for feature in _possible(comparison.met):
        value = feature.extract(comparison)
        if value > 0:
            yield feature, min(feature.maximum, value)


@lru_cache(maxsize=512)
def _possible(met: int) -> tuple[Feature, ...]:
    """The features that can be more than 0 where these needs are met."""
    return tuple(feature for feature in FEATURES if not feature.needs & ~met)


def channel_of(genuine: Sequence[Observation]) -> Channel:
    """The channel whose prior and threshold hold: of those that scanned the item, the one on
    which copies are most frequent."""
    channels = {CHANNELS[each.channel] if each.authorised else Channel.CONSUMER for each in genuine}
    return next((each for each in _MOST_COPIES_FIRST if each in channels), Channel.CONSUMER)


_MOST_COPIES_FIRST: Final = (Channel.POLICE, Channel.CUSTOMS, Channel.CONSUMER, Channel.RETAIL)


def _log2(count: int) -> int:
    return count.bit_length() - 1 if count else 0


def _days(of: Iterable[ScanSession]) -> int:
    return len({each.at_ms // DAY_MS for each in of})


def _spots(place: Place) -> int:
    spots: list[ScanSession] = []
    for each in place:
        if each.confidence is LocationConfidence.PRECISE and all(
            apart_km(spot, each) > _STREET_KM for spot in spots
        ):
            spots.append(each)
    return len(spots)


def _returns(places: Sequence[Place], *, by_network: bool) -> int:
    """How often sessions of one kind, in order of time, changed to a place left before."""
    if len(places) < 2:
        return 0
    visits = sorted(
        (each.at_ms, number)
        for number, place in enumerate(places)
        for each in place
        if (each.confidence > LocationConfidence.PRECISE) is by_network
    )
    changes = sum(one != other for (_, one), (_, other) in pairwise(visits))
    return changes - max(0, len({number for _, number in visits}) - 1)


def _abroad(comparison: Comparison) -> Iterator[Place]:
    for place in comparison.places:
        if place[0].country and place[0].country not in comparison.markets:
            yield place


def _is_vouched_for(place: Place) -> bool:
    return place[0].confidence is LocationConfidence.TRUSTED or is_network_derived(place)
