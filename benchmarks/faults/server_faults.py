"""Faults of what workers depend on: brokers, database, service; and a large backlog."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx
import msgspec

from authenticity.errors import UnavailableError
from authenticity.records.scan import Channel, decode_scan, encode_scan
from benchmarks.faults.outcome import Outcome, outcome_of
from benchmarks.faults.pauses import PauseWatch
from benchmarks.faults.publishing import in_background, publish_in_portions
from benchmarks.faults.service_probe import ServiceProbe
from benchmarks.faults.site import Site
from benchmarks.faults.traffic import HANGS_AFTER_S, Traffic, replay_beside
from benchmarks.processes import resident_mb
from producers.scanner.service_client import ScanService

_BACKLOG_WITHIN_S: Final = 1_200.0


def killed_servers(
    folder: Path, traffic: Traffic, *, rounds: Sequence[tuple[str, ...]], pause_s: float = 3.0
) -> Outcome:
    """Broker, database, or both killed with `kill -9` while scans arrive, and restarted."""
    rng = random.Random(5)
    with Site(folder, traffic) as site:
        began = time.monotonic()
        for number in range(2):
            site.start_worker(number)
        publishing = in_background(lambda: publish_in_portions(site))
        for victims in rounds:
            time.sleep(rng.uniform(1.0, 4.0))
            if "kafka" in victims:
                site.kafka.kill(0)
            if "postgres" in victims:
                site.postgres.kill()
            time.sleep(pause_s)
            if "postgres" in victims:
                site.postgres.restart()
            if "kafka" in victims:
                site.kafka.start_broker(0)
            site.restart_ended_workers()
        publishing()
        killed = "; ".join("+".join(victims) for victims in rounds)
        return outcome_of("killed servers", site, len(rounds), began, killed=killed)


def lost_brokers(folder: Path, traffic: Traffic) -> Outcome:
    """Three brokers with two in sync required. With one killed the workers go on; `longest_pause_s`
    is how long they stood still. With two killed publishing is refused with a reason, and goes
    on by itself once one is back."""
    third = len(traffic.scans) // 3
    with Site(folder, traffic, brokers=3) as site:
        began = time.monotonic()
        site.publish_batches()
        site.start_worker(0)
        site.start_worker(1)
        site.publish_scans(traffic.scans[:third])
        with PauseWatch(site) as pauses:
            site.kafka.kill(0)
            site.publish_scans(traffic.scans[third : 2 * third])
            site.wait_until_passed(within_s=HANGS_AFTER_S)
        site.kafka.kill(1)
        refusal = site.refusal(traffic.scans[2 * third])
        site.kafka.start_broker(1)
        site.publish_scans(traffic.scans[2 * third :])
        site.kafka.start_broker(0)
        return outcome_of(
            "lost brokers", site, 2, began,
            longest_pause_s=pauses.longest_pause_s, looks=pauses.readings, refused_with=refusal,
        )  # fmt: skip


def killed_service(folder: Path, traffic: Traffic, *, kills: int) -> Outcome:
    """The service killed while it takes scans, at whatever point between the broker's
    acknowledgement and its answer. A client without an answer sends again.

    The replay is that of the topic: the service names publisher and arrival itself.
    """
    rng = random.Random(3)
    with Site(folder, traffic) as site:
        began = time.monotonic()
        site.start_worker(0)
        site.publish_batches()
        site.start_service()
        client = ScanService(site.service_url, site.officer())
        killed_all = threading.Event()

        def kill() -> None:
            for _ in range(kills):
                site.until("no service", lambda: _answers(site))
                time.sleep(rng.uniform(0.05, 1.0))
                site.kill_service()
                site.start_service()
            killed_all.set()

        killing = in_background(kill)
        lines = [_as_customs(line) for line in traffic.scans]
        acknowledged, unanswered = _publish_until(killed_all, client, lines)
        killing()
        client.close()
        on_topic = site.scans_on_topic()
        missing = acknowledged - {decode_scan(line).scan_id for line in on_topic}
        site.traffic = traffic._replace(replayed=replay_beside(folder, traffic, on_topic))
        outcome = outcome_of(
            "killed service", site, kills, began,
            unanswered=unanswered, acknowledged=len(acknowledged), on_topic=len(on_topic),
        )  # fmt: skip
        return replace(outcome, lost=outcome.lost + len(missing))


def _publish_until(
    over: threading.Event, client: ScanService, lines: Sequence[bytes]
) -> tuple[set[str], int]:
    """Publish all lines, and again from the first until `over` is set.

    Returns the ids of the acknowledged scans, and the number of requests without an answer.
    """
    acknowledged: set[str] = set()
    sent = unanswered = 0
    size = client.lines_at_once // 5
    while sent < len(lines) or not over.is_set():
        portion = lines[sent % len(lines) :][:size]
        try:
            answers = client.publish(portion)
        except UnavailableError:
            unanswered += 1
            time.sleep(0.05)
            continue
        sent += len(portion)
        acknowledged |= {
            decode_scan(line).scan_id
            for line, answer in zip(portion, answers, strict=True)
            if answer.get("recorded")
        }
    return acknowledged, unanswered


def backlog(folder: Path, traffic: Traffic, *, codes_checked: int = 200) -> Outcome:
    """All scans wait before the first worker starts; the service answers meanwhile.

    `worker_mb`: the most memory that the worker held; `steadiness`: the slowest tenth of
    its seconds beside the median, in scans passed; `look_p95_ms`: the time of a check.
    """
    with Site(folder, traffic) as site:
        site.publish_batches()
        site.publish_scans(traffic.scans)
        site.start_service()
        began = time.monotonic()
        worker = site.start_worker(0)
        site.until("no service", lambda: _answers(site))
        codes = [decode_scan(line).code for line in traffic.scans[:codes_checked]]
        probe = ServiceProbe(site.service_url, codes, site.officer())
        memory_mb, rates, passed = 0.0, [], 0
        with probe:
            while True:
                time.sleep(1)
                memory_mb = max(memory_mb, resident_mb(worker.pid))
                progress = site.progress()
                if 0 < passed < progress.passed and progress.waiting:
                    rates.append(progress.passed - passed)
                passed = progress.passed
                if progress.waiting == 0:
                    break
                if time.monotonic() - began > _BACKLOG_WITHIN_S:
                    raise TimeoutError("the backlog does not end")
        seconds = time.monotonic() - began
        rates.sort()
        return outcome_of(
            "backlog", site, 0, began,
            scans_a_second=len(traffic.scans) / seconds, worker_mb=memory_mb,
            steadiness=rates[len(rates) // 10] / rates[len(rates) // 2] if rates else 1.0,
            looks=len(probe.seconds), look_p95_ms=probe.p95_ms(),
            look_failures=probe.failures,
        )  # fmt: skip


def _as_customs(line: bytes) -> bytes:
    """The same scan as an officer would send it: the service takes no other from one."""
    scan = decode_scan(line)
    return encode_scan(msgspec.structs.replace(scan, channel=Channel.CUSTOMS, act=None))


def _answers(site: Site) -> bool:
    try:
        return site.http.get(f"{site.service_url}/readyz").is_success
    except httpx.TransportError:
        return False
