"""Figures of cases made by hand, whose answers are known."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.detection.evaluation.bootstrap import rate, share
from benchmarks.detection.evaluation.counts import FalseAlerts, Honest
from benchmarks.detection.evaluation.curves import calibration, false_rate_at, partial_area, roc
from benchmarks.detection.evaluation.scoring import (
    Row,
    compare,
    detector_report,
    false_report,
    precision_at,
    rows_of,
)
from benchmarks.detection.split import FIT, TEST, VALIDATE, share_out
from simulation.attacks import AttackFamily
from simulation.ceiling import ATTACK_FORMAT, AttackedItem, AttackRecord
from tests.unit.authenticity.detection.make_observations import ITEM, NOON
from tests.unit.benchmarks.detection_scenes import case, outcome


def honest(codes: int = 10_000, scans: int = 20_000) -> Honest:
    each = scans // codes
    return Honest(
        codes=codes, item_scans=scans, scans=2 * scans, by_item_scans=Counter({each: codes})
    )


def false(codes: int) -> FalseAlerts:
    return FalseAlerts(codes=codes, by_item_scans=Counter({2: codes}))


def row(item: str, *, known_at: int | None = 1, first: int | None = None) -> Row:
    words = outcome(first, known=None if known_at is None else first)
    made = case(item, words, known_at=known_at)
    return Row("copies", f"attack on {item}", 0.5, made, words)


def test_half_of_what_could_be_known_is_half_of_the_ceiling() -> None:
    unscanned = Row("copies", "unscanned", 0.1, None, None)
    rows = [row("a", first=1), row("b", first=3), row("c"), row("d"), unscanned]
    report = detector_report("rule", "", {1: rows}, false(0), honest())
    family = report.families[0]
    assert (family.codes, family.scanned, family.detectable, family.caught) == (5, 4, 4, 2)
    assert family.of_ceiling.value == 0.5
    assert family.recall.value == pytest.approx(0.4)
    assert family.ceiling == pytest.approx((4 * 0.5 + 0.1) / 5)


def test_an_alert_that_was_retracted_has_caught_nothing() -> None:
    words = outcome(1, known=1, stands=False)
    retracted = Row("copies", "attack", None, case("a", words), words)
    report = detector_report("rule", "", {1: [retracted]}, false(0), honest())
    assert report.families[0].caught == 0


def test_an_alert_before_anybody_could_know_is_early() -> None:
    words = outcome(0, known=2)
    early = Row("copies", "attack", None, case("a", words, known_at=2), words)
    assert early.early
    assert early.caught


def test_delay_runs_from_when_it_could_be_known() -> None:
    report = detector_report("rule", "", {1: [row("a", first=4)]}, false(0), honest())
    assert report.delay is not None
    assert (report.delay.hours_median, report.delay.scans_median) == (3.0, 3.0)


def test_an_attack_is_caught_by_any_of_its_codes() -> None:
    words = outcome(1, known=1)
    rows = [
        Row("copies", "one attack", None, case("a", words), words),
        Row("copies", "one attack", None, case("b", outcome()), outcome()),
    ]
    family = detector_report("rule", "", {1: rows}, false(0), honest()).families[0]
    assert (family.attacks, family.attacks_detectable, family.attacks_caught) == (1, 1, 1)


def test_every_launched_code_has_a_row_whether_it_was_scanned_or_not() -> None:
    items = tuple(AttackedItem(ITEM + end, 1, 0.1, 0.1, 0.2) for end in "ab")  # type: ignore[arg-type]
    record = AttackRecord(ATTACK_FORMAT, "copies-1", AttackFamily.COPIES, "", NOON, items, None, ())
    rows = rows_of([record], [case(ITEM + "a", outcome())], [outcome()])
    assert [each.case is not None for each in rows] == [True, False]


def test_ten_false_alerts_among_twenty_thousand_scans_are_five_in_ten_thousand() -> None:
    report = false_report(false(10), honest())
    assert report.per_10000.value == pytest.approx(5.0)
    low, high = report.per_10000.low, report.per_10000.high
    assert low is not None
    assert high is not None
    assert low < 3.5 < 6.5 < high


def test_readings_of_cases_do_not_thin_out_false_alerts() -> None:
    report = false_report(false(10), honest())
    assert report.per_10000_of_all.value == pytest.approx(2.5)


def test_an_alert_on_a_batch_counts_once_and_the_codes_it_names_as_codes() -> None:
    alerts = FalseAlerts(codes=1, entities=1, named=48, by_item_scans=Counter({2: 1}))
    report = false_report(alerts, honest())
    assert report.per_10000.value == pytest.approx(1.0)
    assert report.of_codes.value == pytest.approx(49 / 10_000)


def test_none_seen_in_a_thousand_may_be_three() -> None:
    none = rate(0, 1_000.0)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(0.003)


def test_precision_is_bayes() -> None:
    assert precision_at(0.5, 0.9, 0.1) == pytest.approx(0.9)
    assert precision_at(1e-5, 1.0, 1e-5) == pytest.approx(0.5, abs=1e-4)
    assert precision_at(0.1, 0.0, 0.0) is None


def test_an_interval_narrows_with_more_codes_and_holds_the_value() -> None:
    few = share(np.array([1.0, 0.0] * 10), np.ones(20))
    many = share(np.array([1.0, 0.0] * 1_000), np.ones(2_000))
    for estimate in (few, many):
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.value == 0.5
        assert estimate.low <= 0.5 <= estimate.high
    assert (many.high or 1) - (many.low or 0) < 0.3 * ((few.high or 1) - (few.low or 0))


def test_the_same_rows_give_the_same_interval() -> None:
    hits = np.array([1.0, 0.0, 0.0, 1.0, 1.0])
    assert share(hits, np.ones(5)) == share(hits, np.ones(5))


def test_a_perfect_score_has_all_of_the_area_and_a_useless_one_next_to_none() -> None:
    honest_scores = Counter({0.0: 10_000})
    assert partial_area(roc(honest_scores, Counter({1.0: 5}))) == 1.0
    assert partial_area(roc(honest_scores, Counter({0.0: 5}))) == pytest.approx(5e-4 / 2)


def test_the_threshold_for_a_recall_costs_what_lies_above_it() -> None:
    points = roc(Counter({0.0: 98, 2.0: 1, 4.0: 1}), Counter({1.0: 1, 3.0: 1}))
    assert false_rate_at(points, 0.5) == 0.01
    assert false_rate_at(points, 1.0) == 0.02


def test_a_probability_that_comes_true_is_calibrated() -> None:
    right = calibration(Counter({(100, True): 100, (100, False): 900}))
    wrong = calibration(Counter({(900, True): 100, (900, False): 900}))
    assert right is not None
    assert wrong is not None
    assert right.error == pytest.approx(0.0, abs=1e-9)
    assert wrong.error == pytest.approx(0.8)
    assert right.brier == pytest.approx(0.09)


def test_at_equal_recall_precision_is_compared_by_false_rates() -> None:
    rows = {1: [row("a", first=1), row("b")]}
    rule = detector_report("rule", "", rows, false(100), honest())
    ours = detector_report("ours", "", rows, false(1), honest())
    compared = compare(ours, [(0.0, 0.0), (1e-4, 0.5), (1.0, 1.0)], rule, honest())
    assert compared is not None
    assert compared.recall == 0.5
    assert compared.our_false_rate == pytest.approx(1e-4)
    assert compared.ratio_1e5 == pytest.approx(100, rel=0.06)


def test_seeds_never_serve_two_purposes() -> None:
    assert len({*FIT, *VALIDATE, *TEST}) == len(FIT) + len(VALIDATE) + len(TEST) == 10
    assert share_out(10).all == (*FIT, *VALIDATE, *TEST)
    for count in range(3, 11):
        seeds = share_out(count)
        assert len(seeds.all) == count
        assert all((seeds.fit, seeds.validate, seeds.test))
    with pytest.raises(ValueError, match="3 to 10"):
        share_out(2)
