"""Each rule alerts when it is stated to, and not before."""

from collections import Counter
from datetime import timedelta

import pytest

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.records.place import Place
from authenticity.records.scan import Channel
from authenticity.trust.verdict import Doubt
from benchmarks.detection.dataset import Arrival
from benchmarks.detection.evaluation.baseline_rules import RULES
from benchmarks.detection.evaluation.detectors import Detector, Oracle
from benchmarks.detection.evaluation.touchstone_detector import TouchstoneDetector
from benchmarks.detection.evaluation.transition_rarity import (
    Transitions,
    best_threshold,
    transition_rarity,
)
from simulation.attacks import AttackFamily
from tests.unit.authenticity.detection.make_observations import LYON, PARIS, TOKYO, doubtful, seen
from tests.unit.benchmarks.detection_scenes import arrival, example

HOUR = timedelta(hours=1)
BY_NAME = {rule.name: rule for rule in RULES}


def alerts_at(detector: Detector, *arrivals: Arrival) -> int | None:
    """The number of the first arrival after which an alert stands, from 1."""
    monitor = detector.watch(example(*arrivals))
    for number, each in enumerate(arrivals, start=1):
        if monitor.see(each):
            return number
    return None


def scans_every(
    many: int, *, every: timedelta = HOUR, place: Place | None = PARIS
) -> list[Arrival]:
    return [arrival(str(n), after=n * every, place=place) for n in range(many)]


def test_a_second_scan_is_one_too_many_for_the_simplest_rule() -> None:
    assert alerts_at(BY_NAME["second scan"], *scans_every(3)) == 2


def test_a_duplicate_delivery_is_no_second_scan() -> None:
    assert alerts_at(BY_NAME["second scan"], *scans_every(1), *scans_every(1)) is None


def test_the_reading_of_a_case_is_no_scan_to_a_rule() -> None:
    case = arrival("2", after=HOUR, channel=Channel.LOGISTICS, authorised=True)
    assert alerts_at(BY_NAME["second scan"], arrival("1"), case) is None


def test_a_forged_code_is_nothing_to_a_rule_about_copies() -> None:
    forged = arrival("2", after=HOUR)._replace(observation=seen("2", doubtful(Doubt.FORGED)))
    assert alerts_at(BY_NAME["second scan"], arrival("1"), forged) is None


def test_ten_scans_are_enough_and_nine_are_not() -> None:
    assert alerts_at(BY_NAME["ten scans"], *scans_every(12)) == 10


def test_the_commercial_rule_wants_more_than_ten_scans_and_six_devices() -> None:
    one_device = [arrival(str(n), after=n * HOUR, session="one", place=PARIS) for n in range(12)]
    assert alerts_at(BY_NAME["commercial"], *scans_every(12)) == 11
    assert alerts_at(BY_NAME["commercial"], *one_device) is None


def test_the_commercial_rule_takes_a_speed_for_devices() -> None:
    flown = [
        arrival(str(n), after=n * HOUR, session="one", place=PARIS if n % 2 else TOKYO)
        for n in range(12)
    ]
    assert alerts_at(BY_NAME["commercial"], *flown) == 11


def test_three_sessions_and_a_far_one_speak_together() -> None:
    rule = BY_NAME["sessions + distance"]
    near = scans_every(2)
    assert alerts_at(rule, *near, arrival("far", after=90 * HOUR, place=TOKYO)) == 3
    assert alerts_at(rule, near[0], arrival("far", after=90 * HOUR, place=TOKYO)) is None
    assert alerts_at(rule, *near, arrival("near", after=90 * HOUR, place=LYON)) is None


def test_paris_and_tokyo_an_hour_apart_are_too_fast_and_a_day_apart_are_not() -> None:
    rule = BY_NAME["naive speed"]
    assert alerts_at(rule, arrival("1", place=PARIS), arrival("2", after=HOUR, place=TOKYO)) == 2
    a_day_later = arrival("2", after=24 * HOUR, place=TOKYO)
    assert alerts_at(rule, arrival("1", place=PARIS), a_day_later) is None


def test_speed_is_by_capture_whatever_the_order_of_arrival() -> None:
    rule = BY_NAME["naive speed"]
    late = arrival("late", after=HOUR, place=PARIS)
    far = arrival("far", after=2 * HOUR, place=TOKYO)
    assert alerts_at(rule, far, late) == 2


def test_four_scans_in_a_minute_are_a_burst_and_three_are_not() -> None:
    rule, second = BY_NAME["bursts"], timedelta(seconds=20)
    assert alerts_at(rule, *scans_every(4, every=second)) == 4
    assert alerts_at(rule, *scans_every(3, every=second)) is None
    assert alerts_at(rule, *scans_every(4, every=2 * second)) is None


def test_another_city_within_ten_minutes_is_a_burst() -> None:
    rule = BY_NAME["bursts"]
    first = arrival("1", place=PARIS)
    assert alerts_at(rule, first, arrival("2", after=timedelta(minutes=9), place=LYON)) == 2
    assert alerts_at(rule, first, arrival("2", after=timedelta(minutes=11), place=LYON)) is None


def test_a_transition_never_seen_is_rarer_than_a_usual_one() -> None:
    transitions = Transitions()
    for n in range(100):
        transitions.learn([seen(f"{n}a", place=PARIS), seen(f"{n}b", after=HOUR, place=LYON)])
    rule = transition_rarity(transitions, threshold=1.0)
    first = arrival("1", place=PARIS)
    assert alerts_at(rule, first, arrival("2", after=HOUR, place=LYON)) is None
    assert alerts_at(rule, first, arrival("2", after=HOUR, place=TOKYO)) == 2


def test_the_best_threshold_parts_copied_from_honest_codes() -> None:
    honest, copied = Counter({0.5: 100, 1.0: 20, 2.0: 1}), Counter({1.0: 1, 3.0: 9})
    assert 2.0 < best_threshold(honest, copied) <= 3.0


def test_the_oracle_alerts_with_the_first_scan_that_could_tell() -> None:
    attack, known = AttackFamily.COPIES, HOUR + timedelta(seconds=1)
    first = arrival("1", attack=attack, known_after=known)
    second = arrival("2", physical="copy-1", after=HOUR, attack=attack, known_after=known)
    assert alerts_at(Oracle(), first, second) == 2
    assert alerts_at(Oracle(), *scans_every(5)) is None


@pytest.mark.parametrize("cities", [(PARIS,), (PARIS, LYON)])
def test_a_few_honest_item_scans_leave_ours_silent(cities: tuple[Place, ...]) -> None:
    arrivals = [
        arrival(str(n), after=n * timedelta(days=4), place=city) for n, city in enumerate(cities)
    ]
    assert alerts_at(TouchstoneDetector(DEFAULT_POLICY), *arrivals) is None
