"""Nothing an operator fears changes an alert or loses a scan: the short form.

Each test starts brokers, a database and workers of its own, harms them, and compares what
is exported in the end, byte for byte, with the pure replay. The long form is
`touchstone bench fire`.
"""

from pathlib import Path

import pytest

from benchmarks.faults.outcome import Outcome
from benchmarks.faults.server_faults import backlog, killed_servers, killed_service, lost_brokers
from benchmarks.faults.traffic import Traffic, make_traffic
from benchmarks.faults.worker_faults import (
    endless_rebalances,
    killed_workers,
    sleeping_worker,
    worker_stopped_in_its_write,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    attacked = ("--scan-rate", "0.9", "--attack-rate", "0.03")  # else no campaign is found
    folder = tmp_path_factory.mktemp("traffic")
    made = make_traffic(folder, 12_000, *attacked, items_per_scan=0.5)
    assert b'"kind":"campaign"' in made.replayed, "a campaign is among the alerts"
    assert b'"item":"urn:touchstone:scanner:' in made.replayed
    return made


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    return make_traffic(tmp_path_factory.mktemp("small"), 3_000, seed=9)


def assert_unharmed(outcome: Outcome) -> None:
    assert outcome.unharmed, outcome


def test_workers_killed_at_random_points_lose_nothing_and_count_nothing_twice(
    tmp_path: Path, traffic: Traffic
) -> None:
    outcome = killed_workers(tmp_path, traffic, workers=3, kills=8)
    assert_unharmed(outcome)
    assert int(outcome.details["at_work"]) > 1


def test_a_worker_that_wakes_after_another_took_over_overwrites_nothing(
    tmp_path: Path, small: Traffic
) -> None:
    outcome = sleeping_worker(tmp_path, small)
    assert_unharmed(outcome)
    assert outcome.details["stale_rows_refused"]


def test_a_worker_stopped_in_the_middle_of_its_write_holds_nobody_up_for_long(
    tmp_path: Path, small: Traffic
) -> None:
    assert_unharmed(worker_stopped_in_its_write(tmp_path, small))


def test_broker_and_database_killed_and_restarted_lose_nothing(
    tmp_path: Path, traffic: Traffic
) -> None:
    rounds = (("kafka",), ("postgres",), ("kafka", "postgres"))
    assert_unharmed(killed_servers(tmp_path, traffic, rounds=rounds))


def test_rebalances_without_end_lose_nothing_and_let_the_workers_progress(
    tmp_path: Path, traffic: Traffic
) -> None:
    outcome = endless_rebalances(tmp_path, traffic, rebalances=6, every_s=1.0, per_second=600)
    assert_unharmed(outcome)
    assert outcome.details["joined"] == 3
    assert int(outcome.details["looks"]) > 0


def test_one_broker_of_three_may_die_and_two_are_said_and_waited_for(
    tmp_path: Path, small: Traffic
) -> None:
    outcome = lost_brokers(tmp_path, small)
    assert_unharmed(outcome)
    assert outcome.details["looks"]
    assert outcome.details["refused_with"]


def test_the_service_killed_between_acknowledgement_and_answer_loses_nothing(
    tmp_path: Path, small: Traffic
) -> None:
    outcome = killed_service(tmp_path, small, kills=5)
    assert_unharmed(outcome)
    assert outcome.details["unanswered"]


def test_a_backlog_is_worked_off_in_bounded_memory_while_the_service_answers(
    tmp_path: Path, traffic: Traffic
) -> None:
    outcome = backlog(tmp_path, traffic)
    assert_unharmed(outcome)
    assert outcome.details["looks"]
    assert float(outcome.details["worker_mb"]) < 500
