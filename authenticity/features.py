"""What in an item's looks bears on the question whether it is one item or several.

Each feature is a number that is 0 where there is nothing to say: a look without a place
says nothing about places, a batch without markets nothing about markets. None of them is a
finding; `authenticity.clones` weighs them.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log2
from typing import Final

from authenticity.batch import Batch
from authenticity.looks import Look, Surety, apart_km, places_of, strays
from authenticity.policy import ClonePolicy
from authenticity.scan import Act, Channel
from authenticity.sighting import ACTS, CHANNELS, Sighting

MOST_LOOKS: Final = 24
"""Weighed at once; of more, as many are taken, spread evenly over their order in time."""
_DAY_MS: Final = 86_400_000
_STREET_KM: Final = 1.0

FEATURES: Final = (
    "sessions",            # log2 of the sessions outside the maker's own chain
    "places-sure",         # places apart, beyond the first, with a precise or trusted look
    "places-by-address",   # places apart, beyond the first, by network address alone
    "homes",               # precise anonymous spots in one place, streets apart, beyond two
    "strays-sure",         # days with precise or trusted looks that no journey explains
    "strays-by-address",   # days with looks by network address that no journey explains
    "returns-sure",        # precise or trusted changes of place beyond those that places need
    "returns-by-address",  # the same by network address
    "settled",             # log2 of the looks at the place with most of them
    "days",                # log2 of the days with a look
    "crowd",               # log2 of the sessions on the fullest day
    "early",               # days with anonymous looks elsewhere before the trusted chain let go
    "abroad",              # places in countries outside the batch's markets
    "jumping",             # sessions that name places apart
    "refused",             # trusted inspections that found it not conformant
    "official",            # 1 if customs or police looked
    "sold-again",          # recorded sales by other shops than the first
)  # fmt: skip


def features_of(
    genuine: Sequence[Sighting], looks: Sequence[Look], batch: Batch | None, policy: ClonePolicy
) -> tuple[float, ...]:
    """In the order of `FEATURES`. Both sequences sorted by capture time."""
    outside = [look for look in looks if not look.is_own]
    days = [look.at_ms // _DAY_MS for look in outside]
    fullest = max(days.count(day) for day in set(days)) if days else 0
    placed = [look for look in looks if look.surety is not Surety.NOWHERE and not look.jumps]
    placed = _spread(placed, MOST_LOOKS)
    seen = [look for look in placed if not look.is_own]
    places = places_of(seen, policy)
    sure = [place for place in places if place[0].surety <= Surety.PRECISE]
    apart = list(strays(placed, policy)) if len(placed) > 1 else []
    moves_sure, moves_by_address = _changes(places)
    return (
        log2(len(outside)) if outside else 0.0,
        float(min(6, max(0, len(sure) - 1))),
        float(min(6, len(places) - max(1, len(sure)))) if places else 0.0,
        float(min(6, max(0, max((_homes(place) for place in sure), default=0) - 2))),
        float(min(4, _days(look for look in apart if look.surety <= Surety.PRECISE))),
        float(min(4, _days(look for look in apart if look.surety > Surety.PRECISE))),
        float(min(5, max(0, moves_sure - max(0, len(sure) - 1)))),
        float(min(6, max(0, moves_by_address - max(0, len(places) - 1)))),
        log2(max((len(place) for place in places), default=1)),
        log2(len(set(days))) if days else 0.0,
        log2(fullest) if fullest else 0.0,
        float(min(4, _days(early_looks(placed, policy)))),
        float(min(4, _abroad(places, batch))),
        float(min(3, sum(look.jumps for look in looks))),
        float(min(2, sum(ACTS[s.act] is Act.INSPECT_NONCONFORMANT for s in genuine))),
        float(any(look.is_official for look in looks)),
        float(min(2, _sold_again(genuine))),
    )


def _spread(looks: list[Look], most: int) -> list[Look]:
    if len(looks) <= most:
        return looks
    return [looks[number * (len(looks) - 1) // (most - 1)] for number in range(most)]


def _days(looks: Iterable[Look]) -> int:
    return len({look.at_ms // _DAY_MS for look in looks})


def _homes(place: Sequence[Look]) -> int:
    """Precise anonymous spots that lie streets apart: one household is one of them."""
    spots: list[Look] = []
    for look in place:
        if look.surety is Surety.PRECISE and all(
            apart_km(spot, look) > _STREET_KM for spot in spots
        ):
            spots.append(look)
    return len(spots)


def _changes(places: Sequence[Sequence[Look]]) -> tuple[int, int]:
    """How often looks in order of time changed from one place to another: among the sure
    ones alone, and among all."""
    in_order = sorted(
        (look.at_ms, number, look.surety <= Surety.PRECISE)
        for number, place in enumerate(places)
        for look in place
    )
    sure = [number for _, number, is_sure in in_order if is_sure]
    return _moves(sure), _moves([number for _, number, _ in in_order])


def _moves(numbers: Sequence[int]) -> int:
    return sum(one != other for one, other in pairwise(numbers))


def early_looks(looks: Sequence[Look], policy: ClonePolicy) -> list[Look]:
    """Anonymous looks away from where the trusted chain had the item next: it was not in
    anybody's hands yet. Takes looks sorted by time."""
    early: list[Look] = []
    held: Look | None = None
    for look in reversed(looks):
        if look.surety is Surety.NOWHERE:
            continue
        if look.surety is Surety.TRUSTED:
            held = None if look.is_official else look
        elif held is not None and apart_km(held, look) > policy.apart_km:
            early.append(look)
    return early


def _abroad(places: Sequence[Sequence[Look]], batch: Batch | None) -> int:
    if batch is None or not batch.markets:
        return 0
    return sum(bool(place[0].country) and place[0].country not in batch.markets for place in places)


def _sold_again(genuine: Sequence[Sighting]) -> int:
    sellers = [s.actor for s in genuine if ACTS[s.act] is Act.SELL]
    return len(set(sellers)) - 1 if sellers else 0


def channel_of(genuine: Sequence[Sighting]) -> Channel:
    """The channel whose prior holds: that of the most suspicious eye that fell on the item."""
    channels = {CHANNELS[sighting.channel] for sighting in genuine}
    return next((channel for channel in _MOST_SUSPICIOUS if channel in channels), Channel.CONSUMER)


_MOST_SUSPICIOUS: Final = (Channel.POLICE, Channel.CUSTOMS, Channel.CONSUMER, Channel.RETAIL)
