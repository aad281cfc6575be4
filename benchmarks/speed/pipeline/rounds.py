"""One round of the comparison: every program once, over the same scans."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.speed.pipeline.bench_servers import BenchServers
from benchmarks.speed.pipeline.load import Pack, scans_of_each
from benchmarks.speed.pipeline.programs import Program
from benchmarks.speed.pipeline.progress import steady_rate
from events.publisher import Record

WARM: Final = 240
_FIRST_WITHIN_S: Final = 90.0
_ALL_WITHIN_S: Final = 180.0


@dataclass(frozen=True, slots=True)
class TwoPasses:
    """Scans a second of new codes, and of the same codes again, whose verdicts are cached.

    `…_processor_us`: microseconds of processor time a scan took of worker, database, broker.
    """

    new: float
    known: float
    new_processor_us: tuple[float, float, float]
    known_processor_us: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Steady:
    """Scans a second, and microseconds of processor time a scan."""

    rate: float
    processor_us: float


def two_passes(
    servers: BenchServers,
    worker: Program,
    warm: Sequence[Pack],
    packs: Sequence[Pack],
    *,
    topic: str,
    first_visit: int = 0,
    members: int = 0,
) -> TwoPasses:
    """Two visits to each pack by one running program, which reads this topic.

    `members`: if it is ours, so many processes, all of which are waited for. It is started
    and warmed first, and suspended while the scans are published: each time runs from the
    moment it goes on until the last scan is processed, over a backlog that lies ready.
    """
    with worker:
        if members:
            servers.wait_for_group(members)
        servers.publish(scans_of_each(warm, first_visit), topic)
        worker.wait_for(len(warm), _FIRST_WITHIN_S)
        new, new_us = _timed(servers, worker, scans_of_each(packs, first_visit), topic)
        known, known_us = _timed(servers, worker, scans_of_each(packs, first_visit + 1), topic)
        worker.stop()
    return TwoPasses(new, known, new_us, known_us)


def _timed(
    servers: BenchServers, worker: Program, records: Sequence[Record], topic: str
) -> tuple[float, tuple[float, float, float]]:
    done = worker.progress.scans
    worker.suspend()
    servers.publish(records, topic)
    used = _used(servers, worker)
    began_s = time.monotonic()
    worker.resume()
    worker.wait_for(done + len(records), _ALL_WITHIN_S)
    took_s = worker.progress.points()[-1].at_s - began_s
    each_us = [
        (after - before) / len(records) * 1e6
        for after, before in zip(_used(servers, worker), used, strict=True)
    ]
    return len(records) / took_s, (each_us[0], each_us[1], each_us[2])


def _used(servers: BenchServers, worker: Program) -> tuple[float, float, float]:
    return worker.processor_seconds(), *servers.servers_processor_seconds()


def newcomer_rate(program: Program, seconds: float) -> Steady:
    """The steady rate over some seconds of a program that would take too long for all scans."""
    with program:
        program.wait_for(1, _FIRST_WITHIN_S)
        scans, used = program.progress.scans, program.processor_seconds()
        time.sleep(seconds)
        rate = steady_rate(program.progress.points())
        scans, used = program.progress.scans - scans, program.processor_seconds() - used
        return Steady(rate, used / max(1, scans) * 1e6)
