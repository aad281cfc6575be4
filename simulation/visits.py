"""What really happens: a person scans the code of a physical item.

A visit is the truth; what a scanner reports of it, and when, is decided by
`simulation.noise`. Times are seconds since 1970, UTC.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from authenticity.gs1.item import ItemId
from authenticity.records.scan import Act, Channel
from simulation.cities import City, moved

MINUTE_S: Final = 60.0
HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0
_CITY_RADIUS_KM: Final = 8.0


@dataclass(frozen=True, slots=True)
class ScannedObject:
    """What a reader scans. `item` is what its code claims; `print_code` gives the text when read.

    `on_screen`: no pack at all, but a picture of a code, or one made up.
    """

    physical: str
    genuine: bool
    item: ItemId
    print_code: Callable[[], str]
    on_screen: bool = False


class Reader(NamedTuple):
    """One session of one publisher. `authorised` readers are known scanners."""

    publisher: str
    channel: Channel
    authorised: bool
    session: str


class Spot(NamedTuple):
    """Where it really is, in WGS 84 degrees."""

    lat: float
    lon: float
    country: str


class Visit(NamedTuple):
    """One reading. `behaviour` names why it was made, for the truth file alone.

    `operation` is the SSCC of the case, where only its label was read. `reported` is the
    false place that the reader states.
    """

    scanned: ScannedObject
    reader: Reader
    at_s: float
    spot: Spot
    behaviour: str
    act: Act | None = None
    operation: str | None = None
    reported: Spot | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The time that is simulated: nothing is captured outside it."""

    start_s: float
    end_s: float

    @property
    def days(self) -> float:
        """How long it is."""
        return (self.end_s - self.start_s) / DAY_S

    def within(self, visits: list[Visit]) -> list[Visit]:
        """Those that fall into it."""
        return [visit for visit in visits if self.start_s <= visit.at_s < self.end_s]


def consumer(draw: Random) -> Reader:
    """Somebody's phone, anonymous, in a session of its own."""
    return Reader("consumer-web", Channel.CONSUMER, False, f"{draw.getrandbits(64):016x}")


def till(draw: Random, publisher: str) -> Reader:
    """A sale at this shop, which is known to us."""
    return Reader(publisher, Channel.RETAIL, True, f"{draw.getrandbits(64):016x}")


def shop_name(city: City, number: int) -> str:
    """The publisher of a shop."""
    return f"shop-{city.name.lower().replace(' ', '-')}-{number}"


def shop(draw: Random, city: City) -> Reader:
    """A till that is known to us."""
    return till(draw, shop_name(city, draw.randint(1, 5)))


def officer(draw: Random, city: City) -> Reader:
    """Customs, on one inspection."""
    publisher = f"customs-{city.country.lower()}"
    return Reader(publisher, Channel.CUSTOMS, True, f"{draw.getrandbits(64):016x}")


def spot_in(draw: Random, city: City) -> Spot:
    """A place in or around the city."""
    north, east = draw.gauss(0, _CITY_RADIUS_KM), draw.gauss(0, _CITY_RADIUS_KM)
    return Spot(*moved(city.lat, city.lon, north, east), city.country)
