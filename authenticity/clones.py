"""Is one code on two items? The evidence of place and time."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from authenticity.finding import Finding, FindingKind, Reason, because, coarse, found
from authenticity.policy import ClonePolicy
from authenticity.sighting import (
    Sighting,
    distance_km,
    excess_km,
    has_usable_place,
    implied_speed_kmh,
)


def clone_suspected(genuine: Sequence[Sighting], policy: ClonePolicy) -> Iterator[Finding]:
    """Two sessions too far apart for one item, or a crowd in too many places.

    Takes issued sightings sorted by capture time. Sessions count, not scans: whoever
    scans a pack ten times is one session. A pair counts by the kilometres that remain
    after both radii; see `ClonePolicy` for what a place is worth.
    """
    placed = [sighting for sighting in genuine if has_usable_place(sighting, policy)]
    reasons = [reason for reason in (_too_fast(placed, policy), _crowd(placed, policy)) if reason]
    if reasons:
        yield found(FindingKind.CLONE_SUSPECTED, *reasons)


def _too_fast(placed: Sequence[Sighting], policy: ClonePolicy) -> Reason | None:
    """The first pair, in capture order, that no journey explains."""
    for earlier, later in pairwise(placed):
        if (
            earlier.session != later.session
            and excess_km(earlier, later, policy) >= policy.least_excess_km
            and implied_speed_kmh(earlier, later, policy) > policy.speed_limit_kmh
        ):
            return because(
                "too-far-apart-in-time",
                km=round(distance_km(earlier, later)),
                minutes=(later.captured_ms - earlier.captured_ms) // 60_000,
                countries=f"{earlier.country or '?'},{later.country or '?'}",
            )
    return None


def _crowd(placed: Sequence[Sighting], policy: ClonePolicy) -> Reason | None:
    """Many sessions in several places that lie apart, whatever the time between them."""
    sessions = {sighting.session for sighting in placed}
    if len(sessions) < policy.crowd_sessions:
        return None
    apart: list[Sighting] = []
    for sighting in placed:
        if all(excess_km(other, sighting, policy) >= policy.crowd_apart_km for other in apart):
            apart.append(sighting)
    if len(apart) < policy.crowd_places:
        return None
    return because(
        "many-sessions-in-many-places",
        sessions_at_least=coarse(len(sessions)),
        places_at_least=coarse(len(apart)),
    )
