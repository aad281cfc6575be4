"""What Faust and its Kafka client do once in dozens of killed brokers and workers.

It is made by hand here. A worker whose fetching does nothing, as when its partitions stay
paused: it ends, and one that has nothing to do does not. And a client that takes records
from its partitions and drops them, as when a fetch outlives the assignment it was made for.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.faults.outcome import DRAINS_WITHIN_S
from benchmarks.faults.site import Site
from benchmarks.faults.traffic import Traffic, make_traffic
from demo.local_ports import free_ports
from stream.sources.faust.acknowledge import STALLED
from tests.support.patience import PATIENCE_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_FETCHES_NOTHING = """
import asyncio, sys
from stream.sources.faust.intake import Intake

async def nothing(self):
    await asyncio.sleep(0.2)

Intake.fetch_and_hand_over = nothing
from cli.main import main
main()
"""
_DROPS_FETCHES = """
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

fetch = AIOKafkaConsumerThread._fetch_records
drops = iter([True, False, True, True, False, True] * 3)

async def fetch_and_drop(self, *arguments, **options):
    records = await fetch(self, *arguments, **options)
    scans = {of for of in records if of.topic == "scans"}
    return {} if scans == set(records) and scans and next(drops, False) else records

AIOKafkaConsumerThread._fetch_records = fetch_and_drop
from cli.main import main
main()
"""
_STALL_S = 10  # as the site sets it


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    return make_traffic(tmp_path_factory.mktemp("traffic"), 2_000)


def test_a_worker_left_standing_ends_and_the_next_one_goes_on_where_it_stood(
    tmp_path: Path, traffic: Traffic
) -> None:
    half = len(traffic.scans) // 2
    with Site(tmp_path, traffic) as site:
        site.publish_batches()
        site.start_worker(0)
        site.publish_scans(traffic.scans[:half])
        site.wait_until_passed(within_s=PATIENCE_S)
        assert site.stop_worker(0) == 0
        site.publish_scans(traffic.scans[half:])
        assert _end_of_a_standing_worker(site) == STALLED
        site.start_worker(1)
        assert site.drain(within_s=DRAINS_WITHIN_S) == traffic.replayed


def test_workers_with_nothing_to_do_stay_whoever_joins_and_leaves(
    tmp_path: Path, traffic: Traffic
) -> None:
    with Site(tmp_path, traffic) as site:
        site.publish_batches()
        site.publish_scans(traffic.scans)
        site.start_worker(0)
        site.wait_until_passed(within_s=PATIENCE_S)
        site.start_worker(1)
        # Only time shows that nothing happens; a busy machine cannot make this fail.
        time.sleep(2 * _STALL_S)  # its partitions come to it all passed
        assert [worker.poll() for worker in site.workers.values()] == [None, None]
        assert site.stop_worker(1) == 0
        time.sleep(2 * _STALL_S)  # and back to the first one
        assert site.workers[0].poll() is None, site.log_of(0)
        assert "this worker ends" not in site.log_of(0) + site.log_of(1)


def test_records_that_were_taken_and_dropped_come_again(tmp_path: Path, traffic: Traffic) -> None:
    with Site(tmp_path, traffic) as site:
        site.publish_batches()
        with _worker(site, _DROPS_FETCHES):
            site.wait_for_a_member()
            for start in range(0, len(traffic.scans), 50):  # also while nothing is committed
                site.publish_scans(traffic.scans[start : start + 50], scattered=True)
                time.sleep(0.1)
            assert site.drain(within_s=DRAINS_WITHIN_S) == traffic.replayed


def _end_of_a_standing_worker(site: Site) -> int:
    """Its exit code."""
    with _worker(site, _FETCHES_NOTHING) as standing:
        return standing.wait(PATIENCE_S)


@contextmanager
def _worker(site: Site, program: str) -> "Iterator[subprocess.Popen[bytes]]":
    """A worker that this program starts."""
    (port,) = free_ports(1)
    with (site.folder / "made-by-hand.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-c", program, "worker", "--metrics-port", str(port)],
            env=site.environment,
            stderr=log,
        )
        try:
            yield worker
        finally:
            worker.kill()
            worker.wait()
