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
from authenticity.detection.refusals import refusals_of, takes_for_fake
from authenticity.detection.sessions import (
    LocationConfidence,
    ScanSession,
    apart_km,
    is_official,
    places_of,
    session_key,
)
from authenticity.history.observation import Observation
from authenticity.records.batch import Batch

DAY_MS: Final = 86_400_000

Place = Sequence[ScanSession]
"""Sessions that can have been in one place, the one with the smallest radius first."""


class Need(IntEnum):
    """What a history must hold for a feature to be more than 0: bits, to be combined."""

    NOTHING = 0
    MARKETS = 1
    HELD = 2
    PLACED = 4
    AWAY = 8
    SEIZED = 16


class Comparison(NamedTuple):
    """All that features are read from.

    `first_ms`: by `session_key`, of each anonymous
    session, its first capture; `sessions_by_day` counts these by day. `placed`: all sessions with
    a place, by time, but for those whose own places lie apart. `places`: where the anonymous ones
    were, the one with most sessions first, which is `home`; `away` are the others. `trusted`:
    sessions of known scanners outside the maker's own chain. `held`: those of chain and
    shops. `taken_for_fake`: refusals by officers that stand (`refusals_of`), with a
    seizure or the ground that it may be falsified. `met`: every `Need` that is met.
    """

    first_ms: dict[int, int]
    sessions_by_day: Counter[int]
    placed: Sequence[ScanSession]
    places: Sequence[Place]
    trusted: Sequence[ScanSession]
    held: Sequence[ScanSession]
    taken_for_fake: Sequence[Observation]
    markets: Collection[str]
    policy: ClonePolicy
    met: int

    @property
    def home(self) -> Place:
        """The place with most anonymous sessions, or the earliest of those; perhaps none."""
        return self.places[0] if self.places else ()

    @property
    def away(self) -> Sequence[Place]:
        """The others."""
        return self.places[1:]


def compare_sessions(
    genuine: Sequence[Observation],
    sessions: Sequence[ScanSession],
    batch: Batch | None,
    policy: Policy,
) -> Comparison:
    """Takes believed observations and their sessions, both by capture time."""
    first_ms: dict[int, int] = {}
    met = int(Need.NOTHING)
    for observation in genuine:
        if not observation.actor:
            first_ms.setdefault(session_key(observation), observation.captured_ms)
    placed: list[ScanSession] = []
    anonymous: list[ScanSession] = []
    trusted: list[ScanSession] = []
    held: list[ScanSession] = []
    for session in sessions:
        if session.inconsistent_location or session.confidence is LocationConfidence.NOWHERE:
            continue
        placed.append(session)
        if session.confidence is not LocationConfidence.TRUSTED:
            anonymous.append(session)
            continue
        if not session.is_own:
            trusted.append(session)
        if not session.is_official:
            held.append(session)
            met |= Need.HELD
    places: Sequence[Place] = ()
    if anonymous:
        places = places_of(anonymous, policy.clone) if len(anonymous) > 1 else [anonymous]
        met |= Need.PLACED
    if len(places) > 1:
        places = sorted(places, key=_by_size)
        met |= Need.AWAY
    markets = policy.markets_of(batch)
    if markets and (anonymous or trusted):
        met |= Need.MARKETS
    taken_for_fake = _taken_for_fake(genuine)
    if taken_for_fake:
        met |= Need.SEIZED
    by_day = Counter([at_ms // DAY_MS for at_ms in first_ms.values()])
    return Comparison(
        first_ms, by_day, placed, places, trusted, held, taken_for_fake, markets, policy.clone, met
    )


def _taken_for_fake(genuine: Sequence[Observation]) -> Sequence[Observation]:
    """Refusals that stand, by officers who seized it or suspect a fake. Not those of shops, which
    speak of their own stock."""
    if not any(observation.act for observation in genuine):
        return ()  # the usual case
    return [each for each in refusals_of(genuine) if is_official(each) and takes_for_fake(each)]


def _by_size(place: Place) -> tuple[int, int]:
    return -len(place), min(each.at_ms for each in place)


def early_sessions(sessions: Sequence[ScanSession], policy: ClonePolicy) -> list[ScanSession]:
    """Anonymous sessions away from where chain or shops had the item next: it had not been
    sold yet, unless it was brought back. Customs and police look at items that others hold.
    What arrived only after that may have been given an earlier time. Takes sessions sorted by
    time."""
    early: list[ScanSession] = []
    held: ScanSession | None = None
    for session in reversed(sessions):
        if session.confidence is LocationConfidence.NOWHERE:
            continue
        if session.confidence is LocationConfidence.TRUSTED:
            if not session.is_official:
                held = None if session.is_return else session
        elif (
            held is not None
            and session.arrived_ms <= held.at_ms
            and apart_km(held, session) > policy.apart_km
        ):
            early.append(session)
    return early
