"""The place that a scanner itself reports, with its errors.

Phones that are asked and do not refuse answer with GPS; the others state no place. Known scanners
always state theirs. What a network address tells is in `simulation.networks`.
"""

from dataclasses import dataclass
from math import cos, pi, sin
from random import Random
from typing import Annotated, Final

from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import Channel
from simulation.cities import moved
from simulation.draws import lognormal
from simulation.setting import share_of
from simulation.visits import Spot

_GPS_ERROR_KM: Final = 0.02
_COARSE_KM: Final = 5.0
_ADDRESSED: Final = frozenset((Channel.RETAIL, Channel.LOGISTICS, Channel.MAKER))


@dataclass(frozen=True, slots=True)
class Positioning:
    """Whether phones say where they are. `coarse`: of those that do, some only to a few km."""

    asked: Annotated[float, share_of("sessions")] = 1.0
    refused: Annotated[float, share_of("those asked")] = 0.75
    coarse: Annotated[float, share_of("those that answer")] = 0.0

    @property
    def answered(self) -> float:
        """The share of sessions with a place of the phone's own."""
        return self.asked * (1 - self.refused)


def consumer_place(
    draw: Random, spot: Spot, positioning: Positioning, *, willing: bool | None = None
) -> Place | None:
    """Where an anonymous phone says it is, if its owner lets it.

    `willing`: whether this owner lets phones tell; None to draw that too.
    """
    if willing is None:
        answers = draw.random() < positioning.answered
    else:
        answers = willing and draw.random() < positioning.asked
    if not answers:
        return None
    if positioning.coarse and draw.random() < positioning.coarse:
        return _near(draw, spot, _COARSE_KM)
    return _near(draw, spot)


def exact_place(spot: Spot) -> Place:
    """GPS without an error."""
    return _place(spot.lat, spot.lon, _GPS_ERROR_KM, PlaceSource.GPS, spot.country)


def known_place(draw: Random, spot: Spot, channel: Channel) -> Place:
    """Where a known scanner is: tills and warehouses at their address, an officer by GPS."""
    if channel in _ADDRESSED:
        return _place(spot.lat, spot.lon, 0.1, PlaceSource.DECLARED, spot.country)
    return _near(draw, spot)


def _near(draw: Random, spot: Spot, error_km: float = _GPS_ERROR_KM) -> Place:
    off_km = lognormal(draw, error_km, 0.5)
    bearing = draw.uniform(0, 2 * pi)
    lat, lon = moved(spot.lat, spot.lon, off_km * cos(bearing), off_km * sin(bearing))
    return _place(lat, lon, error_km, PlaceSource.GPS, spot.country)


def _place(lat: float, lon: float, radius_km: float, source: PlaceSource, country: str) -> Place:
    return Place(round(lat, 4), round(lon, 4), radius_km, source, country)
