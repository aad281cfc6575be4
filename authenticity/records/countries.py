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

from authenticity.errors import InputError

TOLERANCE_KM: Final = 100.0
"""Phones name the neighbour near a border, and outlines at this scale miss islets."""
_MEANT: Final = {"UK": "GB", "EL": "GR"}
"""Codes that the European Union writes."""
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


def known_country(country: str) -> str:
    """This country, whoever names it: a body, a gateway, a file, an order or a policy.

    Raises `InputError` for a code that ISO 3166-1 does not assign (alpha-2; and XK, which
    addresses are registered under).
    """
    if country in COUNTRY_AREAS:
        return country
    upper = country.upper()
    meant = _MEANT.get(upper) or (upper if upper in COUNTRY_AREAS else None)
    raise InputError(
        f"{country!r:.20} is no country" + (f": did you mean {meant}?" if meant else ""),
        next_step="give the two capitals of ISO 3166-1, as GB, KR or FR",
    )


def is_in_country(country: str, lat: float, lon: float, accuracy_km: float = 0.0) -> bool:
    """Whether a place may lie in this country: coarse, and in favour of the country.

    Of a radius no more counts than the country's own: a larger one says nothing of where in
    the world the place is. False for a country that there is not.
    """
    area = COUNTRY_AREAS.get(country)
    if area is None:
        return False
    within_km = min(accuracy_km, max(area.radius_km, TOLERANCE_KM)) + TOLERANCE_KM
    return any(box.holds(lat, lon, within_km) for box in area.boxes)


def _read(text: str) -> Mapping[str, CountryArea]:
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return MappingProxyType({row["country"]: _area(row) for row in rows})


def _area(row: Mapping[str, str]) -> CountryArea:
    boxes = tuple(Box(*map(float, box.split("/"))) for box in row["boxes"].split())
    return CountryArea(float(row["lat"]), float(row["lon"]), float(row["radius_km"]), boxes)


COUNTRY_AREAS: Final = _read(files(__package__).joinpath("countries.csv").read_text("utf-8"))
