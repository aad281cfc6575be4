"""Where people live: 131 cities in 58 countries, and how far addresses are off there.

Coordinates in WGS 84 degrees, inhabitants of the urban area in millions, rounded (United
Nations, World Urbanization Prospects, 2018 revision).
"""

from collections.abc import Collection
from functools import lru_cache
from itertools import accumulate
from math import cos, degrees, radians
from random import Random
from typing import Final, NamedTuple

from authenticity.history.observation import EARTH_RADIUS_KM, great_circle_km

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
        ("Tokyo", "JP", 35.68, 139.69, 37.5), ("Osaka", "JP", 34.69, 135.50, 19.3),
        ("Nagoya", "JP", 35.18, 136.91, 9.5), ("Fukuoka", "JP", 33.59, 130.40, 5.6),
        ("Seoul", "KR", 37.57, 126.98, 10.0), ("Busan", "KR", 35.18, 129.08, 3.5),
        ("Daegu", "KR", 35.87, 128.60, 2.2),
        ("Shanghai", "CN", 31.23, 121.47, 25.6), ("Beijing", "CN", 39.90, 116.41, 19.6),
        ("Chongqing", "CN", 29.56, 106.55, 14.8), ("Tianjin", "CN", 39.34, 117.36, 13.2),
        ("Guangzhou", "CN", 23.13, 113.26, 12.6), ("Shenzhen", "CN", 22.54, 114.06, 11.9),
        ("Chengdu", "CN", 30.57, 104.07, 8.8), ("Wuhan", "CN", 30.59, 114.31, 8.2),
        ("Hong Kong", "HK", 22.32, 114.17, 7.4), ("Taipei", "TW", 25.03, 121.57, 2.7),
        ("Kaohsiung", "TW", 22.63, 120.30, 1.5),
        ("Manila", "PH", 14.60, 120.98, 13.5), ("Davao", "PH", 7.19, 125.46, 1.7),
        ("Jakarta", "ID", -6.21, 106.85, 10.5), ("Surabaya", "ID", -7.26, 112.75, 2.9),
        ("Bandung", "ID", -6.92, 107.61, 2.5), ("Medan", "ID", 3.60, 98.67, 2.3),
        ("Singapore", "SG", 1.35, 103.82, 5.8), ("Kuala Lumpur", "MY", 3.14, 101.69, 7.6),
        ("Johor Bahru", "MY", 1.49, 103.74, 1.0),
        ("Bangkok", "TH", 13.76, 100.50, 10.2), ("Chiang Mai", "TH", 18.79, 98.99, 1.1),
        ("Hanoi", "VN", 21.03, 105.85, 4.3), ("Ho Chi Minh City", "VN", 10.82, 106.63, 8.1),
        ("Dhaka", "BD", 23.81, 90.41, 19.6), ("Chittagong", "BD", 22.36, 91.78, 4.8),
        ("Mumbai", "IN", 19.08, 72.88, 20.0), ("Delhi", "IN", 28.61, 77.21, 28.5),
        ("Kolkata", "IN", 22.57, 88.36, 14.7), ("Bengaluru", "IN", 12.97, 77.59, 11.4),
        ("Chennai", "IN", 13.08, 80.27, 10.5), ("Hyderabad", "IN", 17.39, 78.49, 9.5),
        ("Karachi", "PK", 24.86, 67.00, 15.4), ("Lahore", "PK", 31.52, 74.36, 11.7),
        ("Colombo", "LK", 6.93, 79.85, 0.6), ("Tashkent", "UZ", 41.30, 69.24, 2.5),
        ("Almaty", "KZ", 43.24, 76.89, 1.8),
        ("Dubai", "AE", 25.20, 55.27, 2.8), ("Abu Dhabi", "AE", 24.45, 54.38, 1.4),
        ("Riyadh", "SA", 24.71, 46.68, 6.9), ("Jeddah", "SA", 21.49, 39.19, 4.4),
        ("Tehran", "IR", 35.69, 51.39, 8.9), ("Mashhad", "IR", 36.26, 59.62, 3.1),
        ("Amman", "JO", 31.95, 35.93, 2.1), ("Tel Aviv", "IL", 32.08, 34.78, 4.0),
        ("Istanbul", "TR", 41.01, 28.98, 14.8), ("Ankara", "TR", 39.93, 32.86, 4.9),
        ("Izmir", "TR", 38.42, 27.14, 2.9),
        ("Cairo", "EG", 30.04, 31.24, 20.1), ("Alexandria", "EG", 31.20, 29.92, 5.1),
        ("Casablanca", "MA", 33.57, -7.59, 3.7), ("Rabat", "MA", 34.02, -6.84, 1.8),
        ("Lagos", "NG", 6.52, 3.38, 13.5), ("Kano", "NG", 12.00, 8.52, 3.8),
        ("Ibadan", "NG", 7.38, 3.95, 3.4), ("Abuja", "NG", 9.06, 7.49, 2.9),
        ("Accra", "GH", 5.60, -0.19, 2.4), ("Kumasi", "GH", 6.69, -1.62, 3.1),
        ("Nairobi", "KE", -1.29, 36.82, 4.4), ("Mombasa", "KE", -4.04, 39.66, 1.2),
        ("Addis Ababa", "ET", 9.03, 38.74, 4.4), ("Dar es Salaam", "TZ", -6.79, 39.21, 6.0),
        ("Johannesburg", "ZA", -26.20, 28.05, 5.5), ("Cape Town", "ZA", -33.92, 18.42, 4.4),
        ("Durban", "ZA", -29.86, 31.02, 3.1),
        ("London", "GB", 51.51, -0.13, 9.0), ("Manchester", "GB", 53.48, -2.24, 2.7),
        ("Birmingham", "GB", 52.49, -1.89, 2.6), ("Glasgow", "GB", 55.86, -4.25, 1.7),
        ("Dublin", "IE", 53.35, -6.26, 1.2),
        ("Paris", "FR", 48.86, 2.35, 10.9), ("Lyon", "FR", 45.76, 4.84, 1.7),
        ("Marseille", "FR", 43.30, 5.37, 1.6), ("Lille", "FR", 50.63, 3.07, 1.1),
        ("Berlin", "DE", 52.52, 13.40, 3.6), ("Hamburg", "DE", 53.55, 9.99, 1.8),
        ("Munich", "DE", 48.14, 11.58, 1.5), ("Cologne", "DE", 50.94, 6.96, 1.1),
        ("Zurich", "CH", 47.38, 8.54, 1.4), ("Geneva", "CH", 46.20, 6.14, 0.6),
        ("Vienna", "AT", 48.21, 16.37, 1.9), ("Prague", "CZ", 50.08, 14.44, 1.3),
        ("Budapest", "HU", 47.50, 19.04, 1.8), ("Bucharest", "RO", 44.43, 26.10, 1.8),
        ("Madrid", "ES", 40.42, -3.70, 6.5), ("Barcelona", "ES", 41.39, 2.17, 5.5),
        ("Lisbon", "PT", 38.72, -9.14, 2.9), ("Porto", "PT", 41.15, -8.61, 1.3),
        ("Rome", "IT", 41.90, 12.50, 4.2), ("Milan", "IT", 45.46, 9.19, 3.1),
        ("Naples", "IT", 40.85, 14.27, 2.2), ("Athens", "GR", 37.98, 23.73, 3.2),
        ("Warsaw", "PL", 52.23, 21.01, 1.8), ("Krakow", "PL", 50.06, 19.94, 0.8),
        ("Kyiv", "UA", 50.45, 30.52, 3.0), ("Kharkiv", "UA", 49.99, 36.23, 1.4),
        ("Stockholm", "SE", 59.33, 18.07, 1.6), ("Amsterdam", "NL", 52.37, 4.90, 1.1),
        ("Rotterdam", "NL", 51.92, 4.48, 1.0), ("Brussels", "BE", 50.85, 4.35, 2.1),
        ("New York", "US", 40.71, -74.01, 18.8), ("Chicago", "US", 41.88, -87.63, 8.9),
        ("Los Angeles", "US", 34.05, -118.24, 12.4), ("Houston", "US", 29.76, -95.37, 6.1),
        ("Dallas", "US", 32.78, -96.80, 6.1), ("Miami", "US", 25.76, -80.19, 6.0),
        ("Atlanta", "US", 33.75, -84.39, 5.6), ("San Francisco", "US", 37.77, -122.42, 3.3),
        ("Toronto", "CA", 43.65, -79.38, 6.1), ("Montreal", "CA", 45.50, -73.57, 4.2),
        ("Vancouver", "CA", 49.28, -123.12, 2.5),
        ("Mexico City", "MX", 19.43, -99.13, 21.6), ("Guadalajara", "MX", 20.66, -103.35, 5.0),
        ("Monterrey", "MX", 25.69, -100.32, 4.7),
        ("Bogota", "CO", 4.71, -74.07, 10.6), ("Medellin", "CO", 6.24, -75.58, 3.9),
        ("Lima", "PE", -12.05, -77.04, 10.4), ("Santiago", "CL", -33.45, -70.67, 6.7),
        ("Sao Paulo", "BR", -23.55, -46.63, 21.7), ("Rio de Janeiro", "BR", -22.91, -43.17, 13.3),
        ("Buenos Aires", "AR", -34.60, -58.38, 15.0), ("Cordoba", "AR", -31.42, -64.18, 1.5),
        ("Sydney", "AU", -33.87, 151.21, 4.8), ("Melbourne", "AU", -37.81, 144.96, 4.8),
    )
)  # fmt: skip


class Addresses(NamedTuple):
    """A country's region, and the median error, in km, of a fixed and of a mobile address."""

    region: str
    fixed_km: float
    mobile_km: float


_FIXED_KM: Final = {
    "Europe": {
        "GB": 7, "IE": 8, "FR": 9, "DE": 6, "CH": 5, "AT": 6, "CZ": 6, "HU": 7, "RO": 9,
        "ES": 8, "PT": 8, "IT": 9, "GR": 10, "PL": 8, "UA": 10, "SE": 6, "NL": 3, "BE": 4,
    },
    "America": {
        "US": 5, "CA": 6, "MX": 11, "CO": 11, "PE": 12, "CL": 10, "BR": 11, "AR": 11,
    },
    "Asia": {
        "JP": 5, "KR": 4, "CN": 12, "HK": 3, "TW": 5, "PH": 13, "ID": 14, "SG": 3, "MY": 10,
        "TH": 11, "VN": 13, "BD": 15, "IN": 14, "PK": 15, "LK": 13, "UZ": 14, "KZ": 14,
        "AE": 8, "SA": 10, "IR": 14, "JO": 11, "IL": 6, "TR": 11,
    },
    "Africa": {
        "EG": 14, "MA": 13, "NG": 16, "GH": 15, "KE": 15, "ET": 16, "TZ": 16, "ZA": 11,
    },
    "Oceania": {"AU": 8},
}  # fmt: skip
_MOBILE_KM: Final = {
    "Europe": 179.0, "America": 190.0, "Oceania": 207.0, "Asia": 1.5 * 193.0, "Africa": 1.5 * 207.0,
}  # fmt: skip

ADDRESSES: Final = {
    country: Addresses(region, float(fixed_km), _MOBILE_KM[region])
    for region, countries in _FIXED_KM.items()
    for country, fixed_km in countries.items()
}
"""By country. Published medians are 3 to 16 km for fixed lines and 179 to 207 km for mobile
addresses, the latter worse in Africa and Asia; where a country stands between is assumed."""

COUNTRIES: Final = tuple(sorted({city.country for city in CITIES}))


@lru_cache(maxsize=4_096)
def cities_of(countries: tuple[str, ...]) -> tuple[City, ...]:
    """The cities of these countries; all of them for an empty selection."""
    return tuple(city for city in CITIES if not countries or city.country in countries)


@lru_cache(maxsize=4_096)
def _inhabitants(countries: tuple[str, ...]) -> tuple[float, ...]:
    return tuple(accumulate(city.millions for city in cities_of(countries)))


def some_city(draw: Random, countries: tuple[str, ...] = ()) -> City:
    """A city, by its number of inhabitants."""
    return draw.choices(cities_of(countries), cum_weights=_inhabitants(countries))[0]


def another_city(draw: Random, than: City, countries: tuple[str, ...] = ()) -> City:
    """Another city of these countries; the same one if they have no other."""
    others = tuple(city for city in cities_of(countries) if city is not than)
    return draw.choice(others) if others else than


def city_abroad(draw: Random, home: Collection[str]) -> City:
    """A city outside these countries."""
    return draw.choice([city for city in CITIES if city.country not in home])


def km_between(one: City, other: City) -> float:
    """Great-circle distance on a sphere."""
    return great_circle_km(radians(one.lat), radians(other.lat), radians(other.lon - one.lon))


def moved(lat: float, lon: float, north_km: float, east_km: float) -> tuple[float, float]:
    """A point so far away, on a plane that touches the earth here: good for a few hundred km."""
    new_lat = max(-89.9, min(89.9, lat + north_km / DEGREE_KM))
    along = degrees(east_km / (EARTH_RADIUS_KM * cos(radians(lat))))
    return new_lat, (lon + along + 180.0) % 360.0 - 180.0
