"""One pack is in one place at a time: what is left of visits that were drawn one by one.

Behaviours are drawn independently of one another. Of what contradicts the others, the looks of
owners give way, because no probability of the ceiling rests on them.
"""

from bisect import bisect_left, insort
from math import radians
from operator import attrgetter
from typing import Final

from authenticity.history.observation import great_circle_km
from simulation.visits import HOUR_S, Spot, Visit

CRUISE_KMH: Final = 850.0
AIRPORT_HOURS: Final = 3.0
DRIVE_KMH: Final = 120.0
_DRIVE_KM: Final = 300.0
_FIRM: Final = frozenset(("first look", "shelf", "clinic", "counter", "aid", "parcel"))
"""Anonymous behaviour on which a ceiling rests."""
_HANDED_ON: Final = frozenset(("parcel", "resale", "sold on"))
_OF_FORMER_OWNER: Final = frozenset(
    ("looks again", "regular look", "household", "holiday", "moved", "traveller")
)
_at = attrgetter("at_s")


def travel_s(one: Spot, other: Spot) -> float:
    """The least time from here to there: by road, or by air from far enough."""
    km = great_circle_km(radians(one.lat), radians(other.lat), radians(other.lon - one.lon))
    by_road = km / DRIVE_KMH
    return (by_road if km < _DRIVE_KM else km / CRUISE_KMH + AIRPORT_HOURS) * HOUR_S


def possible(visits: list[Visit]) -> list[Visit]:
    """These visits, in their order, without looks that one pack cannot have had: from where it
    could not be, or by an owner who had handed it on. Pictures may be anywhere."""
    kept = sorted((v for v in visits if _is_firm(v) and not v.scanned.on_screen), key=_at)
    handed_on_s = min((v.at_s for v in visits if v.behaviour in _HANDED_ON), default=None)
    dropped: set[int] = set()
    for visit in sorted((v for v in visits if not _is_firm(v)), key=_at):
        if visit.scanned.on_screen:
            continue
        is_former = handed_on_s is not None and visit.at_s > handed_on_s
        if (is_former and visit.behaviour in _OF_FORMER_OWNER) or not _fits(visit, kept):
            dropped.add(id(visit))
        else:
            insort(kept, visit, key=_at)
    return [visit for visit in visits if id(visit) not in dropped]


def _is_firm(visit: Visit) -> bool:
    return visit.scanner.authorised or visit.behaviour in _FIRM


def _fits(visit: Visit, kept: list[Visit]) -> bool:
    at = bisect_left(kept, visit.at_s, key=_at)
    return all(
        travel_s(visit.spot, other.spot) <= abs(other.at_s - visit.at_s)
        for other in kept[max(0, at - 1) : at + 1]
    )
