"""From `kill -9` and a new start to the first scan processed, on a ledger of many items."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.speed.pipeline.bench_servers import BenchServers
from benchmarks.speed.pipeline.load import Pack, scans_of_each
from benchmarks.speed.pipeline.programs import Program
from ledger.address import PostgresAddress

PACKS: Final = 240
_WITHIN_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from the start of the new process to its first processed scan.

    `beyond_the_wait_s`: the group had let go of the killed worker before, so that nothing
    but our own start counts: interpreter, connections, joining, the first fold.
    `wait_included_s`: started at once, so that the group's wait for the killed one counts.
    """

    beyond_the_wait_s: float
    wait_included_s: float


def recover(
    servers: BenchServers, ledger: PostgresAddress, packs: Sequence[Pack], visit: int
) -> Recovery:
    """Kill twice. Takes `PACKS` packs, and their visits `visit` to `visit + 2`."""
    worker = servers.our_worker(ledger)
    with worker:
        servers.publish(scans_of_each(packs, visit))
        worker.wait_for(len(packs), _WITHIN_S)
        _kill_over_a_backlog(servers, worker, packs, visit + 1)
        wait_included_s = _started_again(worker, len(packs))
        _kill_over_a_backlog(servers, worker, packs, visit + 2)
        servers.wait_for_group(0)
        beyond_s = _started_again(worker, len(packs))
        worker.stop()
    return Recovery(beyond_s, wait_included_s)


def _kill_over_a_backlog(
    servers: BenchServers, worker: Program, packs: Sequence[Pack], visit: int
) -> None:
    worker.suspend()
    servers.publish(scans_of_each(packs, visit))
    worker.stop(at_once=True)


def _started_again(worker: Program, scans: int) -> float:
    began_s = time.monotonic()
    worker.start()
    worker.wait_for(1, _WITHIN_S)
    first_s = worker.progress.points()[0].at_s - began_s
    worker.wait_for(scans, _WITHIN_S)
    return first_s
