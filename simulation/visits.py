"""What really happens: a person scans the code of a physical item.

A visit is the truth; what a scanner reports of it, and when, is decided by
`simulation.noise`. Times are seconds since 1970, UTC.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

from authenticity.gs1.item import ItemId
from authenticity.records.scan import PUBLIC_PAGE, Act, Channel, RefusalGround
from simulation.cities import City, moved
from simulation.draws import stamp_of

MINUTE_S: Final = 60.0
HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0
"""The publisher of all scans without a token."""
_CITY_RADIUS_KM: Final = 8.0


@dataclass(frozen=True, slots=True)
class ScannedObject:
    """What is scanned. `item` is what its code claims; `print_code` gives the text when read.

    `on_screen`: not a pack but a picture, of a real code or of an invented one.
    """

    physical: str
    genuine: bool
    item: ItemId
    print_code: Callable[[], str]
    on_screen: bool = False


class ScannerSession(NamedTuple):
    """Who scans: one session of one publisher. `authorised`: a known scanner.

    `phone` names an anonymous phone whose habits outlive the session; empty where that does
    not matter, since the phone is met in one session alone.
    """

    publisher: str
    channel: Channel
    authorised: bool
    session: str
    phone: str = ""


class Spot(NamedTuple):
    """A real place, in WGS 84 degrees."""

    lat: float
    lon: float
    country: str


class UplinkKind(StrEnum):
    """What connects a scanner to the Internet."""

    LINE = "line"
    MOBILE = "mobile"
    EXIT = "exit"
    RELAY = "relay"
    GATEWAY = "gateway"
    SATELLITE = "satellite"


class Uplink(NamedTuple):
    """One network: the one with this number, of this kind, at this place.

    The place of a line is the middle of its cell, that of the others a city's. `exit` is the
    far end of a VPN, `relay` that of a relay in the country, `gateway` a company's, and
    `satellite` the ground station of a satellite line.
    """

    kind: UplinkKind
    lat: float
    lon: float
    country: str
    number: int


class Visit(NamedTuple):
    """One reading. `behaviour` names why it was made, for the truth file alone.

    `operation` is the SSCC of the case, where only its label was read. The next three are
    what an attacker can choose: the false place and the time that the device states, and
    which of its own networks it sends through. `home`: where the owner's contract is, while
    the owner is abroad. `refused_for` is what an officer states of a refusal.
    """

    scanned: ScannedObject
    scanner: ScannerSession
    at_s: float
    spot: Spot
    behaviour: str
    act: Act | None = None
    operation: str | None = None
    reported: Spot | None = None
    claimed_s: float | None = None
    uplink: Uplink | None = None
    home: Spot | None = None
    refused_for: RefusalGround | None = None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The simulated time: nothing is captured outside it. `end_s` is excluded."""

    start_s: float
    end_s: float

    @property
    def days(self) -> float:
        """Its length in days."""
        return (self.end_s - self.start_s) / DAY_S

    def within(self, visits: list[Visit]) -> list[Visit]:
        """Those of these visits that fall into it."""
        return [visit for visit in visits if self.start_s <= visit.at_s < self.end_s]


def consumer(draw: Random) -> ScannerSession:
    """An anonymous phone in a session of its own."""
    return ScannerSession(PUBLIC_PAGE, Channel.CONSUMER, False, f"{draw.getrandbits(64):016x}")


def phone_session(phone: str, at_s: float, session_days: float) -> ScannerSession:
    """The session of this phone at that time. Sessions of a phone follow one another, each
    `session_days` long; with 0 every scan has its own."""
    if session_days:
        turn = int(phone, 16) % 1_000 / 1_000
        number = int(at_s / (session_days * DAY_S) + turn)
    else:
        number = round(at_s * 1_000)
    session = stamp_of(0, "session", phone, number)
    return ScannerSession(PUBLIC_PAGE, Channel.CONSUMER, False, session, phone)


def till(draw: Random, publisher: str) -> ScannerSession:
    """A till of this shop, a known scanner, in a session of its own."""
    return ScannerSession(publisher, Channel.RETAIL, True, f"{draw.getrandbits(64):016x}")


def shop_name(city: City, number: int) -> str:
    """The publisher of a shop."""
    return f"shop-{city.name.lower().replace(' ', '-')}-{number}"


def shop(draw: Random, city: City) -> ScannerSession:
    """A till of one of the city's shops."""
    return till(draw, shop_name(city, draw.randint(1, 5)))


def officer(draw: Random, city: City) -> ScannerSession:
    """A customs officer during one inspection."""
    publisher = f"customs-{city.country.lower()}"
    return ScannerSession(publisher, Channel.CUSTOMS, True, f"{draw.getrandbits(64):016x}")


def spot_in(draw: Random, city: City) -> Spot:
    """A place in or around the city."""
    return spot_around(draw, city, _CITY_RADIUS_KM)


def spot_around(draw: Random, city: City, deviation_km: float) -> Spot:
    """A place around the city, normal in each direction."""
    north, east = draw.gauss(0, deviation_km), draw.gauss(0, deviation_km)
    return Spot(*moved(city.lat, city.lon, north, east), city.country)
