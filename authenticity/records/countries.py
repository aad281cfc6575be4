"""Where countries are, coarsely: a centre with a radius, and boxes that hold the territory.

`countries.csv` beside this module says where the figures come from. An address database that
knows countries alone has no places: the centre and the radius stand in for them.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from math import cos, radians
from types import MappingProxyType
from typing import Final

TOLERANCE_KM: Final = 100.0
"""Phones name the neighbour near a border, and outlines at this scale miss islets."""
_KM_A_DEGREE: Final = 111.2
_LEAST_COSINE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees; `west` is never above `east`: a territory across the date line has two."""

    south: float
    west: float
    north: float
    east: float

    def holds(self, lat: float, lon: float, within_km: float) -> bool:
        """Whether the point is in the box, or at most so far outside one of its sides."""
        margin = within_km / _KM_A_DEGREE
        if not self.south - margin <= lat <= self.north + margin:
            return False
        wide = margin / max(_LEAST_COSINE, cos(radians(min(abs(lat), 90.0))))
        return any(self.west - wide <= lon + turn <= self.east + wide for turn in (-360, 0, 360))


@dataclass(frozen=True, slots=True)
class CountryArea:
    """`lat`, `lon`: centre of the main territory; `radius_km` holds nearly all of it."""

    lat: float
    lon: float
    radius_km: float
    boxes: tuple[Box, ...]


def is_in_country(country: str, lat: float, lon: float, accuracy_km: float = 0.0) -> bool:
    """Whether a place may lie in this country: coarse, and in favour of the country.

    True for a country that the table does not know.
    """
    area = COUNTRY_AREAS.get(country)
    within_km = accuracy_km + TOLERANCE_KM
    return area is None or any(box.holds(lat, lon, within_km) for box in area.boxes)


def _read(text: str) -> Mapping[str, CountryArea]:
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return MappingProxyType({row["country"]: _area(row) for row in rows})


def _area(row: Mapping[str, str]) -> CountryArea:
    boxes = tuple(Box(*map(float, box.split("/"))) for box in row["boxes"].split())
    return CountryArea(float(row["lat"]), float(row["lon"]), float(row["radius_km"]), boxes)


COUNTRY_AREAS: Final = _read(files(__package__).joinpath("countries.csv").read_text("utf-8"))
