"""Scan sessions, places that lie apart, and impossible-travel outliers."""

from datetime import timedelta
from typing import Any

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.sessions import (
    LocationConfidence,
    ScanSession,
    apart_km,
    places_of,
    scan_sessions,
)
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import Channel
from tests.unit.authenticity.detection.make_observations import (
    LYON,
    PARIS,
    TOKYO,
    claimed,
    seen,
    trusted,
)

POLICY = DEFAULT_POLICY.clone
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIXED_PARIS = Place(48.9, 2.4, 20.0, PlaceSource.FIXED_IP, "FR")
MOBILE_LYON = Place(45.8, 4.8, 200.0, PlaceSource.MOBILE_IP, "FR")


def sessions(*observations: Any) -> list[ScanSession]:
    return scan_sessions(sorted(observations, key=lambda s: s.captured_ms), DEFAULT_POLICY)


def test_observations_of_a_session_are_one_at_its_first_capture_and_its_surest_place() -> None:
    first = claimed("a", session="s")
    [session] = sessions(first, claimed("b", session="s", place=PARIS, after=HOUR))
    assert session.confidence is LocationConfidence.PRECISE
    assert session.at_ms == first.captured_ms
    assert not session.inconsistent_location


def test_a_session_that_names_two_continents_has_an_inconsistent_location() -> None:
    [session] = sessions(
        claimed("a", session="s", place=PARIS), claimed("b", session="s", place=TOKYO, after=HOUR)
    )
    assert session.inconsistent_location


def test_a_session_that_goes_on_in_another_network_is_one_in_each() -> None:
    here, there = sessions(
        seen("a", session="s", network="home", place=PARIS),
        seen("b", session="s", network="away", place=TOKYO, after=DAY),
    )
    assert here.session == there.session
    assert not here.inconsistent_location


def test_an_authorised_scanner_is_believed_with_whatever_source_it_states() -> None:
    declared = Place(48.9, 2.4, 0.1, PlaceSource.DECLARED, "FR")
    [known] = sessions(trusted("a", place=declared))
    [stranger] = sessions(claimed("b", place=declared))
    assert (known.confidence, stranger.confidence) == (
        LocationConfidence.TRUSTED,
        LocationConfidence.NOWHERE,
    )


def test_both_radii_are_subtracted_and_nothing_is_nearer_than_zero() -> None:
    one, other = sessions(claimed("a", place=PARIS), claimed("b", place=LYON, after=HOUR))
    near, address = sessions(claimed("a", place=PARIS), seen("b", place=FIXED_PARIS, after=HOUR))
    assert 385 < apart_km(one, other) < 400
    assert apart_km(near, address) == 0.0


def test_the_distance_to_the_other_side_of_the_earth_is_half_its_girth() -> None:
    here, there = sessions(
        claimed("a", place=Place(10.0, 20.0, 0.0, PlaceSource.GPS)),
        claimed("b", place=Place(-10.0, -160.0, 0.0, PlaceSource.GPS), after=HOUR),
    )
    assert 20_000 < apart_km(here, there) <= 20_016


def test_an_address_whose_radius_reaches_a_place_belongs_to_it() -> None:
    places = places_of(
        sessions(
            seen("a", place=MOBILE_LYON), claimed("b", place=PARIS), claimed("c", place=TOKYO)
        ),
        POLICY,
    )
    assert sorted(len(place) for place in places) == [1, 2]
    assert all(place[0].confidence is LocationConfidence.PRECISE for place in places), (
        "its surest look first"
    )


def test_own_and_official_scanners_are_known_by_their_channel() -> None:
    own, official = sessions(
        trusted("a", channel=Channel.LOGISTICS),
        trusted("b", channel=Channel.CUSTOMS, publisher="customs-1", after=HOUR),
    )
    assert (own.is_own, own.is_official) == (True, False)
    assert (official.is_own, official.is_official) == (False, True)
