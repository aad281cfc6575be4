"""Histories of which anybody can say what they are."""

from datetime import timedelta

from authenticity.detection.evidence import admitted_of, split
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.prints import every_print
from authenticity.detection.score import score_clones
from authenticity.history.history import history_of
from authenticity.history.observation import Observation
from authenticity.records.batch import Batch
from authenticity.records.place import Place, PlaceSource
from tests.unit.authenticity.detection.make_observations import (
    PARIS,
    RIO,
    TOKYO,
    match_of,
    seen,
)
from tests.unit.authenticity.detection.test_features import sold_in

DAY = timedelta(days=1)
WARSAW, GDANSK, KRAKOW = (
    Place(lat, lon, 20.0, PlaceSource.FIXED_IP, "PL")
    for lat, lon in ((52.2, 21.0), (54.4, 18.6), (50.1, 19.9))
)
MADRID = Place(40.4, -3.7, 20.0, PlaceSource.FIXED_IP, "ES")


def probability(observations: list[Observation], batch: Batch | None) -> float:
    history = history_of(observations)
    admitted = admitted_of(history, split(history, every_print(match_of(batch)))[0])
    found = score_clones(admitted, batch, DEFAULT_POLICY)
    return found.probability if found else 0.0


def test_an_owner_behind_a_steady_foreign_exit_is_not_suspected() -> None:
    looks = [seen("a", place=PARIS), seen("b", place=PARIS, after=81 * DAY)]
    assert probability(looks, sold_in("PL")) < 0.05


def test_a_pack_that_is_carried_through_three_countries_is_not_suspected() -> None:
    looks = [seen(str(n), place=place, after=n * 10 * DAY) for n, place in
             enumerate((PARIS, TOKYO, RIO))]  # fmt: skip
    for batch in (None, sold_in("FR"), sold_in("PL")):
        assert probability(looks, batch) < 0.05


def test_nine_buyers_in_two_countries_are_suspected() -> None:
    """Lines up to 2,300 km apart within 51 days, at home between looks abroad."""
    places = (WARSAW, MADRID, GDANSK, WARSAW, MADRID, KRAKOW, MADRID, WARSAW, MADRID)
    days = (0, 6, 11, 19, 24, 30, 38, 45, 51)
    looks = [seen(str(n), place=place, after=day * DAY) for n, (place, day) in
             enumerate(zip(places, days, strict=True))]  # fmt: skip
    assert probability(looks, sold_in("PL")) >= 0.5
