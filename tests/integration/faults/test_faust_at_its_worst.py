"""What Faust and its Kafka client do once in dozens of killed brokers and workers.

It is made by hand here. A worker whose fetching does nothing, as when its partitions stay
paused: it ends, and one that has nothing to do does not. And a client that takes records
from its partitions and drops them, as when a fetch outlives the assignment it was made for.
"""

import re
import subprocess
import sys
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pytest

from benchmarks.faults.site import Site
from benchmarks.faults.traffic import HANGS_AFTER_S, Traffic, make_traffic
from demo.local_ports import free_ports
from stream.sources.faust.acknowledge import STALLED
from tests.support.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.slow

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
import sys
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

fetch = AIOKafkaConsumerThread._fetch_records
drops = iter([True, False, True, True, False, True] * 3)

async def fetch_and_drop(self, *arguments, **options):
    records = await fetch(self, *arguments, **options)
    scans = {of for of in records if of.topic == "scans"}
    dropped = scans == set(records) and scans and next(drops, False)
    if scans:
        print("scans were dropped" if dropped else "scans were fetched", file=sys.stderr)
    return {} if dropped else records

AIOKafkaConsumerThread._fetch_records = fetch_and_drop
from cli.main import main
main()
"""
_SAYS_WHAT_WAITS = """
import sys
from stream.sources.faust.stall import StallWatch

asked = StallWatch._waiting

async def ask_and_say(self):
    ours = self.app.consumer.assignment()
    waiting = await asked(self)
    print(f"{waiting} wait in {len(ours)} partitions", file=sys.stderr)
    return waiting

StallWatch._waiting = ask_and_say
from cli.main import main
main()
"""
"""The watch asks when the worker has stood still for so long that only an empty log excuses it."""


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
        assert site.drain(within_s=HANGS_AFTER_S) == traffic.replayed


def test_workers_with_nothing_to_do_stay_whoever_joins_and_leaves(
    tmp_path: Path, traffic: Traffic
) -> None:
    with Site(tmp_path, traffic) as site:
        site.publish_batches()
        site.publish_scans(traffic.scans)
        with _worker(site, _SAYS_WHAT_WAITS, "first") as first:
            site.wait_until_passed(within_s=PATIENCE_S)
            every_partition = _stands_still_rightly(site, first, "first", of=[])
            with _worker(site, _SAYS_WHAT_WAITS, "second") as second:
                some = _stands_still_rightly(site, second, "second", of=range(1, every_partition))
                others = every_partition - some
                assert _stands_still_rightly(site, first, "first", of=[others]) == others
                second.terminate()
                assert second.wait(PATIENCE_S) == 0
            _stands_still_rightly(site, first, "first", of=[every_partition])
        assert "this worker ends" not in _said(site, "first") + _said(site, "second")


def test_records_that_were_taken_and_dropped_come_again(tmp_path: Path, traffic: Traffic) -> None:
    with Site(tmp_path, traffic, session_s=30.0) as site:
        site.publish_batches()
        patient = {"TOUCHSTONE_WORKER_STALL_S": "600"}  # it would end, and nobody starts it again
        with _worker(site, _DROPS_FETCHES, "dropping", patient) as dropping:
            site.wait_for_a_member()
            for start in range(0, len(traffic.scans), 50):  # also while nothing is committed
                before = _said(site, "dropping").count("scans were")
                site.publish_scans(traffic.scans[start : start + 50], scattered=True)
                wait_until(
                    lambda: _said(site, "dropping").count("scans were") > before,  # noqa: B023
                    lambda: f"{dropping.poll()}: {_said(site, 'dropping')[-3_000:]}",
                )
            assert site.drain(within_s=HANGS_AFTER_S) == traffic.replayed
        assert "scans were dropped" in _said(site, "dropping")


def _stands_still_rightly(
    site: Site, worker: "subprocess.Popen[bytes]", name: str, *, of: Container[int]
) -> int:
    """Number of the worker's partitions, once it has asked again whether anything waits in
    them, and goes on though it stands still. `of`: the numbers that count; empty: any."""
    before = len(_said(site, name))

    def number() -> int | None:
        asked = re.findall(r"^0 wait in (\d+) partitions", _said(site, name)[before:], re.M)
        return next((int(found) for found in asked if not of or int(found) in of), None)

    found = wait_until(lambda: number() or worker.poll(), lambda: _said(site, name))
    assert worker.poll() is None, _said(site, name)
    return found


def _said(site: Site, name: str) -> str:
    """What a worker of `_worker` has logged."""
    return (site.folder / f"{name}.log").read_text()


def _end_of_a_standing_worker(site: Site) -> int:
    """Its exit code."""
    with _worker(site, _FETCHES_NOTHING, "standing") as standing:
        return standing.wait(PATIENCE_S)


@contextmanager
def _worker(
    site: Site, program: str, name: str, env: Mapping[str, str] = MappingProxyType({})
) -> "Iterator[subprocess.Popen[bytes]]":
    """A worker that this program starts."""
    (port,) = free_ports(1)
    with (site.folder / f"{name}.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-c", program, "worker", "--metrics-port", str(port)],
            env=site.environment | {"PYTHONUNBUFFERED": "1"} | dict(env),
            stderr=log,
        )
        try:
            yield worker
        finally:
            worker.kill()
            worker.wait()
