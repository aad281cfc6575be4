"""What a history gives reason to say, one claim each."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticity.detection.alerts import Alert, revise
from authenticity.detection.assess import assess_item_update
from authenticity.detection.findings import FindingKind
from authenticity.detection.item_summary import summarize_item
from authenticity.detection.policy import DEFAULT_POLICY, MarketPolicy, Policy, Severity
from authenticity.detection.reasons import Reason
from authenticity.detection.standing import Standing
from authenticity.history.history import EMPTY, History, history_of, merge
from authenticity.history.observation import Observation, observe
from authenticity.records.batch import Batch, BatchStatus
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import (
    CAPTURE_AFTER,
    CAPTURE_BEFORE,
    Act,
    Channel,
    RefusalGround,
    to_epoch_ms,
)
from authenticity.trust.verdict import Doubt
from tests.support.examples import examples
from tests.unit.authenticity.detection.make_observations import (
    ITEM,
    LYON,
    NOON,
    PARIS,
    TOKYO,
    any_observation,
    buyers,
    claimed,
    doubtful,
    findings_of,
    genuine,
    scan,
    seen,
    trusted,
)

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def batch(**changes: Any) -> Batch:
    plain = Batch(
        v=1, batch_id="b1", issuer="maker", gtin="09506000134352", lot="L1", expiry="280630",
        produced=None, count=10, key_slot=0, manifest_sha256="0" * 64,
        registered_at=NOON - 30 * DAY, released_at=NOON - 20 * DAY,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def kinds(
    *observations: Observation, of: Batch | None = None, by: Policy = DEFAULT_POLICY
) -> set[FindingKind]:
    return {finding.kind for finding in findings_of(history_of(observations), of, by)}


def standing(*observations: Observation, of: Batch | None = None) -> Standing:
    batch_registry = BatchRegistry([of] if of else [])
    return summarize_item(ITEM, history_of(observations), batch_registry, DEFAULT_POLICY).standing


def test_one_scan_of_a_genuine_code_is_verified_and_nothing_is_found() -> None:
    assert kinds(seen("a"), of=batch()) == set()
    assert standing(seen("a"), of=batch()) is Standing.VERIFIED


def test_rescans_in_one_session_are_not_seen_before() -> None:
    assert kinds(seen("a", session="s"), seen("b", session="s", after=HOUR)) == set()


def test_a_second_session_is_seen_before_and_no_clone() -> None:
    observations = seen("a", place=PARIS), seen("b", place=PARIS, after=HOUR)
    assert kinds(*observations) == {FindingKind.SEEN_BEFORE}
    assert standing(*observations) is Standing.SEEN_BEFORE


def test_the_makers_own_supply_chain_is_not_seen_before() -> None:
    assert kinds(trusted("a", channel="logistics"), seen("b", after=DAY)) == set()


def test_same_serial_in_paris_then_tokyo_an_hour_later_is_too_fast() -> None:
    history = history_of([seen("a", place=PARIS), seen("b", place=TOKYO, after=HOUR)])
    [reason] = [r for r in reasons_for_copies(history) if r.reason == "too-far-apart-in-time"]
    assert reason.facts["minutes"] == 60
    assert 9_400 < int(reason.facts["km"]) < 9_600
    assert reason.facts["countries"] == "FR,JP"


def test_paris_then_tokyo_two_days_later_is_not() -> None:
    history = history_of([seen("a", place=PARIS), seen("b", place=TOKYO, after=2 * DAY)])
    assert all(r.reason != "too-far-apart-in-time" for r in reasons_for_copies(history))


def reasons_for_copies(history: History) -> tuple[Reason, ...]:
    """Told whatever the probability is."""
    always = dict.fromkeys(Channel, 1e-12)
    policy = replace(DEFAULT_POLICY, clone=replace(DEFAULT_POLICY.clone, threshold=always))
    found = findings_of(history, None, policy)
    [finding] = [f for f in found if f.kind is FindingKind.CLONE_SUSPECTED]
    return finding.reasons


def test_paris_then_tokyo_a_day_later_is_a_traveller() -> None:
    assert FindingKind.CLONE_SUSPECTED not in kinds(
        seen("a", place=PARIS), seen("b", place=TOKYO, after=DAY)
    )


def test_one_session_on_two_continents_is_no_clone() -> None:
    assert FindingKind.CLONE_SUSPECTED not in kinds(
        seen("a", place=PARIS, session="s"), seen("b", place=TOKYO, after=HOUR, session="s")
    )


def test_a_mobile_address_is_no_evidence_of_distance() -> None:
    abroad = Place(35.7, 139.7, 190.0, PlaceSource.MOBILE_IP, "JP")
    assert FindingKind.CLONE_SUSPECTED not in kinds(
        seen("a", place=PARIS), seen("b", place=abroad, after=HOUR)
    )


def test_both_accuracy_radii_are_subtracted_from_the_distance() -> None:
    blurred = Place(TOKYO.lat, TOKYO.lon, 1_000.0, PlaceSource.FIXED_IP, "JP")
    assert FindingKind.CLONE_SUSPECTED not in kinds(
        seen("a", place=PARIS), seen("b", place=blurred, after=HOUR)
    )


def test_buyers_in_many_cities_are_suspected_and_whoever_scans_is_advised_to_take_care() -> None:
    french = batch(markets=("FR",))
    assert FindingKind.CLONE_SUSPECTED in kinds(*buyers(16), of=french)
    assert standing(*buyers(16), of=french) is Standing.CAUTION


def test_a_shelf_where_many_strangers_scan_is_no_clone() -> None:
    shelf = [seen(str(n), after=n * HOUR, place=LYON) for n in range(12)]
    assert kinds(*shelf) == {FindingKind.SEEN_BEFORE}


def test_a_forged_code_under_the_same_serial_does_not_stain_the_genuine_pack() -> None:
    observations = seen("a"), seen("b", doubtful(Doubt.FORGED))
    assert kinds(*observations) == {FindingKind.FORGED}
    assert standing(*observations) is Standing.VERIFIED


def test_ten_thousand_forged_scans_do_not_push_out_the_genuine_one() -> None:
    flood = [seen(f"f{n}", doubtful(Doubt.FORGED)) for n in range(10_000)]
    assert standing(seen("a"), *flood) is Standing.VERIFIED


def test_an_item_seen_only_under_refused_codes_stands_by_the_worst_of_them() -> None:
    assert standing(trusted("a", verdict=doubtful(Doubt.FORGED))) is Standing.SUSPECT
    assert standing(trusted("a", verdict=doubtful(Doubt.UNSIGNED))) is Standing.NOT_ISSUED
    assert standing(trusted("a", verdict=doubtful(Doubt.UNREADABLE))) is Standing.UNREADABLE
    both = seen("a", doubtful(Doubt.UNSIGNED)), trusted("b", verdict=doubtful(Doubt.FORGED))
    assert standing(*both) is Standing.SUSPECT


@pytest.mark.parametrize("doubt", [Doubt.FORGED, Doubt.NOT_ENTITLED, Doubt.KEY_NOT_VALID])
def test_what_one_network_sends_is_information_about_the_item_and_what_two_send_is_more(
    doubt: Doubt,
) -> None:
    one = [seen(str(n), doubtful(doubt), network="one", place=PARIS) for n in range(9)]
    two = seen("b", doubtful(doubt), network="two", place=PARIS)
    unseen = [claimed(f"c{n}", verdict=doubtful(doubt)) for n in range(9)]
    assert standing(*one, *unseen) is Standing.NOT_ISSUED
    assert standing(*one, two) is Standing.SUSPECT
    [alone] = findings_of(history_of([*one, *unseen]))
    [both] = findings_of(history_of([*one, two]))
    assert alone.severity is Severity.INFO
    assert both.severity.rank > alone.severity.rank
    assert str(both.reasons[0].facts["scanners"]).split()[:1] == ["anonymous"]
    assert len(str(both.reasons[0].facts["scanners"]).split()) == 3


def test_a_second_sale_by_another_shop_proves_two_items() -> None:
    sold = trusted("a", act=Act.SELL)
    again = trusted("b", publisher="shop-2", act=Act.SELL, after=HOUR)
    assert FindingKind.CLONE_CONFIRMED in kinds(sold, again)
    assert standing(sold, again) is Standing.SUSPECT


def test_two_seizures_prove_two_items_unless_the_first_was_released() -> None:
    police: dict[str, Any] = {"channel": Channel.POLICE, "act": Act.SEIZE}
    first = trusted("a", "police-1", **police)
    second = trusted("c", "police-2", **police, after=2 * DAY)
    freed = trusted("b", "police-1", channel=Channel.POLICE, act=Act.RELEASE, after=DAY)
    assert FindingKind.CLONE_CONFIRMED in kinds(first, second)
    assert FindingKind.CLONE_CONFIRMED not in kinds(first, freed, second)
    for_papers = trusted("d", "police-2", **police, refused_for=RefusalGround.DOCUMENTS, after=DAY)
    assert FindingKind.CLONE_CONFIRMED not in kinds(first, for_papers)


def test_inspections_that_contradict_each_other_in_two_places_prove_two_items() -> None:
    customs: dict[str, Any] = {"channel": Channel.CUSTOMS}
    good = trusted("a", "customs-fr", **customs, act=Act.INSPECT_CONFORMANT, place=PARIS)
    bad = trusted(
        "b", "customs-jp", **customs, act=Act.INSPECT_NONCONFORMANT, place=TOKYO, after=DAY
    )
    held = trusted("s", "customs-jp", **customs, act=Act.SEIZE, place=TOKYO, after=2 * DAY)
    freed = trusted("r", "customs-jp", **customs, act=Act.RELEASE, place=TOKYO, after=3 * DAY)
    again = trusted("c", "customs-fr", **customs, act=Act.INSPECT_NONCONFORMANT, place=PARIS)
    kept = trusted("k", "customs-fr", **customs, act=Act.SEIZE, place=PARIS, after=DAY)
    assert FindingKind.CLONE_CONFIRMED in kinds(good, bad, held)
    assert FindingKind.CLONE_CONFIRMED not in kinds(good, bad), "papers may be missing"
    assert FindingKind.CLONE_CONFIRMED not in kinds(good, bad, held, freed), "and be found"
    assert FindingKind.CLONE_CONFIRMED not in kinds(good, again, kept), "one officer looked closer"


@pytest.mark.parametrize(
    ("ground", "proves"),
    [
        (RefusalGround.SUSPECTED_FALSIFIED, True),
        (RefusalGround.OTHER, True),
        (RefusalGround.DOCUMENTS, False),
        (RefusalGround.STORAGE_CONDITIONS, False),
    ],
)
def test_an_inspection_refused_for_papers_or_storage_contradicts_none(
    ground: RefusalGround, proves: bool
) -> None:
    customs: dict[str, Any] = {"channel": Channel.CUSTOMS}
    japan: dict[str, Any] = {**customs, "publisher": "customs-jp", "place": TOKYO, "after": DAY}
    stated: dict[str, Any] = {"refused_for": ground}
    good = trusted("a", "customs-fr", **customs, act=Act.INSPECT_CONFORMANT, place=PARIS)
    for of_refusal, of_seizure in ((stated, stated), (stated, {}), ({}, stated)):
        bad = trusted("b", **japan, act=Act.INSPECT_NONCONFORMANT, **of_refusal)
        held = trusted("s", **japan, act=Act.SEIZE, **of_seizure)
        assert (FindingKind.CLONE_CONFIRMED in kinds(good, bad, held)) is proves


@pytest.mark.parametrize(
    ("days", "severity"), [(1, Severity.INFO), (10, Severity.INFO), (11, Severity.MEDIUM)]
)
def test_the_same_shop_selling_again_is_asked_and_nobody_is_told_not_to_use_the_pack(
    days: int, severity: Severity
) -> None:
    first, again = trusted("a", act=Act.SELL), trusted("b", act=Act.SELL, after=days * DAY)
    found = {each.kind: each.severity for each in findings_of(history_of([first, again]))}
    assert found[FindingKind.SOLD_AGAIN] is severity
    assert FindingKind.REUSED_AFTER_END not in found
    assert standing(first, again) is not Standing.SUSPECT


def test_a_reactivated_item_may_be_sold_again() -> None:
    assert not {FindingKind.SOLD_AGAIN, FindingKind.CLONE_CONFIRMED} & kinds(
        trusted("a", act=Act.SELL),
        trusted("b", act=Act.REACTIVATE, after=HOUR),
        trusted("c", publisher="shop-2", act=Act.SELL, after=DAY),
    )


def test_a_buyer_checking_a_sold_pack_at_home_raises_no_alarm() -> None:
    assert kinds(trusted("a", act=Act.SELL, place=PARIS), seen("b", place=LYON, after=DAY)) == {
        FindingKind.SEEN_BEFORE
    }


def test_an_act_of_an_anonymous_scanner_does_not_count() -> None:
    assert FindingKind.SOLD_AGAIN not in kinds(
        trusted("a", act=Act.SELL), seen("b", act=Act.SELL, after=20 * DAY)
    )


def test_a_destroyed_item_seen_by_customs_elsewhere_is_reuse() -> None:
    assert FindingKind.REUSED_AFTER_END in kinds(
        trusted("a", act=Act.DESTROY, place=PARIS),
        trusted("b", publisher="customs-1", place=LYON, after=3 * DAY),
    )


def test_one_anonymous_scan_of_a_destroyed_item_is_not_enough() -> None:
    destroyed = trusted("a", act=Act.DESTROY, place=PARIS)
    one = seen("b", place=LYON, after=3 * DAY)
    two = seen("c", place=LYON, after=4 * DAY)
    assert FindingKind.REUSED_AFTER_END not in kinds(destroyed, one)
    assert FindingKind.REUSED_AFTER_END in kinds(destroyed, one, two)


def test_a_trusted_reading_of_another_lot_is_a_wrong_batch() -> None:
    relabelled = trusted("b", verdict=doubtful(Doubt.UNSIGNED, lot="X9"))
    assert FindingKind.WRONG_BATCH in kinds(seen("a"), relabelled)


def test_an_anonymous_reading_of_another_lot_is_not() -> None:
    assert FindingKind.WRONG_BATCH not in kinds(
        seen("a"), seen("b", doubtful(Doubt.UNSIGNED, lot="X9"))
    )


def test_a_lot_cut_off_by_the_scanner_is_no_difference() -> None:
    cut = trusted("b", verdict=doubtful(Doubt.UNSIGNED, lot="LOT-2026"))
    assert FindingKind.WRONG_BATCH not in kinds(seen("a", genuine("LOT-2026-07")), cut)


def test_an_expiry_that_the_batch_does_not_have_is_wrong() -> None:
    assert FindingKind.WRONG_EXPIRY in kinds(seen("a"), of=batch(expiry="270101"))


def test_a_batch_not_released_yet_clears_itself_when_it_is() -> None:
    assert kinds(seen("a"), of=batch(released_at=None)) == {FindingKind.NOT_RELEASED}
    assert kinds(seen("a"), of=batch()) == set()


def test_recalled_and_stolen_are_findings_of_their_own() -> None:
    for status, kind in (
        (BatchStatus.RECALLED, FindingKind.RECALLED),
        (BatchStatus.STOLEN, FindingKind.STOLEN),
    ):
        assert kinds(seen("a"), of=batch(status=status)) == {kind}
        assert standing(seen("a"), of=batch(status=status)) is Standing.SUSPECT


def test_one_tourist_is_no_diversion_but_three_sessions_or_one_officer_are() -> None:
    korean = batch(markets=("KR",))
    tourists = [seen(str(n), place=PARIS, after=n * DAY) for n in range(3)]
    assert FindingKind.DIVERTED not in kinds(*tourists[:2], of=korean)
    assert FindingKind.DIVERTED in kinds(*tourists, of=korean)
    assert FindingKind.DIVERTED in kinds(trusted("a", place=PARIS), of=korean)
    assert standing(trusted("a", place=PARIS), of=korean) is Standing.VERIFIED


def sold_in(*, also: str = "", otherwise: str = "") -> Policy:
    markets = MarketPolicy(also=frozenset(also.split()), otherwise=frozenset(otherwise.split()))
    return replace(DEFAULT_POLICY, markets=markets)


def test_a_market_that_the_policy_adds_is_no_diversion() -> None:
    korean, inspected = batch(markets=("KR",)), trusted("a", place=PARIS)
    assert FindingKind.DIVERTED not in kinds(inspected, of=korean, by=sold_in(also="FR JP"))
    assert FindingKind.DIVERTED in kinds(inspected, of=korean, by=sold_in(also="JP"))


def test_the_batchs_own_markets_stay_when_the_policy_adds_others() -> None:
    french, inspected = batch(markets=("FR",)), trusted("a", place=PARIS)
    assert FindingKind.DIVERTED not in kinds(inspected, of=french, by=sold_in(also="JP"))
    assert FindingKind.DIVERTED not in kinds(inspected, of=french, by=sold_in(otherwise="JP"))


def test_a_batch_without_markets_is_diverted_outside_those_of_the_policy() -> None:
    inspected = trusted("a", place=PARIS)
    assert FindingKind.DIVERTED in kinds(inspected, of=batch(), by=sold_in(otherwise="JP"))
    assert FindingKind.DIVERTED not in kinds(inspected, of=batch(), by=sold_in(otherwise="FR"))
    assert FindingKind.DIVERTED not in kinds(inspected, of=batch(), by=sold_in(also="JP"))


def test_an_unregistered_batch_has_no_markets_whatever_the_policy_says() -> None:
    inspected = trusted("a", place=PARIS)
    assert FindingKind.DIVERTED not in kinds(inspected, by=sold_in(also="JP", otherwise="JP"))


def test_the_markets_of_one_issuers_policy_are_those_of_its_batches_alone() -> None:
    policy = replace(DEFAULT_POLICY, issuer={"maker": sold_in(also="FR")})
    inspected = trusted("a", place=PARIS)
    own, others = batch(markets=("KR",)), batch(markets=("KR",), issuer="other")
    assert FindingKind.DIVERTED not in kinds(inspected, of=own, by=policy)
    assert FindingKind.DIVERTED in kinds(inspected, of=others, by=policy)


def test_a_key_revoked_after_the_batch_was_registered_leaves_the_item_genuine() -> None:
    revoked = seen("a", doubtful(Doubt.KEY_REVOKED, lot="L1", expiry="280630", revoked_at=NOON))
    assert standing(revoked, of=batch()) is Standing.VERIFIED
    assert standing(revoked) is Standing.NOT_ISSUED
    assert standing(revoked, of=batch(registered_at=NOON + DAY)) is Standing.NOT_ISSUED


def test_only_a_batch_of_the_revoked_key_excuses_it() -> None:
    facts: dict[str, Any] = {"lot": "L1", "expiry": "280630", "revoked_at": NOON}
    of_slot_3 = trusted("a", verdict=doubtful(Doubt.KEY_REVOKED, **facts, key_slot=3))
    assert standing(of_slot_3, of=batch(key_slot=3)) is Standing.VERIFIED
    assert standing(of_slot_3, of=batch(key_slot=2)) is Standing.SUSPECT


def test_late_and_skewed_clocks_are_information_about_the_scan() -> None:
    assert kinds(trusted("a", received_at=NOON + 5 * DAY)) == {FindingKind.LATE}
    assert kinds(trusted("a", received_at=NOON - HOUR)) == {FindingKind.CLOCK_SKEW}


@pytest.mark.parametrize("out_of_bounds", [-CAPTURE_BEFORE - SECOND, CAPTURE_AFTER + SECOND])
def test_an_anonymous_capture_out_of_bounds_counts_at_its_arrival(out_of_bounds: timedelta) -> None:
    observation = seen("a", captured_at=NOON + out_of_bounds, received_at=NOON)
    assert observation.captured_ms == observation.arrived_ms == to_epoch_ms(NOON)
    within = seen("a", captured_at=NOON - CAPTURE_BEFORE, received_at=NOON)
    assert within.captured_ms == to_epoch_ms(NOON - CAPTURE_BEFORE)
    assert kinds(observation) == kinds(within) == set()


def test_a_clients_retry_is_the_same_scan_and_its_earliest_arrival_counts() -> None:
    first, retry = seen("a"), seen("a", received_at=NOON + 2 * DAY)
    history = merge(history_of([retry]), history_of([first]))
    assert history == history_of([first])


def test_two_different_scans_under_one_id_are_found_out() -> None:
    one, other = seen("a", session="s"), seen("a", session="s", place=PARIS)
    assert kinds(one, other) == {FindingKind.SCAN_ID_REUSED}


def test_a_scan_checked_under_two_trust_lists_counts_once_and_as_the_newer_says() -> None:
    old = observe(scan("a"), genuine(), trust_version=1)
    new = observe(scan("a"), doubtful(Doubt.FORGED, lot="L1", expiry="280630"), trust_version=2)
    assert merge(history_of([old]), history_of([new])) == history_of([new, old])
    assert standing(old, new) is Standing.NOT_ISSUED


def test_an_alert_is_published_once_updated_and_retracted_under_one_id() -> None:
    found = [
        finding
        for finding in findings_of(history_of(buyers(16)), batch(markets=("FR",)))
        if finding.kind is FindingKind.CLONE_SUSPECTED
    ]
    [raised] = revise(ITEM, {}, found, _unasked)
    assert (raised.kind, raised.version, raised.retracted) == ("clone-suspected", 1, False)
    assert revise(ITEM, {raised.kind: raised}, found, _unasked) == []
    [gone] = revise(ITEM, {raised.kind: raised}, [], lambda alert: alert.reasons[:1])
    assert (gone.id, gone.version, gone.retracted) == (raised.id, 2, True)
    assert gone.reasons == raised.reasons
    assert gone.retracted_because == raised.reasons[:1]
    [back] = revise(ITEM, {gone.kind: gone}, found, _unasked)
    assert (back.id, back.version, back.retracted) == (raised.id, 3, False)
    assert back.retracted_because == ()


def _unasked(_: Alert) -> tuple[Reason, ...]:
    raise AssertionError("nothing is retracted")


@settings(max_examples=examples(80))
@given(
    st.lists(any_observation(), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
    st.integers(0, 30),
)
def test_final_alerts_depend_on_no_order_batching_or_when_the_batch_arrived(
    observations: list[Observation], rng: Any, batch_arrives_after: int
) -> None:
    batch_registry = BatchRegistry([batch(markets=("FR",), expiry="270101")])
    straight = history_of(observations)
    expected = assess_item_update(ITEM, straight, {}, batch_registry, DEFAULT_POLICY)
    rng.shuffle(observations)
    history, published = EMPTY, dict[FindingKind, Alert]()
    for number, observation in enumerate(observations):
        history = merge(history, history_of([observation]))
        known = batch_registry if number >= batch_arrives_after else BatchRegistry()
        update = assess_item_update(ITEM, history, published, known, DEFAULT_POLICY)
        published |= {alert.kind: alert for alert in update.alerts}
    update = assess_item_update(ITEM, history, published, batch_registry, DEFAULT_POLICY)
    published |= {alert.kind: alert for alert in update.alerts}
    final = [
        msgspec.structs.replace(alert, version=1)
        for alert in sorted(published.values(), key=lambda alert: alert.id)
        if not alert.retracted
    ]
    assert final == expected.alerts
    assert update.signals == expected.signals


@pytest.mark.parametrize("country", ["QQ", "ZZ", "UK"])
def test_a_country_that_there_is_not_is_dropped_from_what_was_recorded(country: str) -> None:
    """Once it was recorded as it came: by a known scanner, and in histories."""
    place = Place(51.5, -0.1, 1.0, PlaceSource.GPS, country)
    inspected = trusted("1", place=place)
    assert inspected.country == ""
    kept = msgspec.structs.replace(inspected, country=country)
    for observation in (inspected, kept):
        assert FindingKind.DIVERTED not in kinds(observation, of=batch(markets=("GB",)))
    elsewhere = msgspec.structs.replace(inspected, country="KR")
    assert FindingKind.DIVERTED in kinds(elsewhere, of=batch(markets=("GB",)))
