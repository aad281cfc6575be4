"""An item's scan sessions compared with one another, in one pass: what features are read from.

Of anonymous scans only those are compared whose place the service itself derived from their
network, the first of each network (`authenticity.detection.evidence.admitted_of`): whoever
wants to make a genuine pack seem copied can report any place, but has few networks.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from authenticity.detection.policy import ClonePolicy, Policy
from authenticity.detection.sessions import (
    LocationConfidence,
    ScanSession,
    apart_km,
    impossible_travel_outliers,
    is_of_own_chain,
    places_of,
    session_key,
)
from authenticity.history.observation import Observation
from authenticity.records.batch import Batch

DAY_MS: Final = 86_400_000
_MANY_SCANS: Final = 16

Place = Sequence[ScanSession]
"""Sessions that can have been in one place, the one of most confidence first."""


class Need(IntEnum):
    """What a history must hold for a feature to be more than 0: bits, to be combined."""

    NOTHING = 0
    MANY_SCANS = 1
    KNOWN_SCANNER = 2
    ACT = 4
    RELEASE = 8
    MARKETS = 16
    OFFICIAL = 32
    INCONSISTENT_SESSION = 64
    HELD = 128
    TWO_PLACED = 256
    THREE_PLACED = 512
    AWAY = 1024


class Comparison(NamedTuple):
    """All that features are read from.

    `genuine` are believed observations and `sessions` their sessions, both by time.
    `first_ms`: by `session_key`, of each session outside the maker's own chain, its first capture;
    `sessions_by_day` counts these by day. `placed`: sessions with a place, but for those whose
    own places lie apart. `places`: where the placed sessions outside the chain were; `home` is
    one of them or empty, `away` the others. `met`: every `Need` that is met.
    """

    genuine: Sequence[Observation]
    sessions: Sequence[ScanSession]
    first_ms: dict[int, int]
    sessions_by_day: Counter[int]
    placed: Sequence[ScanSession]
    places: Sequence[Place]
    home: Place
    away: Sequence[Place]
    batch: Batch | None
    markets: Collection[str]
    policy: ClonePolicy
    met: int


def compare_sessions(
    genuine: Sequence[Observation],
    sessions: Sequence[ScanSession],
    batch: Batch | None,
    policy: Policy,
) -> Comparison:
    """Takes believed observations and their sessions, both by capture time."""
    first_ms: dict[int, int] = {}
    met = int(Need.MANY_SCANS) if len(genuine) >= _MANY_SCANS else 0
    for observation in genuine:
        if not is_of_own_chain(observation, policy):
            first_ms.setdefault(session_key(observation), observation.captured_ms)
        if observation.actor:
            met |= Need.KNOWN_SCANNER
        if observation.act:
            met |= Need.ACT
    placed: list[ScanSession] = []
    outside: list[ScanSession] = []
    for session in sessions:
        if session.is_official:
            met |= Need.OFFICIAL
        if session.inconsistent_location:
            met |= Need.INCONSISTENT_SESSION
        elif session.confidence is not LocationConfidence.NOWHERE:
            placed.append(session)
            if not session.is_own:
                outside.append(session)
            if session.confidence is LocationConfidence.TRUSTED and not session.is_official:
                met |= Need.HELD
    places: Sequence[Place] = ()
    if outside:
        places = places_of(outside, policy.clone) if len(outside) > 1 else [outside]
    home = home_of(places, placed, policy.clone)
    away = [place for place in places if place is not home]
    markets = policy.markets_of(batch)
    if len(outside) > 1:
        met |= Need.TWO_PLACED if len(outside) == 2 else Need.TWO_PLACED | Need.THREE_PLACED
    if away:
        met |= Need.AWAY
    if markets and places:
        met |= Need.MARKETS
    if batch is not None and batch.released_at is not None:
        met |= Need.RELEASE
    by_day = Counter([at_ms // DAY_MS for at_ms in first_ms.values()])
    return Comparison(
        genuine, sessions, first_ms, by_day, placed, places, home, away, batch, markets,
        policy.clone, met,
    )  # fmt: skip


def home_of(places: Sequence[Place], placed: Sequence[ScanSession], policy: ClonePolicy) -> Place:
    """The place where the trusted chain had it last, if it was scanned there; otherwise
    the one with most sessions, or the earliest of those."""
    last = next(
        (each for each in reversed(placed) if each.confidence is LocationConfidence.TRUSTED), None
    )
    if last is not None and not last.is_official:
        for place in places:
            if apart_km(place[0], last) <= policy.apart_km:
                return place
        return ()
    if len(places) == 1:
        return places[0]
    return max(
        places, key=lambda place: (len(place), -min(each.at_ms for each in place)), default=()
    )


def is_network_derived(place: Place) -> bool:
    """Whether the service itself saw a network address there. Any other place is self-reported:
    the device's claim is all there is."""
    return any(each.confidence > LocationConfidence.PRECISE for each in place)


def is_away_by_network(comparison: Comparison) -> bool:
    """Whether network addresses alone put the item where it cannot well be: away from home, or
    outside every trip that one item can have made."""
    if any(is_network_derived(place) for place in comparison.away):
        return True
    placed = comparison.placed
    return len(placed) > 1 and any(
        outlier.confidence > LocationConfidence.PRECISE
        for outlier in impossible_travel_outliers(placed, comparison.policy)
    )


def early_sessions(sessions: Sequence[ScanSession], policy: ClonePolicy) -> list[ScanSession]:
    """Anonymous sessions away from where the trusted chain had the item next: it had
    not been sold yet. Takes sessions sorted by time."""
    early: list[ScanSession] = []
    held: ScanSession | None = None
    for session in reversed(sessions):
        if session.confidence is LocationConfidence.NOWHERE:
            continue
        if session.confidence is LocationConfidence.TRUSTED:
            held = None if session.is_official else session
        elif held is not None and apart_km(held, session) > policy.apart_km:
            early.append(session)
    return early
