"""What in an item's looks bears on the question whether it is one item or several.

What a network address attests is kept apart from what an anonymous device claims: whoever
wants to make a genuine pack look copied can claim any place, but has few addresses.
Each feature is a small number that is 0 where there is nothing to say: a look without a place
says nothing about places, an item that may be sold anywhere nothing about markets. None of
them is a finding; `authenticity.detection.score` weighs them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Final

from authenticity.detection.policy import ClonePolicy, Policy
from authenticity.detection.sessions import (
    LocationConfidence,
    ScanSession,
    apart_km,
    impossible_travel_outliers,
    own_numbers,
    places_of,
)
from authenticity.history.history import distinct_scans
from authenticity.history.observation import ACTS, CHANNELS, Observation
from authenticity.records.batch import Batch
from authenticity.records.scan import Act, Channel, to_epoch_ms

_DAY_MS: Final = 86_400_000
_WEEK_MS: Final = 7 * _DAY_MS
_STREET_KM: Final = 1.0
_THRONG: Final = 5

FEATURES: Final = (
    "sessions",          # log2 of the sessions outside the maker's own chain
    "throng",            # log2 of the scans there were by estimate, beyond 32: history keeps few
    "days",              # log2 of the days with such a look
    "crowd",             # log2 of the sessions on the fullest day
    "span",              # log2 of the days between the first such look and the last
    "aged",              # log2 of the weeks from the batch's release to the last such look
    "recorded",          # quarters of these sessions that known scanners made
    "settled",           # log2 of the looks at home
    "scattered",         # quarters of the placed looks that are away from home, of four or more
    "homes",             # precise anonymous spots in one place, streets apart, beyond 2
    "away-attested",     # places away from home that network addresses attest
    "away-claimed",      # places away from home that anonymous devices claim alone
    "away-trusted",      # places away from home where a trusted scanner had it
    "strays-attested",   # days with looks by network address that no journey explains
    "strays-claimed",    # days with looks at claimed or trusted places that no journey explains
    "returns-attested",  # changes between places by network address, beyond those that they need
    "returns-claimed",   # changes between claimed or trusted places, beyond those that they need
    "early-attested",    # days with looks by network address away from where the chain still had it
    "early-claimed",     # days with looks at claimed places away from where the chain still had it
    "abroad-attested",   # places outside its markets that addresses or officials attest
    "abroad-claimed",    # places outside its markets that are only claimed
    "uncorroborated",    # claimed places away from home beyond one for each attested one
    "jumping",           # sessions that name places apart
    "sold-again",        # sales recorded by the same shop again, without a return between
    "refused",           # trusted inspections that found it not conformant
    "official",          # 1 if customs or police looked
)  # fmt: skip
NETWORK_DERIVED: Final = frozenset(
    {
        "away-attested", "away-trusted", "strays-attested", "returns-attested",
        "early-attested", "abroad-attested", "sold-again", "refused",
    }
)  # fmt: skip
"""Those that no anonymous device can bring about by what it claims."""
MOST: Final = (5, 4, 5, 4, 6, 5, 4, 4, 4, 5, 5, 5, 3, 4, 4, 4, 4, 3, 3, 4, 4, 4, 2, 2, 2, 1)
"""Of each feature: what is more counts as this."""


def features_of(
    genuine: Sequence[Observation],
    looks: Sequence[ScanSession],
    batch: Batch | None,
    policy: Policy,
) -> tuple[int, ...]:
    """In the order of `FEATURES`, each from 0 to its `MOST`. Both sequences sorted by capture."""
    clone, own = policy.clone, own_numbers(policy.own_supply_chain)
    first = {s.session: s.captured_ms for s in reversed(genuine) if s.channel not in own}
    days = Counter(at_ms // _DAY_MS for at_ms in first.values())
    latest_ms = max(first.values(), default=0)
    placed = [
        look
        for look in looks
        if look.confidence is not LocationConfidence.NOWHERE and not look.inconsistent_location
    ]
    places = places_of((look for look in placed if not look.is_own), clone)
    home = _home(places, placed, clone)
    away = [place for place in places if place is not home]
    attested = [place for place in away if _is_attested(place)]
    trusted = [place for place in away if place[0].confidence is LocationConfidence.TRUSTED]
    claimed = [
        p for p in away if p[0].confidence is LocationConfidence.PRECISE and not _is_attested(p)
    ]
    stray = list(impossible_travel_outliers(placed, clone)) if len(placed) > 1 else []
    early = early_looks(placed, clone)
    returns_attested, returns_claimed = _returns(places)
    abroad_attested, abroad_claimed = _abroad(places, policy.markets_of(batch))
    values = (
        _log2(len(first)),
        _log2(distinct_scans(genuine)) - _THRONG,
        _log2(len(days)),
        _log2(max(days.values(), default=0)),
        _log2((latest_ms - min(first.values(), default=0)) // _DAY_MS),
        _log2(_since_release_ms(batch, latest_ms) // _WEEK_MS),
        4 * _known(genuine, first) // max(1, len(first)),
        _log2(len(home)),
        _scattered(len(home), sum(map(len, away))),
        max(map(_spots, places), default=0) - 2,
        len(attested),
        len(claimed),
        len(trusted),
        _days(look for look in stray if look.confidence > LocationConfidence.PRECISE),
        _days(look for look in stray if look.confidence <= LocationConfidence.PRECISE),
        returns_attested,
        returns_claimed,
        _days(look for look in early if look.confidence > LocationConfidence.PRECISE),
        _days(look for look in early if look.confidence is LocationConfidence.PRECISE),
        abroad_attested,
        abroad_claimed,
        len(claimed) - len(attested) - 1,
        sum(look.inconsistent_location for look in looks),
        _sold_again(genuine),
        sum(ACTS[observation.act] is Act.INSPECT_NONCONFORMANT for observation in genuine),
        any(look.is_official for look in looks),
    )
    return tuple(max(0, min(most, value)) for most, value in zip(MOST, values, strict=True))


def _log2(count: int) -> int:
    return count.bit_length() - 1 if count else 0


def _since_release_ms(batch: Batch | None, at_ms: int) -> int:
    """0 before it, and where nobody knows of one."""
    if batch is None or batch.released_at is None:
        return 0
    return max(0, at_ms - to_epoch_ms(batch.released_at))


def _known(genuine: Sequence[Observation], sessions: Collection[int]) -> int:
    """How many of these sessions known scanners made."""
    return len({s.session for s in genuine if s.authorised and s.session in sessions})


def _scattered(at_home: int, away: int) -> int:
    looks = at_home + away
    return 4 * away // looks if looks >= 4 else 0


def _sold_again(genuine: Sequence[Observation]) -> int:
    again, seller = 0, 0
    for observation in genuine:
        act = ACTS[observation.act]
        if act is Act.SELL:
            again += observation.actor == seller
            seller = observation.actor
        elif act is Act.REACTIVATE:
            seller = 0
    return again


def _home(
    places: Sequence[list[ScanSession]], placed: Sequence[ScanSession], policy: ClonePolicy
) -> Sequence[ScanSession]:
    """The place where the trusted chain had it last, if it was looked at there; otherwise
    the one with most looks, or the first of those."""
    last = next(
        (look for look in reversed(placed) if look.confidence is LocationConfidence.TRUSTED), None
    )
    if last is not None and not last.is_official:
        for place in places:
            if apart_km(place[0], last) <= policy.apart_km:
                return place
        return ()
    return max(
        places, key=lambda place: (len(place), -min(look.at_ms for look in place)), default=()
    )


def _is_attested(place: Sequence[ScanSession]) -> bool:
    """A network address is seen by the service; a device's claim of a place is believed."""
    return any(look.confidence > LocationConfidence.PRECISE for look in place)


def _days(looks: Iterable[ScanSession]) -> int:
    return len({look.at_ms // _DAY_MS for look in looks})


def _spots(place: Sequence[ScanSession]) -> int:
    """Precise anonymous spots that lie streets apart: one household is one of them."""
    spots: list[ScanSession] = []
    for look in place:
        if look.confidence is LocationConfidence.PRECISE and all(
            apart_km(spot, look) > _STREET_KM for spot in spots
        ):
            spots.append(look)
    return len(spots)


def _returns(places: Sequence[Sequence[ScanSession]]) -> tuple[int, int]:
    """How often looks in order of time changed to a place that was left before: by network
    addresses alone, and by claimed and trusted places alone."""
    if len(places) < 2:
        return 0, 0
    in_order = sorted(
        (look.at_ms, number, look.confidence > LocationConfidence.PRECISE)
        for number, place in enumerate(places)
        for look in place
    )
    attested = [number for _, number, by_address in in_order if by_address]
    claimed = [number for _, number, by_address in in_order if not by_address]
    return _changes_beyond(attested), _changes_beyond(claimed)


def _changes_beyond(numbers: Sequence[int]) -> int:
    changes = sum(one != other for one, other in pairwise(numbers))
    return changes - max(0, len(set(numbers)) - 1)


def _abroad(places: Sequence[Sequence[ScanSession]], markets: Collection[str]) -> tuple[int, int]:
    if not markets:
        return 0, 0
    outside = [p for p in places if p[0].country and p[0].country not in markets]
    attested = sum(
        p[0].confidence is LocationConfidence.TRUSTED or _is_attested(p) for p in outside
    )
    return attested, len(outside) - attested


def early_looks(looks: Sequence[ScanSession], policy: ClonePolicy) -> list[ScanSession]:
    """Anonymous looks away from where the trusted chain had the item next: it was not in
    anybody's hands yet. Takes looks sorted by time."""
    early: list[ScanSession] = []
    held: ScanSession | None = None
    for look in reversed(looks):
        if look.confidence is LocationConfidence.NOWHERE:
            continue
        if look.confidence is LocationConfidence.TRUSTED:
            held = None if look.is_official else look
        elif held is not None and apart_km(held, look) > policy.apart_km:
            early.append(look)
    return early


def channel_of(genuine: Sequence[Observation]) -> Channel:
    """The channel whose prior holds: that of the most suspicious eye that fell on the item."""
    channels = {CHANNELS[observation.channel] for observation in genuine}
    return next((channel for channel in _MOST_SUSPICIOUS if channel in channels), Channel.CONSUMER)


_MOST_SUSPICIOUS: Final = (Channel.POLICE, Channel.CUSTOMS, Channel.CONSUMER, Channel.RETAIL)
