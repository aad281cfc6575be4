"""What items that look copied have in common: a country in which far more of them were seen than
of the other items of that batch, custody leg or shop.

Copies come from a common source and are sold in few places. Genuine packs that look copied, since
their owners travel or they are shown in offers, have no more in common than their market, and
their market is where the others are seen too.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import comb, exp, floor, lgamma, log, log1p
from typing import Final, NamedTuple

from authenticity.detection.policy import EntityPolicy
from authenticity.history.observation import Observation

KNOWN_SCANNERS: Final = "known-scanners"
_IN: Final = "@"
_MOST_READ_IN: Final = 8
_LEAST_CHANCE: Final = 0.05
_MOST_CHANCE: Final = 0.2
_SUPPOSED: Final = 2


class SeenFrom(NamedTuple):
    """Where an item was seen. `networks`: the country of each network of anonymous scanners,
    empty where it is not known. `read_in`: countries where known scanners read it."""

    networks: Mapping[str, str]
    read_in: Collection[str]

    @property
    def countries(self) -> set[str]:
        """All of them that are known."""
        return {*self.networks.values(), *self.read_in} - {""}


class CommonCountry(NamedTuple):
    """`items`: so many at least were seen there, whatever `campaign_networks` networks did.
    `probability`: that chance puts so many into any one country."""

    country: str
    items: int
    probability: float


def write_seen_from(admitted: Iterable[Observation]) -> str:
    """As `Signal.detail` has it: each network in 8 hexadecimal digits and its country, or
    `KNOWN_SCANNERS` where there are none; then the first countries of known scanners. A history
    has few places for networks."""
    networks: dict[str, str] = {}
    read_in: set[str] = set()
    for observation in admitted:
        if not observation.actor:
            networks[f"{observation.network:08x}"] = observation.country
        elif observation.country:
            read_in.add(observation.country)
    seen = [f"{network}{_IN}{country}" for network, country in sorted(networks.items())]
    read = [f"{_IN}{country}" for country in sorted(read_in)[:_MOST_READ_IN]]
    return " ".join([*(seen or [KNOWN_SCANNERS]), *read])


def read_seen_from(detail: str) -> SeenFrom:
    """Inverse of `write_seen_from`. Earlier versions named networks without countries."""
    networks: dict[str, str] = {}
    read_in: list[str] = []
    for part in detail.split():
        network, _, country = part.partition(_IN)
        if not network:
            read_in.append(country)
        elif network != KNOWN_SCANNERS:
            networks[network] = country
    return SeenFrom(networks, read_in)


def common_country(
    suspicious: Sequence[SeenFrom], others: Sequence[SeenFrom], rules: EntityPolicy
) -> CommonCountry | None:
    """The country in which it is least likely that so many of the suspicious items were seen by
    chance, the first by name of those; None unless it is as unlikely as `campaign_chance`.

    Chance is the share of the other items that was seen there, and a twentieth at least, as if
    that held for two more. From a fifth on it is where such items are seen anyway.
    """
    most = rules.campaign_networks
    seen, seen_of_others = _by_country(suspicious), _by_country(others)
    placed = [each for each in others if each.countries]
    compared = beyond([() if each.read_in else (*each.networks,) for each in placed], most)
    found = []
    for country, of_items in seen.items():
        items = beyond(of_items, most)
        besides = beyond(seen_of_others.get(country, ()), most)
        share = (besides + _SUPPOSED * _LEAST_CHANCE) / (compared + _SUPPOSED)
        if share <= _MOST_CHANCE:
            tail = _at_least(items, len(suspicious), max(share, _LEAST_CHANCE))
            found.append((min(1.0, len(seen) * tail), country, items))
    probability, country, items = min(found, default=(1.0, "", 0))
    if probability > rules.campaign_chance:
        return None
    return CommonCountry(country, items, probability)


def _by_country(items: Iterable[SeenFrom]) -> dict[str, list[Collection[str]]]:
    """For each country, of each item seen there, by which networks; by none in particular if a
    known scanner read it there."""
    seen: dict[str, list[Collection[str]]] = {}
    for item in items:
        there: dict[str, list[str]] = {}
        for network, country in item.networks.items():
            if country:
                there.setdefault(country, []).append(network)
        for country in item.read_in:
            there[country] = []
        for country, networks in there.items():
            seen.setdefault(country, []).append(networks)
    return seen


def beyond(of_items: Sequence[Collection[str]], most: int) -> int:
    """So many of these items, at least, were seen by others than any `most` networks together:
    whoever has no more than these cannot add to them. An item of no network was read by known
    scanners, and counts.

    Of the sets of networks within `most` networks, a network belongs to no more sets of one size
    than there are ways to choose its companions. Each set is counted in equal parts for its
    networks, so the networks that make the most of their largest sets are a bound.
    """
    sets = Counter(frozenset(networks) for networks in of_items if 0 < len(networks) <= most)
    counts: dict[str, dict[int, list[int]]] = {}
    for networks, items in sets.items():
        for network in networks:
            counts.setdefault(network, {}).setdefault(len(networks), []).append(items)
    parts = [
        sum(
            sum(sorted(of_size, reverse=True)[: comb(most - 1, size - 1)]) / size
            for size, of_size in sorted(by_size.items())
        )
        for by_size in counts.values()
    ]
    covered = floor(sum(sorted(parts, reverse=True)[:most]) + 1e-9)
    return len(of_items) - min(covered, sets.total())


def _at_least(successes: int, trials: int, chance: float) -> float:
    """The probability of so many or more, each with this chance."""
    if successes <= 0:
        return 1.0
    ways = lgamma(trials + 1)
    hit, miss = log(chance), log1p(-chance)
    return sum(
        exp(ways - lgamma(n + 1) - lgamma(trials - n + 1) + n * hit + (trials - n) * miss)
        for n in range(successes, trials + 1)
    )
