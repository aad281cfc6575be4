"""A retracted alert says why it was taken back, as far as that is known, and else says so."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authenticity.detection.alerts import Alert
from authenticity.detection.assess import assess_entity_update, assess_item_update
from authenticity.detection.findings import COPIES, REFUSED, FindingKind
from authenticity.detection.policy import (
    DEFAULT_POLICY,
    ClonePolicy,
    EntityPolicy,
    MarketPolicy,
    Policy,
    Severity,
)
from authenticity.detection.reasons import REASONS, Reason
from authenticity.detection.signals import Signal
from authenticity.gs1.item import batch_entity, network_entity
from authenticity.history.history import EMPTY, history_of, merge
from authenticity.history.observation import Observation
from authenticity.records.batch import Batch, BatchStatus
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import Act, Channel
from authenticity.records.serial_filter import filter_of
from authenticity.trust.verdict import Doubt
from tests.support.examples import examples
from tests.unit.authenticity.detection.make_observations import (
    ITEM,
    LYON,
    NOON,
    PARIS,
    RIO,
    TOKYO,
    any_observation,
    buyers,
    doubtful,
    seen,
    trusted,
)

from .test_alerts_per_batch import GTIN, alerts_of, noted
from .test_assess import batch
from .test_signals import of_items
from .test_statements_only_worsen import SERIAL

DAY = timedelta(days=1)
LAGOS = Place(6.5, 3.4, 0.02, PlaceSource.GPS, "NG")
NO_BATCH: tuple[Batch, ...] = ()
FRENCH = batch(markets=("FR",))


def told(
    scans: Sequence[Observation],
    batches: Sequence[Batch] = NO_BATCH,
    policy: Policy = DEFAULT_POLICY,
    published: dict[FindingKind, Alert] | None = None,
) -> dict[FindingKind, Alert]:
    """The alerts about a pack with these scans that are new or changed, by kind."""
    registry = BatchRegistry(batches)
    update = assess_item_update(ITEM, history_of(scans), published or {}, registry, policy)
    return {alert.kind: alert for alert in update.alerts}


def why(before: dict[FindingKind, Alert], after: dict[FindingKind, Alert], kind: str) -> Reason:
    """The one reason for which this alert, which stood before, is retracted after."""
    raised, gone = before[FindingKind(kind)], after[FindingKind(kind)]
    assert (raised.retracted, gone.retracted) == (False, True)
    assert gone.reasons == raised.reasons
    [reason] = gone.retracted_because
    return reason


REVOKED = doubtful(Doubt.KEY_REVOKED, lot="L1", expiry="280630", revoked_at=NOON)
RECALLED = batch(status=BatchStatus.RECALLED)
OTHER_EXPIRY = batch(expiry="270101")
DENIES = batch(count=1, serials=filter_of(["another"]))
HOLDS = batch(count=1, serials=filter_of([SERIAL]), revision=2)
SOLD_TWICE = [
    trusted("1", "shop-1", act=Act.SELL, place=PARIS),
    trusted("2", "shop-2", act=Act.SELL, place=LYON, after=9 * DAY),
]
BROUGHT_BACK = trusted("3", "shop-1", act=Act.REACTIVATE, place=PARIS, after=DAY)


@pytest.mark.parametrize(
    ("kind", "scans", "before", "after", "reason"),
    [
        ("recalled", [seen("a")], RECALLED, batch(revision=2), "no-longer-declared"),
        ("wrong-expiry", [seen("a")], OTHER_EXPIRY, batch(revision=2), "registered-as-read"),
        ("never-issued", [seen("a")], DENIES, HOLDS, "batch-holds-serial"),
        (
            "wrong-expiry",
            [trusted("a", verdict=REVOKED)],
            OTHER_EXPIRY,
            batch(expiry="270101", registered_at=NOON + DAY, revision=2),
            "no-code-is-believed",
        ),
    ],
)
def test_a_later_statement_of_the_maker_is_named_as_the_reason(
    kind: str, scans: list[Observation], before: Batch, after: Batch, reason: str
) -> None:
    raised = told(scans, [before])
    found = why(raised, told(scans, [after], published=raised), kind)
    assert found.reason == reason
    assert found.facts == ({} if reason == "no-code-is-believed" else {"batch": "b1"})


def test_a_batch_that_excuses_a_revoked_key_is_named() -> None:
    scans = [trusted("a", verdict=REVOKED, channel=Channel.CUSTOMS)]
    raised = told(scans)
    found = why(raised, told(scans, [batch()], published=raised), "key-revoked")
    assert (found.reason, found.facts) == ("key-is-excused", {"batch": "b1"})


def with_clone(**changes: Any) -> Policy:
    values: dict[str, Any] = {
        name: dict.fromkeys(Channel, value) for name, value in changes.items()
    }
    return replace(DEFAULT_POLICY, clone=replace(ClonePolicy(), **values))


def test_a_suspicion_that_fell_says_how_far_and_one_that_did_not_blames_the_policy() -> None:
    raised = told(buyers(12), [FRENCH])
    rarer = with_clone(prior=0.000_000_1)
    fell = why(raised, told(buyers(12), [FRENCH], rarer, raised), "clone-suspected")
    assert fell.reason == "below-threshold"
    assert fell.facts["threshold_percent"] == 50
    assert isinstance(fell.facts["percent"], int)
    assert fell.facts["percent"] < 50
    stricter = with_clone(threshold=0.999_999_999)
    stood = why(raised, told(buyers(12), [FRENCH], stricter, raised), "clone-suspected")
    assert stood == Reason("policy-changed", {})


def test_what_is_still_found_and_no_longer_alerted_says_which_of_both_changed() -> None:
    sold = [trusted(str(n), act=Act.SELL, place=PARIS, after=n * 20 * DAY) for n in range(2)]
    raised = told(sold)
    lenient = replace(DEFAULT_POLICY, undo_window_days=90)
    severe = replace(DEFAULT_POLICY, alert_from=Severity.CRITICAL)
    milder = why(raised, told(sold, policy=lenient, published=raised), "sold-again")
    assert milder.reason == "less-severe-now"
    other = why(raised, told(sold, policy=severe, published=raised), "sold-again")
    assert other.reason == "policy-changed"


def test_where_nothing_specific_is_known_it_says_so() -> None:
    raised = told(SOLD_TWICE)
    after = told([*SOLD_TWICE, BROUGHT_BACK], published=raised)
    assert why(raised, after, "clone-confirmed") == Reason("no-longer-found", {})


UNRELEASED = batch(released_at=None, markets=("FR",))
ALSO_JAPAN = replace(DEFAULT_POLICY, markets=MarketPolicy(also=frozenset({"JP"})))
ISSUERS_OWN = replace(
    DEFAULT_POLICY, issuer={"maker": replace(DEFAULT_POLICY, alert_from=Severity.HIGH)}
)


@pytest.mark.parametrize(
    ("kind", "after", "policy", "reasons"),
    [
        ("not-released", batch(markets=("FR",)), DEFAULT_POLICY, {"batch-released": "b1"}),
        (
            "not-released",
            batch(released_at=None, status=BatchStatus.WITHDRAWN),
            DEFAULT_POLICY,
            {"batch-withdrawn": "b1"},
        ),
        (
            "not-released",
            batch(released_at=None, lot="L9", revision=2),
            DEFAULT_POLICY,
            {"no-longer-found": None},
        ),
        ("not-released", UNRELEASED, ISSUERS_OWN, {"policy-changed": None}),
        (
            "diverted",
            batch(released_at=None, markets=("FR", "JP")),
            DEFAULT_POLICY,
            {"markets-include": "JP"},
        ),
        ("diverted", batch(released_at=None), DEFAULT_POLICY, {"markets-include": "JP"}),
        ("diverted", UNRELEASED, ALSO_JAPAN, {"policy-changed": None}),
        (
            "diverted",
            batch(markets=("FR",), status=BatchStatus.WITHDRAWN),
            DEFAULT_POLICY,
            {"batch-withdrawn": "b1"},
        ),
    ],
)
def test_an_alert_of_a_batch_says_what_the_maker_stated_or_that_the_policy_did_it(
    kind: str, after: Batch, policy: Policy, reasons: dict[str, str | None]
) -> None:
    packs = [[trusted("t", place=TOKYO)]]
    raised = noted(alerts_of(packs, BatchRegistry([UNRELEASED])))
    changed = alerts_of(packs, BatchRegistry([after]), raised, policy)
    [gone] = [alert for alert in changed if alert.kind == kind]
    assert gone.retracted
    assert {each.reason: next(iter(each.facts.values()), None) for each in gone.retracted_because} \
        == reasons  # fmt: skip


def test_an_old_alert_about_a_pack_says_that_its_batch_is_alerted_instead() -> None:
    scans = [trusted("t", place=TOKYO)]
    old = Alert("a" * 32, ITEM, FindingKind.DIVERTED, Severity.MEDIUM, None, 1, False, ())
    after = told(scans, [UNRELEASED], published={old.kind: old})
    assert after[old.kind].retracted_because == (Reason("alerted-about-its-batch", {}),)


@pytest.mark.parametrize(
    "policy", [replace(DEFAULT_POLICY, alert_from=Severity.MEDIUM), ISSUERS_OWN]
)
def test_an_old_alert_about_a_pack_names_no_alert_that_the_policy_does_not_give(
    policy: Policy,
) -> None:
    scans = [trusted("t", place=TOKYO)]
    old = Alert("a" * 32, ITEM, FindingKind.NOT_RELEASED, Severity.LOW, None, 1, False, ())
    after = told(scans, [UNRELEASED], policy, {old.kind: old})
    assert after[old.kind].retracted_because == (Reason("policy-changed", {}),)


def test_an_old_alert_about_a_pack_seen_in_three_countries_claims_no_alert_about_its_batch() -> (
    None
):
    scans = [seen(str(n), place=place) for n, place in enumerate((TOKYO, RIO, LAGOS))]
    old = Alert("a" * 32, ITEM, FindingKind.DIVERTED, Severity.MEDIUM, None, 1, False, ())
    after = told(scans, [FRENCH], published={old.kind: old})
    assert after[old.kind].retracted_because == (Reason("counted-for-its-batch", {}),)


def test_no_sentence_of_a_retraction_says_what_is_not_known() -> None:
    """Weights and policies change, and scans take evidence away: none of this explains an alert."""
    assert REASONS["below-threshold"].sentence == (
        "The probability of copies is {percent} % now, below the threshold of"
        " {threshold_percent} %."
    )
    assert "rules" in REASONS["no-longer-found"].sentence


def retracted(entity: Any, before: list[Signal], after: list[Signal], by: Policy) -> Reason:
    registry = BatchRegistry()
    [raised] = assess_entity_update(entity, before, {}, registry, DEFAULT_POLICY)
    [gone] = assess_entity_update(entity, after, {raised.kind: raised}, registry, by)
    [reason] = gone.retracted_because
    return reason


def test_an_entity_that_too_few_items_speak_of_says_how_many() -> None:
    entity = network_entity(7)
    probes = [msgspec.structs.replace(each, entity=entity) for each in of_items(REFUSED, [1] * 12)]
    found = retracted(entity, probes, probes[:4], DEFAULT_POLICY)
    assert (found.reason, found.facts) == ("too-few-items", {"items": 4, "least": 10})
    severe = replace(DEFAULT_POLICY, alert_from=Severity.CRITICAL)
    assert retracted(entity, probes, probes, severe).reason == "policy-changed"


def test_a_campaign_that_honest_packs_speak_against_says_how_likely_it_still_is() -> None:
    batch_of = batch_entity(GTIN, "L1")
    copied = of_items(COPIES, [350] * 8)
    among_many = of_items(COPIES, [350] * 8 + [-200] * 400)
    found = retracted(batch_of, copied, among_many, DEFAULT_POLICY)
    assert found.reason == "below-threshold"
    assert found.facts["threshold_percent"] == 90
    asked = replace(DEFAULT_POLICY, subject=EntityPolicy(campaign_items=20))
    assert retracted(batch_of, copied, copied, asked).facts == {"items": 8, "least": 20}
    asked = replace(DEFAULT_POLICY, subject=EntityPolicy(campaign_threshold=0.9999999))
    assert retracted(batch_of, copied, copied, asked).reason == "policy-changed"


def test_a_campaign_whose_packs_turn_out_to_be_seen_where_all_are_says_so() -> None:
    batch_of = batch_entity(GTIN, "L1")
    copied = of_items(COPIES, [350] * 8)
    at_home = of_items(COPIES, [350] * 8 + [-10] * 8)
    found = retracted(batch_of, copied, at_home, DEFAULT_POLICY)
    assert (found.reason, found.facts) == ("no-country-in-common", {})
    few_networks = of_items(COPIES, [350] * 8, ["00000001@NG"])
    found = retracted(batch_of, copied, few_networks, DEFAULT_POLICY)
    assert found.reason == "no-country-in-common"
    asked = replace(DEFAULT_POLICY, subject=EntityPolicy(campaign_networks=8))
    assert retracted(batch_of, copied, copied, asked).reason == "no-country-in-common"


_batches = st.sampled_from(
    [
        NO_BATCH, (UNRELEASED,), (RECALLED,), (DENIES,), (HOLDS,), (OTHER_EXPIRY,),
        (batch(status=BatchStatus.WITHDRAWN),), (batch(markets=("FR",)),),
    ]
)  # fmt: skip
_policies = st.sampled_from(
    [DEFAULT_POLICY, ALSO_JAPAN, ISSUERS_OWN, replace(DEFAULT_POLICY, alert_from=Severity.HIGH)]
)


@settings(max_examples=examples(80))
@given(
    st.lists(st.tuples(any_observation(), _batches, _policies), min_size=1, max_size=20),
)
def test_every_retraction_has_a_reason_and_what_stands_has_none(
    steps: list[tuple[Observation, Sequence[Batch], Policy]],
) -> None:
    history, published = EMPTY, dict[FindingKind, Alert]()
    for observation, batches, policy in steps:
        history = merge(history, history_of([observation]))
        update = assess_item_update(ITEM, history, published, BatchRegistry(batches), policy)
        published |= {alert.kind: alert for alert in update.alerts}
        for alert in update.alerts:
            assert bool(alert.retracted_because) == alert.retracted
            assert len(alert.retracted_because) <= 3
            encoded = msgspec.json.encode(alert)
            assert (b"retracted_because" in encoded) == alert.retracted
            assert msgspec.json.decode(encoded, type=Alert) == alert


def test_an_alert_that_an_earlier_version_stored_is_read_without_a_reason() -> None:
    stored = (
        b'{"id":"00","item":"https://id.gs1.org/01/09521234000013/21/A","kind":"late",'
        b'"severity":"info","probability":null,"version":2,"retracted":true,"reasons":[]}'
    )
    alert = msgspec.json.decode(stored, type=Alert)
    assert alert.retracted_because == ()
    assert msgspec.json.encode(alert) == stored
