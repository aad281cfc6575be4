"""Where people live: 64 cities in 46 countries.

Coordinates in WGS 84 degrees, inhabitants of the urban area in millions (rounded;
United Nations, World Urbanization Prospects, 2018 revision).
"""

from collections.abc import Collection
from functools import lru_cache
from math import asin, cos, degrees, radians, sin, sqrt
from random import Random
from typing import Final, NamedTuple

EARTH_RADIUS_KM: Final = 6_371.0
DEGREE_KM: Final = 111.195


class City(NamedTuple):
    """`country` is ISO 3166-1 alpha-2."""

    name: str
    country: str
    lat: float
    lon: float
    millions: float


CITIES: Final = tuple(
    City(*city)
    for city in (
        ("Tokyo", "JP", 35.68, 139.69, 37.4), ("Osaka", "JP", 34.69, 135.50, 19.3),
        ("Seoul", "KR", 37.57, 126.98, 10.0), ("Busan", "KR", 35.18, 129.08, 3.5),
        ("Shanghai", "CN", 31.23, 121.47, 25.6), ("Beijing", "CN", 39.90, 116.41, 19.6),
        ("Guangzhou", "CN", 23.13, 113.26, 12.6), ("Hong Kong", "HK", 22.32, 114.17, 7.4),
        ("Taipei", "TW", 25.03, 121.57, 2.7), ("Manila", "PH", 14.60, 120.98, 13.5),
        ("Jakarta", "ID", -6.21, 106.85, 10.5), ("Surabaya", "ID", -7.26, 112.75, 2.9),
        ("Singapore", "SG", 1.35, 103.82, 5.8), ("Kuala Lumpur", "MY", 3.14, 101.69, 7.6),
        ("Bangkok", "TH", 13.76, 100.50, 10.2), ("Hanoi", "VN", 21.03, 105.85, 4.3),
        ("Ho Chi Minh City", "VN", 10.82, 106.63, 8.1), ("Dhaka", "BD", 23.81, 90.41, 19.6),
        ("Mumbai", "IN", 19.08, 72.88, 20.0), ("Delhi", "IN", 28.61, 77.21, 28.5),
        ("Bengaluru", "IN", 12.97, 77.59, 11.4), ("Karachi", "PK", 24.86, 67.00, 15.4),
        ("Dubai", "AE", 25.20, 55.27, 2.8), ("Riyadh", "SA", 24.71, 46.68, 6.9),
        ("Tehran", "IR", 35.69, 51.39, 8.9), ("Istanbul", "TR", 41.01, 28.98, 14.8),
        ("Ankara", "TR", 39.93, 32.86, 4.9), ("Cairo", "EG", 30.04, 31.24, 20.1),
        ("Casablanca", "MA", 33.57, -7.59, 3.7), ("Lagos", "NG", 6.52, 3.38, 13.5),
        ("Kano", "NG", 12.00, 8.52, 3.8), ("Accra", "GH", 5.60, -0.19, 2.4),
        ("Nairobi", "KE", -1.29, 36.82, 4.4), ("Addis Ababa", "ET", 9.03, 38.74, 4.4),
        ("Johannesburg", "ZA", -26.20, 28.05, 5.5), ("Cape Town", "ZA", -33.92, 18.42, 4.4),
        ("London", "GB", 51.51, -0.13, 9.0), ("Manchester", "GB", 53.48, -2.24, 2.7),
        ("Paris", "FR", 48.86, 2.35, 10.9), ("Lyon", "FR", 45.76, 4.84, 1.7),
        ("Berlin", "DE", 52.52, 13.40, 3.6), ("Munich", "DE", 48.14, 11.58, 1.5),
        ("Zurich", "CH", 47.38, 8.54, 1.4), ("Vienna", "AT", 48.21, 16.37, 1.9),
        ("Madrid", "ES", 40.42, -3.70, 6.5), ("Barcelona", "ES", 41.39, 2.17, 5.5),
        ("Lisbon", "PT", 38.72, -9.14, 2.9), ("Rome", "IT", 41.90, 12.50, 4.2),
        ("Milan", "IT", 45.46, 9.19, 3.1), ("Athens", "GR", 37.98, 23.73, 3.2),
        ("Warsaw", "PL", 52.23, 21.01, 1.8), ("Kyiv", "UA", 50.45, 30.52, 3.0),
        ("Stockholm", "SE", 59.33, 18.07, 1.6), ("Amsterdam", "NL", 52.37, 4.90, 1.1),
        ("New York", "US", 40.71, -74.01, 18.8), ("Chicago", "US", 41.88, -87.63, 8.9),
        ("Los Angeles", "US", 34.05, -118.24, 12.4), ("Toronto", "CA", 43.65, -79.38, 6.1),
        ("Mexico City", "MX", 19.43, -99.13, 21.6), ("Bogota", "CO", 4.71, -74.07, 10.6),
        ("Lima", "PE", -12.05, -77.04, 10.4), ("Sao Paulo", "BR", -23.55, -46.63, 21.7),
        ("Buenos Aires", "AR", -34.60, -58.38, 15.0), ("Sydney", "AU", -33.87, 151.21, 4.8),
    )
)  # fmt: skip

COUNTRIES: Final = tuple(sorted({city.country for city in CITIES}))


@lru_cache(maxsize=4_096)
def cities_of(countries: tuple[str, ...]) -> tuple[City, ...]:
    """The cities of these countries; all of them for an empty selection."""
    return tuple(city for city in CITIES if not countries or city.country in countries)


def some_city(draw: Random, countries: tuple[str, ...] = ()) -> City:
    """A city, by its number of inhabitants."""
    cities = cities_of(countries)
    return draw.choices(cities, [city.millions for city in cities])[0]


def another_city(draw: Random, than: City, countries: tuple[str, ...] = ()) -> City:
    """Another city of these countries; the same one if they have no other."""
    others = tuple(city for city in cities_of(countries) if city is not than)
    return draw.choice(others) if others else than


def city_abroad(draw: Random, home: Collection[str]) -> City:
    """A city outside these countries."""
    return draw.choice([city for city in CITIES if city.country not in home])


def km_between(one: City, other: City) -> float:
    """Great-circle distance (haversine formula)."""
    up = sin(radians(other.lat - one.lat) / 2) ** 2
    along = sin(radians(other.lon - one.lon) / 2) ** 2
    chord = up + cos(radians(one.lat)) * cos(radians(other.lat)) * along
    return 2 * EARTH_RADIUS_KM * asin(sqrt(chord))


def moved(lat: float, lon: float, north_km: float, east_km: float) -> tuple[float, float]:
    """A point so far away, on a plane that touches the earth here: good for a few hundred km."""
    new_lat = max(-89.9, min(89.9, lat + north_km / DEGREE_KM))
    along = degrees(east_km / (EARTH_RADIUS_KM * cos(radians(lat))))
    return new_lat, (lon + along + 180.0) % 360.0 - 180.0
