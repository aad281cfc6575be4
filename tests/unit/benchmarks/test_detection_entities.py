"""Alerts on batches over time, and what they add code by code."""

from authenticity.detection.findings import COPIES
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.signals import Signal
from authenticity.gs1.item import EntityId, ItemId, batch_entity
from benchmarks.detection.evaluation.campaigns import entity_reports, with_entities
from benchmarks.detection.evaluation.code_assessment import SignalChange
from benchmarks.detection.evaluation.counts import WorldCounts
from benchmarks.detection.evaluation.entity_alerts import entity_alerts
from benchmarks.detection.evaluation.run_worlds import DETECTORS, WorldResult
from tests.unit.benchmarks.detection_scenes import case, outcome

BATCH: EntityId = batch_entity("09506000134352", "L1")
HOUR_MS = 3_600_000


def copy_signal(number: int, at_ms: int, *, weight: int = 450) -> SignalChange:
    """Of an item that was seen from a network of its own, all of them in one country."""
    item, network = ItemId(f"item {number}"), f"{number + 1:08x}@NG"
    return SignalChange(at_ms, item, (Signal(BATCH, item, COPIES, weight, network),))


def campaign(items: int = 12) -> list[SignalChange]:
    return [copy_signal(number, number * HOUR_MS) for number in range(items)]


def test_a_batch_full_of_suspicious_codes_is_alerted_on_before_the_last_of_them() -> None:
    (alert,) = entity_alerts(campaign(), DEFAULT_POLICY)
    assert alert.entity == BATCH
    assert alert.stands
    assert 0 < alert.first_ms < 11 * HOUR_MS
    assert alert.items == {ItemId(f"item {number}") for number in range(12)}


def test_two_suspicious_codes_are_no_campaign() -> None:
    assert entity_alerts(campaign(1), DEFAULT_POLICY) == []


def test_signals_that_late_data_explains_away_take_the_alert_with_them() -> None:
    explained = [SignalChange(99 * HOUR_MS, ItemId(f"item {number}"), ()) for number in range(12)]
    (alert,) = entity_alerts([*campaign(), *explained], DEFAULT_POLICY)
    assert not alert.stands


def test_a_campaign_catches_the_codes_that_support_it_and_names_honest_ones() -> None:
    counts = WorldCounts(DETECTORS)
    silent = outcome()
    few = "few-copies"
    counts.cases = [
        case("item 1", silent, known_at=2, family=few),
        case("another", silent, known_at=2, family=few),
    ]
    result = WorldResult(1, 100, counts, entity_alerts(campaign(), DEFAULT_POLICY), [])
    (caught, missed), false = with_entities(result)
    assert caught.stands
    assert not missed.stands
    assert (false.codes, false.entities, false.named) == (0, 0, 11)
    (report,) = entity_reports([result])
    assert (report.kind, report.alerts, report.right) == ("campaign", 1, 1)


def test_a_campaign_that_no_attacked_code_supports_is_false() -> None:
    result = WorldResult(
        1, 100, WorldCounts(DETECTORS), entity_alerts(campaign(), DEFAULT_POLICY), []
    )
    _, false = with_entities(result)
    assert false.entities == 1
