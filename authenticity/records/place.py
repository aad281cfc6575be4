"""Where a scanner says it is."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

Country = Annotated[str, Meta(pattern="^[A-Z]{2}$", max_length=2)]
"""ISO 3166-1 alpha-2."""


class PlaceSource(StrEnum):
    """How a place was found; it decides how far the place can be believed."""

    GPS = "gps"
    WIFI = "wifi"
    FIXED_IP = "fixed-ip"
    MOBILE_IP = "mobile-ip"
    DECLARED = "declared"


class Place(Struct, frozen=True, gc=False):
    """WGS 84 degrees and the radius, in km, in which the reading took place."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    accuracy_km: Annotated[float, Meta(ge=0, le=20_040)]
    source: PlaceSource
    country: Country | None = None
