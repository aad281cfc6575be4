"""Where countries are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.errors import InputError
from authenticity.records.countries import COUNTRY_AREAS, TOLERANCE_KM, is_in_country, known_country

KNOWN = st.sampled_from(sorted(COUNTRY_AREAS))


def test_all_countries_of_iso_3166_are_there_and_kosovo() -> None:
    assert len(COUNTRY_AREAS) == 250
    assert all(len(code) == 2 and code.isupper() for code in COUNTRY_AREAS)


@given(KNOWN, st.data())
def test_every_box_lies_in_its_country(country: str, data: st.DataObject) -> None:
    box = data.draw(st.sampled_from(COUNTRY_AREAS[country].boxes))
    assert -90 <= box.south < box.north <= 90
    assert -180 <= box.west < box.east <= 180
    lat = data.draw(st.floats(box.south, box.north))
    lon = data.draw(st.floats(box.west, box.east))
    assert is_in_country(country, lat, lon)


@given(KNOWN, st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 5_000), st.floats(0, 5_000))
def test_a_wider_reading_is_in_no_fewer_countries(
    country: str, lat: float, lon: float, accuracy_km: float, more_km: float
) -> None:
    if is_in_country(country, lat, lon, accuracy_km):
        assert is_in_country(country, lat, lon, accuracy_km + more_km)


@pytest.mark.parametrize(
    ("country", "lat", "lon"),
    [("FR", 48.86, 2.35), ("US", 21.3, -157.8), ("US", 61.2, -149.9), ("FJ", -17.0, -179.5),
     ("RU", 66.0, -172.0), ("NZ", -43.9, -176.5), ("BE", 50.4, 2.7), ("KI", 1.9, -157.4)],
)  # fmt: skip
def test_places_of_a_country_and_those_just_outside_it_agree(
    country: str, lat: float, lon: float
) -> None:
    assert is_in_country(country, lat, lon)


@pytest.mark.parametrize(
    ("country", "lat", "lon"),
    [("KR", 48.86, 2.35), ("DE", 48.86, 2.35), ("FR", 52.5, 13.4), ("JP", 31.2, 121.5),
     ("JP", 37.57, 126.98), ("FJ", -17.0, 0.0)],
)  # fmt: skip
def test_places_elsewhere_do_not_agree(country: str, lat: float, lon: float) -> None:
    assert not is_in_country(country, lat, lon)


def test_the_centre_of_a_country_is_in_it_and_no_place_is_in_one_that_there_is_not() -> None:
    for country, area in COUNTRY_AREAS.items():
        assert is_in_country(country, area.lat, area.lon, area.radius_km)
    assert not is_in_country("XX", 0.0, 0.0)


@given(KNOWN, st.floats(-90, 90), st.floats(-180, 180))
def test_a_radius_around_the_world_puts_no_place_into_a_country(
    country: str, lat: float, lon: float
) -> None:
    largest = max(COUNTRY_AREAS[country].radius_km, TOLERANCE_KM)
    assert is_in_country(country, lat, lon, 20_040) == is_in_country(country, lat, lon, largest)
    assert not is_in_country("US", 0.0, 0.0, 20_040)


@given(st.from_regex("[A-Z]{2}", fullmatch=True))
def test_a_country_is_known_or_refused_in_words(country: str) -> None:
    if country in COUNTRY_AREAS:
        assert known_country(country) == country
        return
    with pytest.raises(InputError, match="is no country") as refused:
        known_country(country)
    assert refused.value.next_step


@pytest.mark.parametrize(("said", "meant"), [("UK", "GB"), ("EL", "GR"), ("kr", "KR")])
def test_what_was_meant_is_asked(said: str, meant: str) -> None:
    with pytest.raises(InputError, match=f"did you mean {meant}"):
        known_country(said)
