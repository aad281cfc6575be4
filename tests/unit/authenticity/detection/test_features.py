"""What each feature counts, and that it is 0 where there is nothing to say."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.detection.comparison import Comparison, compare_sessions
from authenticity.detection.evidence import admitted_of, split
from authenticity.detection.features import FEATURES, features_of
from authenticity.detection.findings import FindingKind
from authenticity.detection.policy import DEFAULT_POLICY, MarketPolicy, Policy
from authenticity.detection.prints import every_print
from authenticity.detection.score import contributions_of, score_clones
from authenticity.detection.sessions import scan_sessions
from authenticity.detection.weights import WEIGHTS, WEIGHTS_FILE, read_weights
from authenticity.history.history import history_of
from authenticity.history.observation import Observation
from authenticity.records.batch import Batch
from authenticity.records.network import NetworkClass
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import Act, Channel, RefusalGround
from tests.unit.authenticity.detection.make_observations import (
    LYON,
    NOON,
    PARIS,
    RIO,
    TOKYO,
    any_observation,
    buyers,
    claimed,
    findings_of,
    match_of,
    network_at,
    seen,
    trusted,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def admitted_in(*observations: Observation, batch: Batch | None = None) -> list[Observation]:
    history = history_of(observations)
    return admitted_of(history, split(history, every_print(match_of(batch)))[0])


def compared(
    *observations: Observation, batch: Batch | None = None, policy: Policy = DEFAULT_POLICY
) -> Comparison:
    admitted = admitted_in(*observations, batch=batch)
    return compare_sessions(admitted, scan_sessions(admitted, policy), batch, policy)


def features(
    *observations: Observation, batch: Batch | None = None, policy: Policy = DEFAULT_POLICY
) -> dict[str, int]:
    """What each feature that says something counts."""
    comparison = compared(*observations, batch=batch, policy=policy)
    return {feature.name: feature.extract(comparison) for feature, _ in features_of(comparison)}


def sold_in(*markets: str) -> Batch:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    return Batch(
        1, "b", "maker", "09506000134352", "L1", "280630", None, 5, 0, "0" * 64, day, day, markets
    )


def test_networks_without_a_place_are_compared_with_nothing() -> None:
    home = [seen("a", place=PARIS), seen("b", place=PARIS, after=DAY)]
    assert features(seen("c"), seen("d", after=DAY)) == {}
    assert features(*home, seen("c"), seen("d", after=5 * DAY)) == features(*home)


def test_a_household_is_two_networks_in_one_place() -> None:
    household = features(seen("a", place=PARIS), seen("b", place=PARIS, after=HOUR))
    assert household == {"networks": 2, "busiest-day": 2}


def test_one_device_in_several_networks_is_one() -> None:
    phone: dict[str, Any] = {"session": "s"}
    scans = [seen(str(n), network=str(n), place=PARIS, after=n * DAY, **phone) for n in range(3)]
    assert features(*scans) == {"networks": 3, "active-days": 3, "days-spanned": 2}
    away = seen("t", network="t", place=TOKYO, after=9 * DAY, **phone)
    assert "strangers" not in features(*scans, away)
    assert features(*scans, seen("t", place=TOKYO, after=9 * DAY))["strangers"] == 1


def test_where_a_network_is_counts_and_what_a_device_says_of_itself_does_not() -> None:
    home = [seen("a", place=PARIS), seen("b", place=PARIS, after=DAY)]
    assert features(*home, seen("c", place=TOKYO, after=5 * DAY))["places"] == 2
    assert compared(*home, claimed("c", place=TOKYO, after=5 * DAY)) == compared(*home)


def test_nobody_is_where_a_relay_a_tunnel_or_a_data_centre_is() -> None:
    home = [seen("a", place=PARIS), seen("b", place=PARIS, after=DAY)]
    for kind in (NetworkClass.RELAY, NetworkClass.TUNNEL, NetworkClass.HOSTING):
        through = seen("c", network=network_at(TOKYO, "c", kind), place=TOKYO, after=5 * DAY)
        assert compared(*home, through) == compared(*home)


def test_an_address_that_an_anonymous_scan_states_is_a_claim() -> None:
    stated = Place(TOKYO.lat, TOKYO.lon, 20.0, PlaceSource.FIXED_IP, "JP")
    assert features(*(claimed(str(n), place=stated, after=n * DAY) for n in range(9))) == {}


def test_of_one_network_the_first_scan_to_arrive_counts_and_no_later_one() -> None:
    home, first = seen("a", place=PARIS), seen("b", network="one", place=TOKYO, after=5 * DAY)
    earlier = NOON + 4 * DAY
    later = [
        seen(str(n), network="one", place=TOKYO, captured_at=earlier, received_at=NOON + 6 * DAY)
        for n in range(9)
    ]
    assert admitted_in(home, first, *later) == [home, first]


def test_a_scan_that_was_sent_again_from_another_network_is_one_scan() -> None:
    home = seen("a", place=PARIS)
    sent = seen("b", network="wifi", place=PARIS, after=DAY)
    again = seen("b", network="carrier", place=TOKYO, after=DAY, received_at=NOON + 2 * DAY)
    assert admitted_in(home, again, sent) == [home, sent]


def test_a_place_that_no_trip_reaches_is_evidence() -> None:
    sale = trusted("s", act=Act.SELL, place=PARIS)
    assert features(sale, seen("a", place=TOKYO, after=HOUR))["off-trip"] == 1
    assert "off-trip" not in features(sale, seen("a", place=TOKYO, after=2 * DAY))
    assert "off-trip" not in features(sale, claimed("a", place=TOKYO, after=HOUR))


def customs(name: str, place: Place, after: timedelta) -> Observation:
    return trusted(name, "customs-1", channel=Channel.CUSTOMS, place=place, after=after)


def shop(name: str, act: Act | None, place: Place, after: timedelta, **more: Any) -> Observation:
    return trusted(name, act=act, place=place, after=after, **more)


EARLY = [
    *(seen(f"e{n}", place=TOKYO, after=n * 3 * DAY) for n in range(4)),
    shop("sale", Act.SELL, PARIS, 30 * DAY),
]


@pytest.mark.parametrize("where", [PARIS, TOKYO])
@pytest.mark.parametrize("number", [1, 9])
def test_officials_who_look_forget_nobody_who_held_it(where: Place, number: int) -> None:
    looks = [customs(f"c{n}", where, (11 + n) * DAY) for n in range(number)]
    later = [customs(f"l{n}", where, (31 + n) * DAY) for n in range(number)]
    assert features(*EARLY)["early"] == features(*EARLY, *looks, *later)["early"] == 4


def test_a_till_that_keeps_its_session_sold_it_when_it_sold_it() -> None:
    till = {"session": "till"}
    goods_in = shop("in", None, PARIS, -DAY, **till)
    sale = shop("sale", Act.SELL, PARIS, 30 * DAY, **till)
    assert features(*EARLY[:-1], goods_in, sale)["early"] == 4


def test_what_was_brought_back_had_been_sold() -> None:
    sold, back = shop("first", Act.SELL, PARIS, -DAY), shop("r", Act.REACTIVATE, PARIS, 20 * DAY)
    assert "early" not in features(sold, *EARLY[:-1], back)
    assert "early" not in features(sold, *EARLY[:-1], back, EARLY[-1])


def wide(name: str, after: timedelta) -> Observation:
    """Somewhere in a country of which no more is known."""
    country = Place(47.0, 6.0, 1_500.0, PlaceSource.MOBILE_IP, "FR")
    return seen(name, place=country, after=after)


def test_no_trip_leads_by_way_of_somebody_who_may_be_anywhere() -> None:
    torn = [seen("a", place=PARIS), seen("b", place=TOKYO, after=2 * HOUR)]
    assert features(*torn)["off-trip"] == features(*torn, wide("w", HOUR))["off-trip"] == 1


def test_somebody_who_may_be_anywhere_gathers_no_places() -> None:
    apart = [seen("a", place=PARIS, after=DAY), seen("b", place=LYON, after=3 * DAY)]
    assert features(*apart)["places"] == features(wide("w", -DAY), *apart)["places"] == 2


def test_a_shop_where_copies_are_leaves_what_is_away_from_the_other_shop() -> None:
    sale = shop("sale", Act.SELL, PARIS, -DAY)
    buyers_there = [seen(str(n), place=TOKYO, after=n * DAY) for n in range(4)]
    there = trusted("there", "shop-2", place=TOKYO, after=9 * DAY)
    before, after = features(sale, *buyers_there), features(sale, *buyers_there, there)
    assert before["away-from-shop"] == after["away-from-shop"] == 4


def test_going_back_and_forth_needs_more_changes_than_places() -> None:
    places = [PARIS, TOKYO, PARIS, TOKYO]
    observations = [seen(str(n), place=place, after=n * 3 * DAY) for n, place in enumerate(places)]
    found = features(*observations)
    assert (found["places"], found["returns"], found["second-place"]) == (2, 2, 2)
    journey = [seen(str(n), place=each, after=n * 3 * DAY) for n, each in
               enumerate((PARIS, TOKYO, RIO))]  # fmt: skip
    assert "returns" not in features(*journey)


def test_a_session_elsewhere_before_the_sale_is_early_and_one_after_it_is_away() -> None:
    sale = trusted("s", act=Act.SELL, place=PARIS, after=5 * DAY)
    before = features(sale, seen("a", place=TOKYO))
    after = features(sale, seen("a", place=TOKYO, after=9 * DAY))
    assert (before["early"], before.get("away-from-shop")) == (1, None)
    assert (after["away-from-shop"], after.get("early")) == (1, None)


def test_a_seizure_counts_once_for_each_officer_and_not_for_papers() -> None:
    def refused(name: str, by: str, act: Act, **more: Any) -> Observation:
        return trusted(name, by, channel=Channel.CUSTOMS, act=act, place=PARIS, after=DAY, **more)

    looks = [seen("a", place=PARIS), seen("b", place=PARIS, after=HOUR)]
    once = refused("c", "customs-1", Act.INSPECT_NONCONFORMANT)
    taken = refused("s", "customs-1", Act.SEIZE)
    other = refused("p", "police-1", Act.SEIZE)
    papers = refused("d", "customs-2", Act.SEIZE, refused_for=RefusalGround.DOCUMENTS)
    held = refused("h", "customs-3", Act.DETAIN)
    ground = RefusalGround.SUSPECTED_FALSIFIED
    suspected = refused("f", "customs-4", Act.DETAIN, refused_for=ground)
    assert "seized" not in features(*looks, once)
    for those, number in (((once, taken), 1), ((once, taken, other), 2), ((suspected,), 1)):
        assert features(*looks, *those)["seized"] == number
    assert "seized" not in features(*looks, papers, held)
    by_shop = trusted("w", act=Act.SEIZE, place=PARIS, after=DAY)
    assert "seized" not in features(*looks, by_shop)


def test_lines_of_one_house_are_one_spot() -> None:
    far = [seen(f"f{n}", place=TOKYO, network=f"line {n}", after=n * DAY) for n in range(3)]
    lines = [*far, seen("p", place=PARIS)]
    mobile = network_at(RIO, "m", NetworkClass.MOBILE)
    assert features(*lines)["spots"] == 2
    assert features(*lines, seen("m", place=RIO, network=mobile))["spots"] == 2


def test_what_arrived_after_the_sale_was_not_there_before_it() -> None:
    """Whoever has the pack may say that the scan was made up to three days before."""
    sale = shop("s", Act.SELL, PARIS, DAY)
    there = seen("a", place=TOKYO, received_at=NOON + HOUR)
    stated = seen("a", place=TOKYO, received_at=NOON + 2 * DAY)
    assert features(there, sale)["early"] == 1
    assert "early" not in features(stated, sale)


def test_only_a_batch_with_markets_has_an_abroad() -> None:
    observations = [seen("a", place=PARIS), seen("b", place=TOKYO, after=5 * DAY)]
    assert features(*observations, batch=sold_in("FR"))["abroad"] == 1
    assert "abroad" not in features(*observations, batch=sold_in())
    assert "abroad" not in features(*observations)


def test_a_market_that_the_policy_adds_is_not_abroad() -> None:
    observations = [seen("a", place=PARIS), seen("b", place=TOKYO, after=5 * DAY)]
    japan_too = replace(DEFAULT_POLICY, markets=MarketPolicy(also=frozenset({"JP"})))
    assert "abroad" not in features(*observations, batch=sold_in("FR"), policy=japan_too)
    assert features(*observations, batch=sold_in("BR"), policy=japan_too)["abroad"] == 1


def test_a_batch_without_markets_has_the_abroad_of_the_policy() -> None:
    observations = [seen("a", place=PARIS), seen("b", place=TOKYO, after=5 * DAY)]
    french = replace(DEFAULT_POLICY, markets=MarketPolicy(otherwise=frozenset({"FR"})))
    assert features(*observations, batch=sold_in(), policy=french)["abroad"] == 1
    assert "abroad" not in features(*observations, policy=french)


def test_the_makers_own_chain_is_no_session_and_no_place_of_its_own() -> None:
    chain: dict[str, Any] = {"channel": Channel.LOGISTICS, "publisher": "wholesaler"}
    assert (
        features(
            trusted("a", place=PARIS, **chain), trusted("b", place=LYON, after=3 * DAY, **chain)
        )
        == {}
    )


VALUES = st.tuples(*(st.integers(0, feature.maximum) for feature in FEATURES))
ROUNDING = 0.001 * len(FEATURES)
"""Nats: weights are written in thousandths."""


def nats_of(values: Sequence[int]) -> float:
    some = [(feature, value) for feature, value in zip(FEATURES, values, strict=True) if value]
    return sum(each.nats for each in contributions_of(some))


@given(VALUES, VALUES)
def test_more_of_anything_is_never_less_evidence(one: Sequence[int], other: Sequence[int]) -> None:
    more = [max(pair) for pair in zip(one, other, strict=True)]
    assert nats_of(more) >= nats_of(one) - ROUNDING


@given(VALUES)
def test_nothing_that_is_counted_speaks_against_copies(values: Sequence[int]) -> None:
    some = [(feature, value) for feature, value in zip(FEATURES, values, strict=True) if value]
    assert all(each.nats >= -ROUNDING for each in contributions_of(some))


def _renamed(file: dict[str, Any]) -> None:
    file["weights"]["seances"] = file["weights"].pop("networks")


def _too_long(file: dict[str, Any]) -> None:
    file["weights"]["networks"].append(1.0)


def _falling(file: dict[str, Any]) -> None:
    file["calibration"][-1][1] = -99.0


def _offset(file: dict[str, Any]) -> None:
    file["offset"] = file.pop("bias")


def _pair_of_one(file: dict[str, Any]) -> None:
    file["pairs"]["networks+networks"] = [[0.0]]


def _ragged_pair(file: dict[str, Any]) -> None:
    next(iter(file["pairs"].values()))[0].pop()


@pytest.mark.parametrize(
    "change", [_renamed, _too_long, _falling, _offset, _pair_of_one, _ragged_pair]
)
def test_weights_that_do_not_fit_the_features_are_refused(
    change: Callable[[dict[str, Any]], None],
) -> None:
    raw = files("authenticity.detection").joinpath(WEIGHTS_FILE).read_bytes()
    assert read_weights(raw) == WEIGHTS
    file = json.loads(raw)
    change(file)
    with pytest.raises(ValueError, match=WEIGHTS_FILE):
        read_weights(json.dumps(file).encode())


def clone_score(*observations: Observation, batch: Batch | None = None) -> float:
    found = score_clones(admitted_in(*observations, batch=batch), batch, DEFAULT_POLICY)
    assert found is not None
    return found.probability


def test_one_session_scores_nothing() -> None:
    alone = admitted_in(seen("a", place=PARIS))
    assert score_clones(alone, None, DEFAULT_POLICY) is None


def test_buyers_in_many_cities_are_suspected_with_a_probability_and_reasons() -> None:
    [finding] = [
        finding
        for finding in findings_of(history_of(buyers(16)), sold_in("FR"))
        if finding.kind is FindingKind.CLONE_SUSPECTED
    ]
    assert finding.probability is not None
    assert 0.5 <= finding.probability <= 0.99
    assert {"networks", "abroad"} <= {reason.reason for reason in finding.reasons}


def test_the_more_buyers_the_likelier_the_copies() -> None:
    rising = [clone_score(*buyers(number), batch=sold_in("FR")) for number in (2, 4, 8, 16)]
    assert rising == sorted(rising)


def test_a_household_a_shelf_and_a_traveller_are_not_suspected() -> None:
    household = [seen("a", place=PARIS), seen("b", place=PARIS, after=HOUR)]
    shelf = [seen(str(n), place=LYON, after=n * 5 * HOUR) for n in range(4)]
    traveller = [*household, seen("c", place=TOKYO, after=4 * DAY)]
    hidden = [*household, seen("c", place=TOKYO, after=2 * HOUR)]
    for scene in (household, shelf, traveller, hidden):
        assert clone_score(*scene) < 0.5


def test_an_owner_who_scans_again_for_weeks_is_not_suspected() -> None:
    """At home, and on a holiday, or once through a tunnel that ends abroad."""
    at_home = [seen(f"h{n}", place=PARIS, after=n * 7 * DAY) for n in range(5)]
    away = [seen("t", place=TOKYO, after=37 * DAY)]
    holiday = [seen("u", place=RIO, after=40 * DAY)]
    for scene in (at_home, at_home + away, at_home[:1] + away, at_home + holiday):
        for batch in (None, sold_in("FR")):
            assert clone_score(*scene, batch=batch) < 0.5


def test_a_burst_of_places_from_seven_networks_is_not_suspected() -> None:
    invented = [PARIS, TOKYO, RIO, LYON]
    burst = [seen(str(n), place=invented[n % 4], after=n * timedelta(minutes=2)) for n in range(7)]
    assert clone_score(*burst) < 0.5


def test_the_prior_is_the_policys_and_moves_the_probability() -> None:
    genuine = admitted_in(*buyers(16))
    clone = DEFAULT_POLICY.clone
    rare, common = (
        replace(DEFAULT_POLICY, clone=replace(clone, prior=dict.fromkeys(Channel, prior)))
        for prior in (1e-6, 0.5)
    )
    in_pharmacy, in_parcel = score_clones(genuine, None, rare), score_clones(genuine, None, common)
    assert in_pharmacy is not None
    assert in_parcel is not None
    assert in_pharmacy.log_likelihood_ratio == pytest.approx(in_parcel.log_likelihood_ratio)
    assert in_pharmacy.probability < in_parcel.probability


def test_whose_sessions_count_is_the_policys() -> None:
    shops = [trusted(str(n), f"shop-{n}", place=at, after=n * DAY) for n, at in
             enumerate((PARIS, TOKYO, RIO))]  # fmt: skip
    chain = replace(DEFAULT_POLICY, own_supply_chain=frozenset(Channel) - {Channel.CONSUMER})
    assert score_clones(shops, None, DEFAULT_POLICY) is not None
    assert score_clones(shops, None, chain) is None
    french = sold_in("FR")
    assert features(*shops, batch=french)["fixed-abroad"] == 2
    assert "fixed-abroad" not in features(*shops, batch=french, policy=chain)


CITIES = (PARIS, LYON, TOKYO, RIO)
LOOKS = st.lists(st.tuples(st.sampled_from(CITIES), st.integers(0, 2_000)), min_size=1, max_size=12)
"""Where somebody looked, each in a network of his own, and after how many hours."""


def looks(of: list[tuple[Place, int]]) -> list[Observation]:
    return [seen(str(n), place=where, after=at * HOUR) for n, (where, at) in enumerate(of)]


@given(LOOKS, st.booleans())
def test_another_look_at_an_item_never_makes_copies_less_likely(
    of: list[tuple[Place, int]], in_markets: bool
) -> None:
    batch = None if in_markets else sold_in("FR")
    before, after = (
        score_clones(admitted_in(*some, batch=batch), batch, DEFAULT_POLICY)
        for some in (looks(of)[:-1], looks(of))
    )
    if before is not None:
        assert after is not None
        assert after.log_likelihood_ratio >= before.log_likelihood_ratio - ROUNDING


@given(st.permutations(CITIES), st.lists(st.integers(0, 6), min_size=4, max_size=4), st.data())
def test_a_journey_that_one_item_can_make_is_no_suspicion(
    way: list[Place], household: list[int], data: st.DataObject
) -> None:
    """One way, two days at least from place to place, and seven networks at most."""
    of = list[tuple[Place, int]]()
    at = 0
    for where, devices in zip(way, household, strict=True):
        at += 48
        for _ in range(min(devices, 7 - len(of))):
            at += data.draw(st.integers(0, 500))
            of.append((where, at))
    batch = data.draw(st.sampled_from([None, sold_in("FR"), sold_in("KR")]))
    sale = [trusted("s", act=Act.SELL, place=way[0], after=-DAY)]
    for before in ([], sale):
        found = score_clones(admitted_in(*before, *looks(of), batch=batch), batch, DEFAULT_POLICY)
        assert found is None or found.log_likelihood_ratio <= 0


@given(st.lists(any_observation(), min_size=1, max_size=40))
def test_any_history_has_features_within_their_bounds(observations: list[Observation]) -> None:
    comparison = compared(*observations, batch=sold_in("FR"))
    assert all(0 < value <= of.maximum for of, value in features_of(comparison))


@given(st.lists(any_observation(), min_size=1, max_size=40))
def test_a_feature_is_0_where_its_needs_are_not_met(observations: list[Observation]) -> None:
    comparison = compared(*observations, batch=sold_in("FR"))
    given_for_any = {
        feature: value
        for feature in FEATURES
        if (value := sum(feature.extract(comparison) >= step for step in feature.steps))
    }
    assert dict(features_of(comparison)) == given_for_any
