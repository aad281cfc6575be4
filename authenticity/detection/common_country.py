"""What items that look copied have in common: a country in which far more of them were seen than
of the other items of that batch, custody leg or shop.

Copies come from a common source and are sold in few places. Genuine packs that look copied, since
their owners travel or they are shown in offers, have no more in common than their market, and
their market is where chain and shops have them, and where the others are seen too.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import comb, exp, floor, lgamma, log, log1p
from typing import Final, NamedTuple

from authenticity.detection.policy import EntityPolicy
from authenticity.detection.sessions import is_official
from authenticity.history.observation import Observation
from authenticity.records.countries import COUNTRY_AREAS

KNOWN_SCANNERS: Final = "known-scanners"
_IN: Final = "@"
_MOST_HELD_IN: Final = 8
_LEAST_CHANCE: Final = 0.05
_MOST_CHANCE: Final = 0.2
_SUPPOSED: Final = 2


class SeenFrom(NamedTuple):
    """Where an item was seen. `networks`: the country of each network of anonymous scanners,
    empty where it is not known. `held_in`: countries where chain or shops had it."""

    networks: Mapping[str, str]
    held_in: Collection[str]

    @property
    def countries(self) -> set[str]:
        """All of them that are known."""
        return {*self.networks.values(), *self.held_in} - {""}


class CommonCountry(NamedTuple):
    """`items`: so many at least were seen there, whatever `campaign_networks` networks did.
    `probability`: that chance puts so many into any one country."""

    country: str
    items: int
    probability: float


def write_seen_from(admitted: Iterable[Observation]) -> str:
    """As `Signal.detail` has it: each network in 8 hexadecimal digits and its country, or
    `KNOWN_SCANNERS` where there are none; then countries where chain or shops had it, the first
    of these. A history has few places for networks."""
    networks: dict[str, str] = {}
    held_in: set[str] = set()
    for observation in admitted:
        if not observation.actor:
            networks[f"{observation.network:08x}"] = observation.country
        elif observation.country and not is_official(observation):
            held_in.add(observation.country)
    seen = [f"{network}{_IN}{country}" for network, country in sorted(networks.items())]
    held = [f"{_IN}{country}" for country in sorted(held_in)[:_MOST_HELD_IN]]
    return " ".join([*(seen or [KNOWN_SCANNERS]), *held])


def read_seen_from(detail: str) -> SeenFrom:
    """Inverse of `write_seen_from`. Earlier versions named networks without countries."""
    networks: dict[str, str] = {}
    held_in: list[str] = []
    for part in detail.split():
        network, _, stated = part.partition(_IN)
        country = stated if stated in COUNTRY_AREAS else ""
        if not network:
            held_in += [country] if country else []
        elif network != KNOWN_SCANNERS:
            networks[network] = country
    return SeenFrom(networks, held_in)


def common_country(
    suspicious: Sequence[SeenFrom], others: Sequence[SeenFrom], rules: EntityPolicy
) -> CommonCountry | None:
    """The country in which it is least likely that so many of the suspicious items were seen by
    chance, of several the one with most of them; None unless it is as unlikely as
    `campaign_chance`.

    They were seen where networks saw them, or chain and shops had those that no network saw; more
    than `campaign_networks` of them by networks of their own. Chance is the share of items that
    are there anyway: others that were seen there, and suspicious ones that chain or shops had
    there. It is a twentieth at least, as if that held for two more items. From a fifth on it is
    their market.
    """
    most = rules.campaign_networks
    seen = _by_country(
        [SeenFrom(of.networks, () if of.networks else of.held_in) for of in suspicious]
    )
    trials = beyond([(*each.networks,) for each in suspicious], most)
    sold = [SeenFrom({}, of.held_in) for of in suspicious if of.networks]
    anyway = [each for each in (*others, *sold) if each.countries]
    there_anyway = _by_country(anyway)
    counts = {country: beyond(of_items, most) for country, of_items in seen.items()}
    countries = sum(items > 0 for items in counts.values())
    found = []
    for country, items in counts.items():
        share = _share_anyway(country, there_anyway.get(country, ()), anyway, rules)
        if share <= _MOST_CHANCE and of_different_networks(seen[country]) > most:
            tail = _at_least(items, max(items, trials), max(share, _LEAST_CHANCE))
            found.append((min(1.0, countries * tail), -items, country))
    probability, items, country = min(found, default=(1.0, 0, ""))
    if probability > rules.campaign_chance:
        return None
    return CommonCountry(country, -items, probability)


def _share_anyway(
    country: str,
    there: Sequence[Collection[str]],
    anyway: Sequence[SeenFrom],
    rules: EntityPolicy,
) -> float:
    """The share of the items `anyway` that were seen in this country; `there`: by which networks.

    Items that `campaign_networks` networks can account for are left out, of those seen there and
    of those seen elsewhere (an item may be both), unless fewer than `campaign_items` remain."""
    most = rules.campaign_networks
    elsewhere = [_outside(country, each) for each in anyway if each.countries - {country}]
    here, compared = len(there), len(anyway)
    left_here = beyond(there, most)
    left = left_here + beyond(elsewhere, most)
    if left >= rules.campaign_items:
        here, compared = left_here, left
    return (here + _SUPPOSED * _LEAST_CHANCE) / (compared + _SUPPOSED)


def _outside(country: str, item: SeenFrom) -> Collection[str]:
    """The networks that saw it in other countries; none in particular if it was held there."""
    if any(held != country for held in item.held_in):
        return ()
    return [network for network, of in item.networks.items() if of not in ("", country)]


def of_different_networks(seen_from: Iterable[Collection[str]]) -> int:
    """So many of these items, at least, were seen from networks of their own, or by known
    scanners alone: taken greedily, those of fewest networks first.

    The network that saw most of them is left out: items that look copied do so without any one
    network, and whoever scans all of them from one makes them no fewer.
    """
    of_items = [frozenset(networks) for networks in seen_from]
    counted = Counter(network for networks in of_items for network in networks)
    commonest = min(counted, key=lambda network: (-counted[network], network), default="")
    if counted[commonest] > 1:
        of_items = [each - {commonest} for each in of_items if each != {commonest}]
    taken: set[str] = set()
    items = 0
    for networks in sorted(of_items, key=lambda networks: (len(networks), sorted(networks))):
        if taken.isdisjoint(networks):
            items += 1
            taken.update(networks)
    return items


def _by_country(items: Iterable[SeenFrom]) -> dict[str, list[Collection[str]]]:
    """For each country, of each item seen there, by which networks; by none in particular if
    chain or shops had it there."""
    seen: dict[str, list[Collection[str]]] = {}
    for item in items:
        there: dict[str, list[str]] = {}
        for network, country in item.networks.items():
            if country:
                there.setdefault(country, []).append(network)
        for country in item.held_in:
            there[country] = []
        for country, networks in there.items():
            seen.setdefault(country, []).append(networks)
    return seen


def beyond(of_items: Sequence[Collection[str]], most: int) -> int:
    """So many of these items, at least, were seen by others than any `most` networks together:
    whoever has no more than these cannot add to them. An item of no network was in known hands, and
    counts.

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
    """The probability of so many or more, each with this chance; 1 for no more than expected."""
    if successes <= trials * chance:
        return 1.0
    ways = lgamma(trials + 1)
    hit, miss = log(chance), log1p(-chance)
    return sum(
        exp(ways - lgamma(n + 1) - lgamma(trials - n + 1) + n * hit + (trials - n) * miss)
        for n in range(successes, trials + 1)
    )
