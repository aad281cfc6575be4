"""Alerts on batches over time, and what they add code by code."""

from authenticity.detection.findings import COPIES
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.signals import Signal
from authenticity.gs1.item import EntityId, ItemId, batch_entity
from benchmarks.detection.evaluation.campaigns import subject_reports, with_subjects
from benchmarks.detection.evaluation.entities import subject_alerts
from benchmarks.detection.evaluation.judging import ClueChange
from benchmarks.detection.evaluation.running import DETECTORS, WorldResult
from benchmarks.detection.evaluation.tally import Tally
from tests.unit.benchmarks.detection_scenes import case, spoken

BATCH: EntityId = batch_entity("09506000134352", "L1")
HOUR_MS = 3_600_000


def looks_copied(number: int, at_ms: int, *, weight: int = 450) -> ClueChange:
    item = ItemId(f"item {number}")
    return ClueChange(at_ms, item, (Signal(BATCH, item, COPIES, weight, ""),))


def campaign(items: int = 12) -> list[ClueChange]:
    return [looks_copied(number, number * HOUR_MS) for number in range(items)]


def test_a_batch_full_of_suspicious_codes_is_alerted_on_before_the_last_of_them() -> None:
    (alert,) = subject_alerts(campaign(), DEFAULT_POLICY)
    assert alert.subject == BATCH
    assert alert.stands
    assert 0 < alert.first_ms < 11 * HOUR_MS
    assert alert.items == {ItemId(f"item {number}") for number in range(12)}


def test_two_suspicious_codes_are_no_campaign() -> None:
    assert subject_alerts(campaign(1), DEFAULT_POLICY) == []


def test_clues_that_late_data_explains_away_take_the_alert_with_them() -> None:
    explained = [ClueChange(99 * HOUR_MS, ItemId(f"item {number}"), ()) for number in range(12)]
    (alert,) = subject_alerts([*campaign(), *explained], DEFAULT_POLICY)
    assert not alert.stands


def test_a_campaign_catches_the_codes_that_speak_for_it_and_names_honest_ones() -> None:
    tally = Tally(DETECTORS)
    silent = spoken()
    few = "few-copies"
    tally.cases = [
        case("item 1", silent, known_at=2, family=few),
        case("another", silent, known_at=2, family=few),
    ]
    result = WorldResult(1, 100, tally, subject_alerts(campaign(), DEFAULT_POLICY), [])
    (caught, missed), false = with_subjects(result)
    assert caught.stands
    assert not missed.stands
    assert (false.codes, false.subjects, false.named) == (0, 0, 11)
    (report,) = subject_reports([result])
    assert (report.kind, report.alerts, report.right) == ("campaign", 1, 1)


def test_a_campaign_that_no_attacked_code_speaks_for_is_false() -> None:
    result = WorldResult(1, 100, Tally(DETECTORS), subject_alerts(campaign(), DEFAULT_POLICY), [])
    _, false = with_subjects(result)
    assert false.subjects == 1
