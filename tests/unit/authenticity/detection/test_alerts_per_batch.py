"""What thousands of packs of a batch have in common is alerted once: by batch, or by country."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticity.detection.alerts import Alert, alert_id
from authenticity.detection.assess import assess_entity_update, assess_item_update
from authenticity.detection.evidence import evidence_of
from authenticity.detection.findings import (
    ABROAD,
    FINDINGS,
    PER_BATCH,
    SEEN_ABROAD,
    SIGNAL_KINDS,
    FindingKind,
)
from authenticity.detection.item_summary import summarize_item
from authenticity.detection.policy import DEFAULT_POLICY, Policy, Severity
from authenticity.detection.prints import prints_of
from authenticity.detection.rules import scans_outside
from authenticity.detection.signals import (
    MAX_SIGNALS,
    MAX_SIGNALS_ASSESSED,
    Signal,
    assess_entity,
    by_entity,
)
from authenticity.detection.standing import Standing
from authenticity.gs1.item import (
    EntityId,
    ItemId,
    batch_entity,
    batch_in_country_entity,
    batch_within,
    country_of,
    custody_leg_entity,
    is_about_custodian,
    item_id,
    scanner_entity,
)
from authenticity.history.history import history_of
from authenticity.history.observation import Observation
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.countries import COUNTRY_AREAS
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import Channel
from tests.support.examples import examples
from tests.unit.authenticity.detection.make_observations import (
    ITEM,
    PARIS,
    RIO,
    TOKYO,
    any_observation,
    genuine,
    seen,
    trusted,
)

from .test_assess import batch

GTIN = "09506000134352"
BATCH = batch_entity(GTIN, "L1")
NOT_RELEASED, DIVERTED = FindingKind.NOT_RELEASED, FindingKind.DIVERTED
UNRELEASED_BATCH = batch(released_at=None, markets=("FR",))
Published = dict[ItemId, dict[FindingKind, Alert]]


def alerts_of(
    packs: Sequence[Sequence[Observation]],
    registry: BatchRegistry,
    published: Published | None = None,
    policy: Policy = DEFAULT_POLICY,
) -> list[Alert]:
    """All that a ledger with these packs publishes, about the packs and about entities."""
    known = published or {}
    alerts: list[Alert] = []
    signals: list[Signal] = []
    for number, observations in enumerate(packs):
        item = item_id(GTIN, f"S{number:05d}")
        history = history_of(observations)
        update = assess_item_update(item, history, known.get(item, {}), registry, policy)
        alerts += update.alerts
        signals += update.signals
        assert len(update.signals) <= MAX_SIGNALS
    grouped: dict[EntityId, list[Signal]] = by_entity(signals)
    for entity in grouped.keys() | {EntityId(item) for item in known if "/21/" not in item}:
        before = known.get(ItemId(entity), {})
        alerts += assess_entity_update(entity, grouped.get(entity, []), before, registry, policy)
    return alerts


def noted(alerts: Sequence[Alert]) -> Published:
    published: Published = {}
    for alert in alerts:
        published.setdefault(alert.item, {})[alert.kind] = alert
    return published


def found_in(observations: Sequence[Observation], registry: BatchRegistry) -> dict[str, Any]:
    """The findings of a pack by kind."""
    history = history_of(observations)
    return {
        finding.kind: finding
        for finding in summarize_item(ITEM, history, registry, DEFAULT_POLICY).findings
    }


def outside_of(pack: Sequence[Observation], registry: BatchRegistry) -> list[Observation]:
    """The scans of a pack that say something of where it is, outside its markets."""
    history = history_of(pack)
    prints = prints_of(ITEM, history.observations, registry)
    evidence = evidence_of(history, prints, DEFAULT_POLICY)
    markets = DEFAULT_POLICY.markets_of(evidence.batch)
    return scans_outside(evidence.admitted, markets, DEFAULT_POLICY)


@settings(max_examples=examples(60))
@given(
    st.lists(st.lists(any_observation(), min_size=1, max_size=12), min_size=1, max_size=8),
    st.sampled_from([None, UNRELEASED_BATCH.registered_at]),
)
def test_however_many_packs_there_is_one_alert_a_batch_and_one_a_country(
    packs: list[list[Observation]], released_at: Any
) -> None:
    registry = BatchRegistry([msgspec.structs.replace(UNRELEASED_BATCH, released_at=released_at)])
    found = [found_in(pack, registry) for pack in packs]
    networks: dict[str, set[object]] = {}
    for pack, each in zip(packs, found, strict=True):
        for scan in outside_of(pack, registry) if DIVERTED in each else ():
            seen_by = range(3) if scan.authorised else [("network", scan.network)]
            networks.setdefault(scan.country, set()).update(seen_by)
    countries = [country for country, some in networks.items() if len(some) >= 3]
    alerts = [each for each in alerts_of(packs, registry) if each.kind in PER_BATCH]
    expected = {ItemId(batch_in_country_entity(GTIN, "L1", each)) for each in countries}
    assert sorted(each.item for each in alerts if each.kind is DIVERTED) == sorted(expected)
    assert [each.item for each in alerts if each.kind is NOT_RELEASED] == (
        [ItemId(BATCH)] if any(NOT_RELEASED in each for each in found) else []
    )
    assert len({each.id for each in alerts}) == len(alerts)


FRENCH = BatchRegistry([batch(markets=("FR",))])
NEW_YORK = Place(40.7, -74.0, 12.0, PlaceSource.FIXED_IP, "US")


def told_of_countries(
    packs: Sequence[Sequence[Observation]], policy: Policy = DEFAULT_POLICY
) -> dict[str | None, list[dict[str, Any]]]:
    """For each country that is alerted about, the facts of every reason."""
    return {
        country_of(EntityId(alert.item)): [reason.facts for reason in alert.reasons]
        for alert in alerts_of(packs, FRENCH, policy=policy)
        if alert.kind is DIVERTED
    }


def test_one_stranger_elsewhere_adds_no_country_to_what_a_known_scanner_read() -> None:
    pack = [trusted("t", place=TOKYO), seen("a", place=RIO)]
    assert set(told_of_countries([pack])) == {"JP"}
    assert set(told_of_countries([pack] * 64)) == {"JP"}


def test_three_exits_in_three_countries_are_one_network_in_each() -> None:
    exits = [
        seen(country, place=place, network=f"exit in {country}")
        for country, place in (("JP", TOKYO), ("BR", RIO), ("US", NEW_YORK))
    ]
    assert DIVERTED in found_in(exits, FRENCH)
    assert told_of_countries([exits] * 64) == {}


def test_networks_of_several_packs_count_together_in_one_country() -> None:
    packs = [
        [trusted("t", place=TOKYO), seen("a", place=RIO, network=f"line {n}")] for n in range(3)
    ]
    assert set(told_of_countries(packs[:2])) == {"JP"}
    assert told_of_countries(packs)["BR"] == [
        {"items_at_least": 2, "countries": "BR", "networks_at_least": 2}
    ]


@pytest.mark.parametrize(("asked", "needed"), [(1, 2), (2, 2), (4, 4)])
def test_the_policy_of_the_issuer_says_how_many_networks_a_country_needs(
    asked: int, needed: int
) -> None:
    own = replace(DEFAULT_POLICY, diverted_sessions=asked)
    policy = replace(DEFAULT_POLICY, issuer={"maker": own})
    packs = [
        [trusted("t", place=TOKYO), seen("a", place=RIO, network=f"line {n}")]
        for n in range(needed)
    ]
    assert set(told_of_countries(packs[1:], policy)) == {"JP"}
    assert set(told_of_countries(packs, policy)) == {"JP", "BR"}


def test_packs_that_known_scanners_read_are_counted_apart_from_those_of_strangers() -> None:
    by_officer = [trusted("t", place=TOKYO)]
    by_strangers = [seen(name, place=TOKYO, network=name) for name in ("a", "b", "c")]
    known = {"items_at_least": 1, "countries": "JP", "scanners": "trusted"}
    assert told_of_countries([by_officer]) == {"JP": [known]}
    assert told_of_countries([by_officer] + [by_strangers] * 63) == {
        "JP": [known, {"items_at_least": 32, "countries": "JP", "networks_at_least": 2}]
    }
    one_network = [trusted("o", place=RIO), seen("a", place=TOKYO, network="a")]
    assert told_of_countries([by_officer] + [one_network] * 63)["JP"] == [known]


def test_many_packs_of_strangers_hide_no_pack_that_a_known_scanner_read() -> None:
    entity = batch_in_country_entity(GTIN, "L1", "JP")
    signals = [
        Signal(entity, item_id(GTIN, f"A{n:05d}"), SEEN_ABROAD, 3, "00000001")
        for n in range(MAX_SIGNALS_ASSESSED + 9)
    ]
    officers = Signal(entity, item_id(GTIN, "Z"), ABROAD, 1, "")
    [finding] = assess_entity(by_entity([*signals, officers])[entity], DEFAULT_POLICY)
    assert [reason.facts for reason in finding.reasons] == [
        {"items_at_least": 1, "countries": "JP", "scanners": "trusted"}
    ]


def test_ten_thousand_packs_raise_one_alert_that_says_how_many_at_least() -> None:
    packs = [[seen("a", place=PARIS)]] * 3 + [[trusted("b", place=TOKYO)]] * 5
    alerts = alerts_of(packs, BatchRegistry([UNRELEASED_BATCH]))
    [early], [abroad] = (
        [each for each in alerts if each.kind is kind] for kind in (NOT_RELEASED, DIVERTED)
    )
    assert early.reasons[0].facts == {"batch": "b1", "items_at_least": 8}
    assert abroad.reasons[0].facts == {
        "items_at_least": 4, "countries": "JP", "scanners": "trusted",
    }  # fmt: skip
    many = [
        Signal(BATCH, item_id(GTIN, f"{n:05d}"), "unreleased", 1, "b1")
        for n in range(5 * MAX_SIGNALS_ASSESSED)
    ]
    [whole] = assess_entity_update(
        BATCH, by_entity(many)[BATCH], {}, BatchRegistry(), DEFAULT_POLICY
    )
    assert whole.reasons[0].facts["items_at_least"] == 1_024


def test_the_finding_of_each_pack_is_as_it_was_and_nobody_reads_another_standing() -> None:
    pack = [trusted("a", place=TOKYO, channel=Channel.CUSTOMS)]
    registry = BatchRegistry([UNRELEASED_BATCH])
    found = found_in(pack, registry)
    assert set(found) == {NOT_RELEASED, DIVERTED}
    assert found[NOT_RELEASED].reasons[0].facts == {"batch": "b1"}
    assert found[DIVERTED].reasons[0].facts == {"countries": "JP", "scanners": "trusted"}
    summary = summarize_item(ITEM, history_of(pack), registry, DEFAULT_POLICY)
    assert summary.standing is Standing.VERIFIED
    assert not any(FINDINGS[kind].public or FINDINGS[kind].standing for kind in PER_BATCH)


def test_releasing_the_batch_retracts_its_alert_and_none_of_a_country() -> None:
    packs = [[seen(str(n), place=PARIS)] for n in range(9)] + [[trusted("t", place=TOKYO)]]
    raised = noted(alerts_of(packs, BatchRegistry([UNRELEASED_BATCH])))
    released = BatchRegistry([batch(markets=("FR",))])
    [gone] = alerts_of(packs, released, raised)
    assert (gone.kind, gone.item, gone.version, gone.retracted) == (
        NOT_RELEASED,
        ItemId(BATCH),
        2,
        True,
    )


def test_the_alerts_of_two_countries_are_raised_updated_and_retracted_apart() -> None:
    registry = BatchRegistry([batch(markets=("FR",))])
    tokyo, rio = [trusted("t", place=TOKYO)], [trusted("r", place=RIO)]
    japan, brazil = (
        ItemId(batch_in_country_entity(GTIN, "L1", country)) for country in ("JP", "BR")
    )
    raised = noted(alerts_of([tokyo, rio], registry))
    assert set(raised) == {japan, brazil}
    assert raised[japan][DIVERTED].id == alert_id(japan, DIVERTED) != raised[brazil][DIVERTED].id
    [more] = alerts_of([tokyo, rio, rio], registry, raised)
    assert (more.item, more.version) == (brazil, 2)
    wider = BatchRegistry([batch(markets=("FR", "BR"))])
    [gone] = alerts_of([tokyo, rio], wider, raised)
    assert (gone.item, gone.retracted) == (brazil, True)


def test_alerts_that_were_published_about_each_pack_are_retracted_when_it_is_assessed() -> None:
    packs = [[trusted("t", place=TOKYO)]]
    item = item_id(GTIN, "S00000")
    old = {
        kind: Alert(alert_id(item, kind), item, kind, Severity.LOW, None, 1, False, ())
        for kind in PER_BATCH
    }
    alerts = alerts_of(packs, BatchRegistry([UNRELEASED_BATCH]), {item: old})
    of_item = [each for each in alerts if each.item == item]
    assert {(each.kind, each.version, each.retracted) for each in of_item} == {
        (kind, 2, True) for kind in PER_BATCH
    }
    assert {each.kind for each in alerts if not each.retracted} == PER_BATCH


@pytest.mark.parametrize(
    ("of_issuer", "of_all", "told"),
    [
        (Severity.MEDIUM, Severity.LOW, {DIVERTED}),
        (Severity.HIGH, Severity.LOW, set()),
        (Severity.LOW, Severity.CRITICAL, {NOT_RELEASED, DIVERTED}),
    ],
)
def test_what_the_policy_of_the_batchs_issuer_alerts_about_decides(
    of_issuer: Severity, of_all: Severity, told: set[FindingKind]
) -> None:
    own = replace(DEFAULT_POLICY, alert_from=of_issuer)
    policy = replace(DEFAULT_POLICY, alert_from=of_all, issuer={"maker": own})
    packs = [[trusted("t", place=TOKYO)]]
    alerts = alerts_of(packs, BatchRegistry([UNRELEASED_BATCH]), policy=policy)
    assert {each.kind for each in alerts} == told


def test_batches_that_share_a_lot_are_one_alert_that_names_them() -> None:
    other = msgspec.structs.replace(UNRELEASED_BATCH, batch_id="b2")
    signals = [
        Signal(BATCH, item_id(GTIN, f"{n}"), "unreleased", 1, each.batch_id)
        for n, each in enumerate((UNRELEASED_BATCH, other, other))
    ]
    [alert] = assess_entity_update(BATCH, signals, {}, BatchRegistry(), DEFAULT_POLICY)
    assert [reason.facts for reason in alert.reasons] == [
        {"batch": "b1", "items_at_least": 1},
        {"batch": "b2", "items_at_least": 2},
    ]


def test_packs_without_a_lot_are_one_alert_too_beside_that_of_a_lot() -> None:
    registry = BatchRegistry([UNRELEASED_BATCH, batch(batch_id="b0", released_at=None, lot=None)])
    packs = [[seen("a")], [seen("a", genuine(lot=None))], [seen("b", genuine(lot=None))]]
    alerts = alerts_of(packs, registry)
    assert {each.item for each in alerts} == {ItemId(BATCH), ItemId(batch_entity(GTIN, ""))}
    assert len(alerts) == 2


def test_of_a_pack_seen_in_many_countries_those_of_known_scanners_are_told_first() -> None:
    countries = sorted(COUNTRY_AREAS)[:40]
    places = [Place(0.0, n, 0.02, PlaceSource.GPS, each) for n, each in enumerate(countries)]
    anonymous = [seen(f"a{n}", place=place) for n, place in enumerate(places[:-1])]
    known = trusted("known", place=places[-1])
    update = assess_item_update(
        ITEM, history_of([*anonymous, known]), {}, BatchRegistry([UNRELEASED_BATCH]),
        DEFAULT_POLICY,
    )  # fmt: skip
    told = [country_of(signal.entity) for signal in update.signals if signal.kind == SEEN_ABROAD]
    assert len(told) == 7
    known_in = [country_of(signal.entity) for signal in update.signals if signal.kind == ABROAD]
    assert known_in == countries[-1:]


def test_a_batch_in_one_country_is_part_of_the_batch_and_no_custodians() -> None:
    entity = batch_in_country_entity(GTIN, "L/1", "JP")
    assert batch_within(entity) == batch_entity(GTIN, "L/1")
    assert country_of(entity) == "JP"
    assert not is_about_custodian(entity)
    for other in (BATCH, custody_leg_entity(GTIN, "L1", 7), scanner_entity(7, known=True)):
        assert country_of(other) is None
    assert is_about_custodian(custody_leg_entity(GTIN, "L1", 7))


def test_every_kind_of_signal_is_that_of_a_finding() -> None:
    assert {kind for row in FINDINGS.values() for kind in row.signals} == set(SIGNAL_KINDS)
