"""The way of a case to the shop: plant, distribution centre, wholesaler, retailer.

Packs travel in cases, cases on pallets; who reads the label of either (an SSCC) names the
case, and what is in it follows by aggregation. Only some partners share what they read,
and each of them misses a share of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Annotated, Final, NamedTuple

from authenticity.records.scan import Act, Channel
from simulation.cities import City, some_city
from simulation.draws import stamp_of, stream_of
from simulation.setting import Setting, share_of
from simulation.visits import DAY_S, ScannerSession, Spot, shop_name, spot_in
from simulation.world import World

SSCC_PREFIX: Final = "https://id.gs1.org/00/"
_WHOLESALERS: Final = 4
_SHOPS_A_MILLION: Final = 3


@dataclass(frozen=True, slots=True)
class Chain:
    """Shares and sizes. `sharing` is the share of partners that report what they read.

    A site's read-miss rate is one of `read_misses`; a shop that takes part
    (`tills`) records each of its sales. `parallel_batches` and `parallel_cases` are the
    share of batches that a re-packager buys from, and of their cases that he buys.
    """

    sharing: Annotated[float, share_of("partners")] = 0.3
    read_misses: Annotated[tuple[float, ...], share_of("a site's readings")] = (0.0, 0.1, 0.2, 0.4)
    case_packs: Annotated[int, Setting("packs", 1, 1_000)] = 24
    pallet_cases: Annotated[int, Setting("cases", 1, 1_000)] = 40
    tills: Annotated[float, share_of("shops")] = 0.15
    shelf_days: Annotated[float, Setting("days, mean", 0.1, 365)] = 20.0
    parallel_batches: Annotated[float, share_of("batches")] = 0.10
    parallel_cases: Annotated[float, share_of("cases of such a batch")] = 0.30


class Site(NamedTuple):
    """One place of business. `records`: its till takes part."""

    name: str
    channel: Channel
    city: City
    spot: Spot
    shares: bool
    misses: float
    records: bool


class Reading(NamedTuple):
    """A case's label was read, and it was reported."""

    scanner: ScannerSession
    at_s: float
    spot: Spot
    act: Act | None = None


class Route(NamedTuple):
    """How one case came to its shop. `border_s` is when customs could inspect it."""

    sscc: str
    shop: Site
    readings: tuple[Reading, ...]
    border_s: float
    wholesaler: Site
    arrives_s: float
    is_parallel: bool


class Routes:
    """The routes of a world's cases, each the same in any process."""

    def __init__(self, world: World, chain: Chain) -> None:
        self._world = world
        self.chain = chain
        self._sites: dict[str, Site] = {}
        self._latest: tuple[tuple[int, int], Route] | None = None

    def route_of(self, index: int) -> Route:
        """Of the case that this pack was put into."""
        batch = self._world.batch_number(index)
        case = (index - self._world.packs_of(batch).start) // self.chain.case_packs
        if self._latest is None or self._latest[0] != (batch, case):
            self._latest = ((batch, case), self._make(batch, case))
        return self._latest[1]

    def site(self, name: str, channel: Channel, city: City) -> Site:
        """A place of business; what it is like follows from its name."""
        if name not in self._sites:
            draw = stream_of(self._world.seed, "site", name)
            chain = self.chain
            self._sites[name] = Site(
                name, channel, city, spot_in(draw, city),
                draw.random() < chain.sharing, draw.choice(chain.read_misses),
                draw.random() < chain.tills,
            )  # fmt: skip
        return self._sites[name]

    def shop_in(self, draw: Random, city: City) -> Site:
        """One of the city's shops; a large city has more of them."""
        number = draw.randint(1, max(5, round(_SHOPS_A_MILLION * city.millions)))
        return self.site(shop_name(city, number), Channel.RETAIL, city)

    def _make(self, batch: int, case: int) -> Route:
        """1. Where the batch goes. 2. The pallet's way. 3. The case's way."""
        world, chain = self._world, self.chain
        cases = -(-len(world.packs_of(batch)) // chain.case_packs)
        countries = self._destinations(batch)
        turn, place = case * len(countries) // cases, case // chain.pallet_cases
        draw = stream_of(world.seed, "pallet", batch, turn, place)
        released_at = world.pack(world.packs_of(batch).start).batch.released_at
        assert released_at is not None
        at_s = released_at.timestamp() + draw.uniform(0.5, 4) * DAY_S
        plant, centre = self._plant(batch), self._centre(batch, countries[turn])
        readings = list(self._read(plant, at_s, draw, batch, case))
        at_s += draw.uniform(1, 5) * DAY_S
        readings += self._read(centre, at_s, draw, batch, case)
        border_s = at_s + draw.uniform(0.5, 3) * DAY_S
        wholesaler = self._wholesaler(draw, countries[turn])
        at_s = border_s + draw.uniform(0.5, 5) * DAY_S

        draw = stream_of(world.seed, "case", batch, case)
        readings += self._read(wholesaler, at_s, draw, batch, case)
        country = countries[turn]
        at_s += draw.uniform(1, 14) * DAY_S
        market = world.parallel_market(batch)
        is_parallel = market is not None and draw.random() < chain.parallel_cases
        if market is not None and is_parallel:
            country = market
            at_s += draw.uniform(2, 10) * DAY_S
            readings.append(self._repacked(market, at_s, batch, case))
        at_s += draw.uniform(0.5, 6) * DAY_S
        shop = self.shop_in(draw, some_city(draw, (country,)))
        readings += self._read(shop, at_s, draw, batch, case)
        sscc = SSCC_PREFIX + sscc_18(world.maker_of(batch).prefix, batch * 100_000 + case)
        return Route(
            sscc, shop, tuple(readings), border_s, wholesaler, at_s + 0.2 * DAY_S, is_parallel
        )

    def _destinations(self, batch: int) -> list[str]:
        """One to three of the batch's own markets; any country if it has none."""
        world = self._world
        draw = stream_of(world.seed, "destinations", batch)
        parallel = world.parallel_market(batch)
        markets = world.pack(world.packs_of(batch).start).batch.markets
        own = [country for country in markets if country != parallel]
        if not own:
            return [some_city(draw).country for _ in range(draw.randint(1, 3))]
        return draw.sample(own, min(len(own), draw.randint(1, 3)))

    def _plant(self, batch: int) -> Site:
        issuer = self._world.maker_of(batch).issuer
        city = some_city(stream_of(self._world.seed, "plant", issuer))
        return self.site(f"plant-{issuer}", Channel.MAKER, city)

    def _centre(self, batch: int, country: str) -> Site:
        """A maker's distribution centre for this country."""
        name = f"centre-{self._world.maker_of(batch).issuer}-{country.lower()}"
        return self.site(name, Channel.LOGISTICS, self._city_of(name, country))

    def _wholesaler(self, draw: Random, country: str) -> Site:
        name = f"wholesaler-{country.lower()}-{draw.randint(1, _WHOLESALERS)}"
        return self.site(name, Channel.LOGISTICS, self._city_of(name, country))

    def _city_of(self, name: str, country: str) -> City:
        return some_city(stream_of(self._world.seed, "city of", name), (country,))

    def _read(
        self, site: Site, at_s: float, draw: Random, batch: int, case: int
    ) -> Iterator[Reading]:
        missed = draw.random() < site.misses
        if site.shares and not missed:
            channel = Channel.LOGISTICS if site.channel is Channel.RETAIL else site.channel
            scanner = ScannerSession(site.name, channel, True, self._session(site, batch, case))
            yield Reading(scanner, at_s, site.spot)

    def _session(self, site: Site, batch: int, case: int) -> str:
        return stamp_of(self._world.seed, "session", site.name, batch, case)

    def _repacked(self, market: str, at_s: float, batch: int, case: int) -> Reading:
        """A licensed trader opens each case: his reading is part of his duty, never missed."""
        name = f"repackager-{market.lower()}"
        site = self.site(name, Channel.LOGISTICS, self._city_of(name, market))
        session = self._session(site, batch, case)
        scanner = ScannerSession(name, Channel.LOGISTICS, True, session)
        return Reading(scanner, at_s, site.spot, Act.INSPECT_CONFORMANT)


def sscc_18(prefix: str, number: int) -> str:
    """A serial shipping container code with extension digit 0 (GS1 General Specifications
    3.3.1, check digit 7.9) of a 7-digit company prefix."""
    digits = f"0{prefix}{number:09d}"
    weighted = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"
