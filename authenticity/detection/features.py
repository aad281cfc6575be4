"""What in an item's scan sessions bears on whether it is one item or several.

One row of `FEATURES` for each. A feature counts something, and its value is how many of its
`steps` the count reaches: 0 where there is nothing to say. A session without a place says
nothing about places, an item that may be sold anywhere nothing about markets. None of them is
a finding; `authenticity.detection.score` adds up their weights (`weights.json`).

Nothing that is counted speaks against copies: no weight falls where a count rises. What can
still lower a score is what takes evidence away: a booked return, a release, networks beyond the
twelve that a history keeps, and a session between two places that joins them.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from authenticity.detection.comparison import (
    DAY_MS,
    Comparison,
    Need,
    early_sessions,
)
from authenticity.detection.sessions import (
    LocationConfidence,
    ScanSession,
    apart_km,
    is_reachable,
)
from authenticity.history.observation import CHANNELS, Observation
from authenticity.records.scan import Channel


def networks(comparison: Comparison) -> int:
    """Anonymous sessions, each of one network."""
    return len(comparison.first_ms)


def active_days(comparison: Comparison) -> int:
    """Days, UTC, with an anonymous session."""
    return len(comparison.sessions_by_day)


def sessions_on_busiest_day(comparison: Comparison) -> int:
    """Anonymous sessions on the fullest day, UTC."""
    return max(comparison.sessions_by_day.values(), default=0)


def days_spanned(comparison: Comparison) -> int:
    """Days between the first anonymous session and the last."""
    times_ms = comparison.first_ms.values()
    return (max(times_ms, default=0) - min(times_ms, default=0)) // DAY_MS


def places(comparison: Comparison) -> int:
    """Places that lie apart, the least number that explains the anonymous sessions."""
    return len(comparison.places)


def sessions_away(comparison: Comparison) -> int:
    """Anonymous sessions away from home."""
    return sum(map(len, comparison.away))


def sessions_in_second_place(comparison: Comparison) -> int:
    """Anonymous sessions in the place away from home that has most."""
    return len(comparison.places[1]) if len(comparison.places) > 1 else 0


def devices_never_at_home(comparison: Comparison) -> int:
    """Devices away from home that no session at home shares."""
    at_home = {each.session for each in comparison.home}
    return len({each.session for place in comparison.away for each in place} - at_home)


def returns_between_places(comparison: Comparison) -> int:
    """Changes between places, in order of time, beyond those that the places need."""
    changes = sum(one != other for (_, one), (_, other) in pairwise(_visits(comparison)))
    return changes - len(comparison.away)


def fixed_lines_away(comparison: Comparison) -> int:
    """Fixed lines away from home: a phone may show up wherever its carrier hands it over."""
    return sum(_is_fixed(each) for place in comparison.away for each in place)


def pairs_too_far_apart(comparison: Comparison) -> int:
    """Pairs of sessions, each in one pair at most, between which no trip is fast enough.

    Each two are compared, not the stops of one trip: by way of a session that may be anywhere
    in a country every trip seems possible.
    """
    pairs = 0
    alone: list[ScanSession] = []
    for later in comparison.placed:
        for number, earlier in enumerate(alone):
            if not is_reachable(earlier, later, comparison.policy):
                del alone[number]
                pairs += 1
                break
        else:
            alone.append(later)
    return pairs


def early_away(comparison: Comparison) -> int:
    """Days with sessions away from where chain or shops still had it."""
    early = early_sessions(comparison.placed, comparison.policy)
    return len({each.at_ms // DAY_MS for each in early})


def sessions_away_from_shop(comparison: Comparison) -> int:
    """Anonymous sessions away from where chain or shops had it, after that: the most, of all
    who had it."""
    anonymous = [each for place in comparison.places for each in place]
    return max(
        (
            sum(
                each.at_ms > held.at_ms and apart_km(each, held) > comparison.policy.apart_km
                for each in anonymous
            )
            for held in comparison.held
        ),
        default=0,
    )


def spots_of_fixed_lines(comparison: Comparison) -> int:
    """Spots with a fixed line from which it was scanned: lines of one house are one."""
    anonymous = (each for place in comparison.places for each in place)
    return len({(each.x, each.y, each.z) for each in anonymous if _is_fixed(each)})


def officers_who_took_it_for_a_fake(comparison: Comparison) -> int:
    """Officers who seized it, or said that they suspect a fake, and did not let it go since."""
    return len({each.actor for each in comparison.taken_for_fake})


def sessions_abroad(comparison: Comparison) -> int:
    """Sessions outside its markets."""
    return sum(1 for _ in _abroad(comparison))


def fixed_lines_abroad(comparison: Comparison) -> int:
    """Fixed lines and known scanners outside its markets."""
    return sum(_is_fixed(each) for each in _abroad(comparison))


def _visits(comparison: Comparison) -> list[tuple[int, int]]:
    """When an anonymous session was in which place, by time."""
    return sorted(
        (each.at_ms, number) for number, place in enumerate(comparison.places) for each in place
    )


class Feature(NamedTuple):
    """One feature of the clone score.

    `name`: the reason code that it is published under. `extract` counts; below 1 is nothing.
    `steps`: rising counts, and the value is how many of them are reached. `text`: what it says
    in English, with `{n}`, the step. `needs`: bits of `Need` without which it is 0.
    """

    name: str
    extract: Callable[[Comparison], int]
    steps: tuple[int, ...]
    text: str
    needs: int = Need.NOTHING

    @property
    def maximum(self) -> int:
        """The greatest value."""
        return len(self.steps)


_NETWORKS: Final = "networks"
_MORE_THAN_A_HOUSEHOLD: Final = 8
"""Networks, one of the steps. Chosen on the worlds to validate on: from here on, crowds in one
place are more often copies than owners who look again."""

FEATURES: Final[tuple[Feature, ...]] = (
    Feature(_NETWORKS, networks, (2, 3, 4, 5, 6, 8, 12), "networks: at least {n}"),
    Feature("active-days", active_days, (2, 3, 4, 6, 9, 14), "days with scans: at least {n}"),
    Feature(
        "busiest-day", sessions_on_busiest_day, (2, 3, 4, 6, 9), "scans on one day: at least {n}"
    ),
    Feature(
        "days-spanned", days_spanned, (1, 3, 7, 14, 30, 60, 120),
        "days from the first scan to the last: at least {n}",
    ),
    Feature(
        "places", places, (2, 3, 4, 5, 6, 8, 10),
        "places that lie apart: at least {n}", Need.AWAY,
    ),
    Feature(
        "away", sessions_away, (1, 2, 3, 4, 6, 9), "scans away from home: at least {n}", Need.AWAY
    ),
    Feature(
        "second-place", sessions_in_second_place, (2, 3, 4, 6),
        "scans in one place away from home: at least {n}", Need.AWAY,
    ),
    Feature(
        "strangers", devices_never_at_home, (1, 2, 3, 4, 6, 9),
        "devices seen away from home alone: at least {n}", Need.AWAY,
    ),
    Feature(
        "returns", returns_between_places, (1, 2, 3, 5),
        "changes to and fro between places: at least {n}", Need.AWAY,
    ),
    Feature(
        "fixed-away", fixed_lines_away, (1, 2, 3, 5),
        "fixed lines away from home: at least {n}", Need.AWAY,
    ),
    Feature(
        "spots", spots_of_fixed_lines, (2, 3, 4, 6, 9),
        "spots with a fixed line that scanned it: at least {n}", Need.PLACED,
    ),
    Feature(
        "off-trip", pairs_too_far_apart, (1, 2, 3, 4, 6),
        "pairs of scans that no trip joins: at least {n}",
    ),
    Feature(
        "early", early_away, (1, 2, 3),
        "days on which the supply chain still had it elsewhere: at least {n}",
        Need.HELD | Need.PLACED,
    ),
    Feature(
        "away-from-shop", sessions_away_from_shop, (1, 2, 3, 5, 8),
        "scans away from where the supply chain had it: at least {n}",
        Need.HELD | Need.PLACED,
    ),
    Feature(
        "seized", officers_who_took_it_for_a_fake, (1, 2),
        "officers who seized it or suspect a fake: at least {n}", Need.SEIZED,
    ),
    Feature(
        "abroad", sessions_abroad, (1, 2, 3, 5, 8),
        "scans outside its markets: at least {n}", Need.MARKETS,
    ),
    Feature(
        "fixed-abroad", fixed_lines_abroad, (1, 2, 3, 5),
        "fixed lines or known scanners outside its markets: at least {n}", Need.MARKETS,
    ),
)  # fmt: skip

_BEYOND_A_JOURNEY: Final = frozenset({"off-trip", "returns", "early", "seized"})


def features_of(comparison: Comparison) -> Iterator[tuple[Feature, int]]:
    """The features that are not 0, in the order of the table, with their values."""
    for feature in _possible(comparison.met):
        value = bisect_right(feature.steps, feature.extract(comparison))
        if value:
            yield feature, value


def is_one_journey(values: Iterable[tuple[Feature, int]]) -> bool:
    """Whether one item, carried one way and looked at by a household at most, can have left all
    this: no trip too fast, no way back, and nobody had it elsewhere meanwhile."""
    return not any(
        feature.name in _BEYOND_A_JOURNEY
        or (feature.name == _NETWORKS and feature.steps[value - 1] >= _MORE_THAN_A_HOUSEHOLD)
        for feature, value in values
    )


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


def _abroad(comparison: Comparison) -> Iterator[ScanSession]:
    anonymous = (each for place in comparison.places for each in place)
    for each in (*anonymous, *comparison.trusted):
        if each.country and each.country not in comparison.markets:
            yield each


def _is_fixed(session: ScanSession) -> bool:
    return session.confidence is not LocationConfidence.MOBILE
