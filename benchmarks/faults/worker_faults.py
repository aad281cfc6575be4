"""Faults of workers: killed, suspended, coming and going. Times are seconds."""

import random
import signal
import time
from pathlib import Path
from typing import Final

from benchmarks.faults.outcome import Outcome, outcome_of
from benchmarks.faults.pauses import PauseWatch
from benchmarks.faults.publishing import in_background, publish_at_rate
from benchmarks.faults.site import SESSION_S, Site
from benchmarks.faults.traffic import HANGS_AFTER_S, Traffic
from ledger.postgres.server import BATCH_REGISTRY_LOCK, LOCKS

_LEAST_AT_WORK: Final = 2
_ONCE_MORE_AT_MOST: Final = 20


def killed_workers(folder: Path, traffic: Traffic, *, workers: int, kills: int) -> Outcome:
    """`kill -9` of one worker or of all at random moments, local files wiped at random.

    Scans come in as many portions as there are kills. Most kills wait until the workers are
    in the middle of one, the others come at any time, into rebalances too. At least two
    kills find the workers there: where portions passed unseen, all scans come again.
    """
    rng = random.Random(11)
    portion = -(-len(traffic.scans) // kills)
    with Site(folder, traffic) as site:
        began = time.monotonic()
        for number in range(workers):
            site.start_worker(number)
        site.wait_for_a_member()
        faults = at_work = 0
        while faults < kills:
            scans = traffic.scans[faults * portion :][:portion]
            site.publish_scans(scans, scattered=True)
            if faults == kills // 2:
                site.publish_batches()
            if rng.random() < 0.75:
                at_work += site.wait_until_at_work(within_s=3 * site.session_s)
            else:
                time.sleep(rng.uniform(0.0, 2.0))
            site.restart_ended_workers()
            alive = sorted(site.workers)
            victims = alive if rng.random() < 0.15 else [rng.choice(alive)]
            for number in victims:
                site.kill_worker(number, wipe=rng.random() < 0.5)
            for number in victims:
                site.start_worker(number)
            faults += 1
        for _ in range(_ONCE_MORE_AT_MOST):
            if at_work >= _LEAST_AT_WORK:
                break
            # The same scans again are work, and change nothing in the end.
            site.publish_scans(traffic.scans, scattered=True)
            if site.wait_until_at_work(within_s=3 * site.session_s):
                victim = rng.choice(sorted(site.workers))
                site.kill_worker(victim)
                site.start_worker(victim)
                faults += 1
                at_work += 1
            site.restart_ended_workers()
        return outcome_of("killed workers", site, faults, began, workers=workers, at_work=at_work)


def sleeping_worker(folder: Path, traffic: Traffic) -> Outcome:
    """A worker suspended past its session between the fold's read and its write.

    The histories are locked, so that the worker waits for what it asked; there it is
    suspended, and the answer waits for it. Another takes over and folds the same scans.
    Then the first one wakes and writes what it makes of histories that are old by now.
    """
    half = len(traffic.scans) // 2
    with Site(folder, traffic) as site:
        began = time.monotonic()
        sleeper = site.start_worker(0)
        site.publish_batches()
        site.wait_until_passed()
        lock = "LOCK TABLE items IN ACCESS EXCLUSIVE MODE"
        with site.held(lock, lambda: site.publish_scans(traffic.scans[:half])):
            sleeper.send_signal(signal.SIGSTOP)
        site.start_worker(1)
        site.publish_scans(traffic.scans[half:])
        time.sleep(SESSION_S)
        site.wait_until_passed()
        sleeper.send_signal(signal.SIGCONT)
        site.until("nothing was refused", lambda: site.count(0, "conflicts_total") > 0)
        refused = site.count(0, "conflicts_total")
        return outcome_of("sleeping worker", site, 1, began, stale_rows_refused=refused)


def worker_stopped_in_its_write(folder: Path, traffic: Traffic) -> Outcome:
    """A worker suspended in the middle of its transaction, with its locks held: the server
    ends it, others go on, and when it wakes it begins anew."""
    half = len(traffic.scans) // 2
    with Site(folder, traffic) as site:
        began = time.monotonic()
        sleeper = site.start_worker(0)
        lock = f"SELECT pg_advisory_xact_lock({LOCKS}, {BATCH_REGISTRY_LOCK})"
        with site.held(lock, lambda: site.publish_scans(traffic.scans[:half])):
            sleeper.send_signal(signal.SIGSTOP)
        site.start_worker(1)
        site.publish_batches()
        site.publish_scans(traffic.scans[half:])
        time.sleep(SESSION_S)
        site.wait_until_passed()
        sleeper.send_signal(signal.SIGCONT)
        return outcome_of("worker stopped in its write", site, 1, began)


def endless_rebalances(
    folder: Path, traffic: Traffic, *, rebalances: int, every_s: float, per_second: int
) -> Outcome:
    """A worker joins or leaves every few seconds while scans arrive at a steady rate."""
    with Site(folder, traffic, session_s=6.0) as site:
        site.publish_batches()
        site.start_worker(0)
        site.wait_for_a_member()
        began, joined = time.monotonic(), 0
        with PauseWatch(site) as pauses:
            publishing = in_background(lambda: publish_at_rate(site, per_second))
            for number in range(rebalances):
                time.sleep(every_s)
                site.restart_ended_workers()
                if number % 2:
                    site.stop_worker(1)
                else:
                    site.start_worker(1)
                    site.until("the worker did not join", lambda: site.members() == 2)
                    joined += 1
            publishing()
            site.wait_until_passed(within_s=HANGS_AFTER_S)
        return outcome_of(
            "endless rebalances",
            site,
            rebalances,
            began,
            joined=joined,
            longest_pause_s=pauses.longest_pause_s,
            looks=pauses.readings,
        )
