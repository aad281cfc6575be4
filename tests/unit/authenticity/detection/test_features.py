"""What each feature counts, and that it is 0 where there is nothing to say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.detection.comparison import (
    Comparison,
    compare_sessions,
    is_away_by_network,
)
from authenticity.detection.evidence import admitted_of, split
from authenticity.detection.features import FEATURES, features_of
from authenticity.detection.findings import FindingKind
from authenticity.detection.policy import DEFAULT_POLICY, MarketPolicy, Policy
from authenticity.detection.prints import every_print
from authenticity.detection.score import score_clones
from authenticity.detection.sessions import scan_sessions
from authenticity.detection.weights import WEIGHTS, WEIGHTS_FILE, read_weights
from authenticity.history.history import history_of
from authenticity.history.observation import Observation
from authenticity.records.batch import Batch
from authenticity.records.network import NetworkClass
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import Act, Channel
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
    comparison = compared(*observations, batch=batch, policy=policy)
    return {feature.name: value for feature, value in features_of(comparison)}


def sold_in(*markets: str) -> Batch:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    return Batch(
        1, "b", "maker", "09506000134352", "L1", "280630", None, 5, 0, "0" * 64, day, day, markets
    )


def test_networks_without_a_place_are_compared_with_nothing() -> None:
    home = [seen("a", place=PARIS), seen("b", place=PARIS, after=DAY)]
    assert features(seen("c"), seen("d", after=DAY)) == {}
    assert features(*home, seen("c"), seen("d", after=5 * DAY)) == features(*home)


def test_a_household_counts_sessions_at_home() -> None:
    assert features(seen("a", place=PARIS), seen("b", place=PARIS, after=HOUR)) == {
        "sessions": 1, "crowd": 1, "settled": 1,
    }  # fmt: skip


def test_where_a_network_is_counts_and_what_a_device_says_of_itself_does_not() -> None:
    home = [seen("a", place=PARIS), seen("b", place=PARIS, after=DAY)]
    assert is_away_by_network(compared(*home, seen("c", place=TOKYO, after=5 * DAY)))
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
    assert is_away_by_network(compared(sale, seen("a", place=TOKYO, after=HOUR)))
    assert not is_away_by_network(compared(sale, claimed("a", place=TOKYO, after=HOUR)))


def test_going_back_and_forth_needs_more_changes_than_places() -> None:
    places = [PARIS, TOKYO, PARIS, TOKYO]
    observations = [seen(str(n), place=place, after=n * 3 * DAY) for n, place in enumerate(places)]
    assert features(*observations)["returns-attested"] == 2


def test_a_session_elsewhere_before_the_sale_is_early_and_one_after_it_is_not() -> None:
    sale = trusted("s", act=Act.SELL, place=PARIS, after=5 * DAY)
    before = features(sale, seen("a", place=TOKYO))
    after = features(sale, seen("a", place=TOKYO, after=9 * DAY))
    assert before["early-attested"] == 1
    assert "early-attested" not in after


def test_only_a_batch_with_markets_has_an_abroad() -> None:
    observations = [seen("a", place=PARIS), seen("b", place=TOKYO, after=5 * DAY)]
    assert features(*observations, batch=sold_in("FR"))["abroad-attested"] == 1
    assert "abroad-attested" not in features(*observations, batch=sold_in())
    assert "abroad-attested" not in features(*observations)


def test_a_market_that_the_policy_adds_is_not_abroad() -> None:
    observations = [seen("a", place=PARIS), seen("b", place=TOKYO, after=5 * DAY)]
    japan_too = replace(DEFAULT_POLICY, markets=MarketPolicy(also=frozenset({"JP"})))
    assert "abroad-attested" not in features(*observations, batch=sold_in("FR"), policy=japan_too)
    assert features(*observations, batch=sold_in("BR"), policy=japan_too)["abroad-attested"] == 1


def test_a_batch_without_markets_has_the_abroad_of_the_policy() -> None:
    observations = [seen("a", place=PARIS), seen("b", place=TOKYO, after=5 * DAY)]
    french = replace(DEFAULT_POLICY, markets=MarketPolicy(otherwise=frozenset({"FR"})))
    assert features(*observations, batch=sold_in(), policy=french)["abroad-attested"] == 1
    assert "abroad-attested" not in features(*observations, policy=french)


def test_the_makers_own_chain_is_no_session_and_no_place_of_its_own() -> None:
    chain: dict[str, Any] = {"channel": Channel.LOGISTICS, "publisher": "wholesaler"}
    assert (
        features(
            trusted("a", place=PARIS, **chain), trusted("b", place=LYON, after=3 * DAY, **chain)
        )
        == {}
    )


def test_every_value_has_a_weight_that_goes_the_way_of_its_row() -> None:
    for feature in FEATURES:
        weights = WEIGHTS.weights[feature.name]
        assert len(weights) == feature.maximum
        rising = [0.0, *weights] if feature.monotone >= 0 else [0.0, *(-w for w in weights)]
        assert feature.monotone == 0 or rising == sorted(rising), feature.name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"sessions"', '"seances"'),
        ("[-5.56]", "[-5.56, 1.0]"),
        ("[2.47, 1.33]", "[2.47, -9.0]"),
        ('"bias"', '"offset"'),
    ],
)
def test_weights_that_do_not_fit_the_features_are_refused(old: str, new: str) -> None:
    raw = files("authenticity.detection").joinpath(WEIGHTS_FILE).read_text()
    assert read_weights(raw.encode()) == WEIGHTS
    with pytest.raises(ValueError, match=WEIGHTS_FILE):
        read_weights(raw.replace(old, new).encode())


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
    assert 0.9 <= finding.probability <= 0.99
    assert {"returns-attested", "abroad-attested"} & {reason.reason for reason in finding.reasons}


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
            assert clone_score(*scene, batch=batch) < 0.7


def test_a_burst_of_invented_places_is_not_suspected() -> None:
    invented = [PARIS, TOKYO, RIO, LYON]
    burst = [seen(str(n), place=invented[n % 4], after=n * timedelta(minutes=2)) for n in range(12)]
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


def test_time_between_sessions_and_since_the_release_is_given_in_powers_of_two() -> None:
    observations = [seen("a", place=PARIS), seen("b", place=PARIS, after=70 * DAY)]
    assert features(*observations)["span"] == 6
    assert "aged" not in features(*observations), "nobody knows of a release"
    assert features(*observations, batch=sold_in())["aged"] == 3
    unreleased = msgspec.structs.replace(sold_in(), released_at=None)
    assert "aged" not in features(*observations, batch=unreleased)
    later = msgspec.structs.replace(sold_in(), released_at=datetime(2027, 6, 1, tzinfo=UTC))
    assert "aged" not in features(*observations, batch=later)


def test_how_many_of_the_sessions_known_scanners_made_is_given_in_quarters() -> None:
    sale = trusted("s", act=Act.SELL, place=PARIS)
    strangers = [seen(str(n), place=PARIS, after=n * HOUR) for n in range(3)]
    assert features(sale, *strangers)["recorded"] == 1
    assert features(sale, trusted("i", "customs-1", channel=Channel.CUSTOMS))["recorded"] == 4
    assert "recorded" not in features(*strangers)


def test_whose_sessions_count_is_the_policys() -> None:
    shops = [trusted(str(n), f"shop-{n}", place=at, after=n * DAY) for n, at in
             enumerate((PARIS, TOKYO, RIO))]  # fmt: skip
    chain = replace(DEFAULT_POLICY, own_supply_chain=frozenset(Channel) - {Channel.CONSUMER})
    assert score_clones(shops, None, DEFAULT_POLICY) is not None
    assert score_clones(shops, None, chain) is None
    assert "sessions" in features(*shops)
    assert "sessions" not in features(*shops, policy=chain)


@given(st.lists(any_observation(), min_size=1, max_size=40))
def test_any_history_has_features_within_their_bounds(observations: list[Observation]) -> None:
    comparison = compared(*observations, batch=sold_in("FR"))
    assert all(0 < value <= of.maximum for of, value in features_of(comparison))


@given(st.lists(any_observation(), min_size=1, max_size=40))
def test_a_feature_is_0_where_its_needs_are_not_met(observations: list[Observation]) -> None:
    comparison = compared(*observations, batch=sold_in("FR"))
    given_for_any = {
        feature: min(feature.maximum, value)
        for feature in FEATURES
        if (value := feature.extract(comparison)) > 0
    }
    assert dict(features_of(comparison)) == given_for_any
