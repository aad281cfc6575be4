"""Traffic of the demonstration: nothing twice, nothing early, attacks of every family."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from demo.live import LiveTraffic, Pace
from demo.pack_supply import PackSupply
from demo.running_results import Results, SeenAlert
from simulation.attacks import SHOWN
from simulation.noise import Noise
from simulation.traffic import Line
from simulation.two_makers import World as SmallWorld
from simulation.visits import DAY_S
from simulation.world import Pack, World

START = datetime(2026, 1, 1, tzinfo=UTC)
PACE = Pace(scans_a_day=150, attacks_a_day=2.5)


def live(world: World | None = None) -> LiveTraffic:
    packs = world or World(9, 8_000)
    issued = iter(range(8_000))

    def take(number: int) -> list[Pack]:
        return [packs.pack(next(issued)) for _ in range(number)]

    return LiveTraffic(take, PACE, Noise(), 9, START.timestamp())


def day(number: float) -> float:
    return START.timestamp() + number * DAY_S


@pytest.fixture(scope="module")
def traffic() -> LiveTraffic:
    """Asked for twenty days of it by `arrived`."""
    return live()


@pytest.fixture(scope="module")
def arrived(traffic: LiveTraffic) -> list[Line]:
    return traffic.until(day(20))


def test_scans_come_in_the_order_of_arrival_and_never_early(arrived: list[Line]) -> None:
    times = [line.scan.received_at for line in arrived]
    assert times == sorted(times)
    assert times[-1].timestamp() <= day(20)


def test_asking_often_or_once_gives_the_same_scans(arrived: list[Line]) -> None:
    often = live()
    steps = [line for step in range(1, 201) for line in often.until(day(step / 10))]
    assert [line.scan for line in steps] == [line.scan for line in arrived]


def test_every_family_is_launched_in_turn(traffic: LiveTraffic, arrived: list[Line]) -> None:
    counted = Counter(traffic.launched.values())
    assert set(counted) == set(SHOWN)
    assert max(counted.values()) - min(counted.values()) <= 1


def test_in_full_swing_about_as_many_scans_arrive_as_asked_for(arrived: list[Line]) -> None:
    late = [line for line in arrived if line.scan.received_at.timestamp() > day(8)]
    assert 0.6 * 150 < len(late) / 12 < 1.6 * 150


def test_the_warehouse_hands_out_every_pack_once_and_orders_the_next_batch() -> None:
    world = World(1, 400)
    ordered: list[int] = []

    def issue(number: int) -> list[Pack]:
        ordered.append(number)
        return [world.pack(index) for index in range(number * 20, number * 20 + 20)]

    supply = PackSupply(issue)
    taken = [pack.index for _ in range(25) for pack in supply.take(7)]
    supply.close()
    assert len(set(taken)) == len(taken) == 175
    assert len(ordered) >= 10


def test_packs_taken_together_are_of_one_batch() -> None:
    world = World(1, 4_000)
    supply = PackSupply(lambda n: [world.pack(i) for i in range(n * 1_000, n * 1_000 + 40)])
    for _ in range(12):
        assert len({pack.batch.batch_id for pack in supply.take(12)}) == 1
    supply.close()


def test_a_tally_tells_a_false_alert_from_a_right_one(arrived: list[Line]) -> None:
    from authenticity.trust.verdict import Doubt, Doubtful

    results = Results({})
    forged = next(line for line in arrived if line.truth.attack == "forged")
    honest = next(line for line in arrived if line.truth.attack is None)
    for line in (forged, honest):
        results.published(line, Doubtful(Doubt.FORGED), second=0.5)
        item = line.truth.item
        results.alerted(SeenAlert(item, item, "forged", "high", False, "code refused"), 0.6)
    assert [shown.truth for shown in results.recent] == ["forged", "false alert"]
    assert results.alerts == 2
    assert results.score(datetime(2027, 1, 1, tzinfo=UTC)).false_alerts == 1


def test_a_retracted_alert_no_longer_stands(arrived: list[Line]) -> None:
    results = Results({})
    item = arrived[0].truth.item
    alert = SeenAlert("a1", item, "diverted", "medium", False, "")
    results.alerted(alert, 1)
    results.alerted(alert, 2)
    assert (results.alerts, len(results.recent)) == (1, 1)
    results.alerted(alert._replace(retracted=True), 3)
    assert (results.alerts, len(results.recent)) == (0, 2)


def test_seconds_without_a_scan_count_as_zero() -> None:
    results = Results({})
    code = SmallWorld().code()
    assert code
    results.passed(3.2)
    assert list(results.per_second) == [0, 0, 0, 0]
    assert results.scans_a_second == 0
