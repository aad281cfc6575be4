"""`touchstone bench stream --engine kafka`: our worker beside Faust and Quix Streams.

One broker and one PostgreSQL, both started for this, everything on this machine; each
round takes every program once, in turn first and last:

* ours: `touchstone up --engine kafka --workers 1 --no-api`;
* a plain Faust application as a newcomer writes it (`benchmarks.speed.peers.plain_faust`), with
  a signature check for each scan, and without any;
* Quix Streams doing the very work of ours (`benchmarks.speed.peers.quix_worker`).

`ours`, `baseline` and `ratio` are of scans whose codes were never met, so that each signature
is checked, beside plain Faust with signature checks. "Without" compares what is left when
no signature is checked: plain Faust does not read the code at all, ours meets the same
codes a second time and looks up what they proved, which is the work it does in service for
every further scan of a pack; it still decodes, assesses, merges, and writes to PostgreSQL.

The details: the other ratios with their targets, processor time a scan, scan to alert at
1,000 scans/s, recovery after `kill -9`, two workers beside one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.machine import machine
from benchmarks.registry import Say
from benchmarks.speed.pipeline.bench_servers import (
    FOR_QUIX,
    NEWCOMERS,
    BenchServers,
    started_servers,
)
from benchmarks.speed.pipeline.delay import scan_to_alert
from benchmarks.speed.pipeline.load import Pack, packs_needed, scans_of_each
from benchmarks.speed.pipeline.prefill import fill, log_bytes_a_scan
from benchmarks.speed.pipeline.recovery import PACKS, Recovery, recover
from benchmarks.speed.pipeline.rounds import WARM, Steady, TwoPasses, newcomer_rate, two_passes
from benchmarks.speed.result import Details, Result
from events.kafka.publisher import KafkaPublisher
from events.topics import SCANS
from ledger.address import PostgresAddress

TARGET: Final = 5.0
TARGET_WITHOUT_SIGNATURES: Final = 8.0
TARGET_QUIX: Final = 1.0
TARGET_ALERT_P95_MS: Final = 500
TARGET_RECOVERY_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    rounds: int
    packs_a_round: int
    newcomer_s: float
    delay_s: int
    items: int
    recoveries: int
    pairs_of_workers: int


QUICK: Final = Size(2, 16_384, 4, 10, 100_000, 1, 1)
FULL: Final = Size(7, 40_960, 10, 60, 3_000_000, 3, 3)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed, in scans a second."""

    ours: TwoPasses
    quix: TwoPasses
    faust_checking: Steady
    faust_not_checking: Steady


def measure(*, quick: bool, say: Say = lambda _: None) -> Result:
    """The rates are medians over the rounds, the ratios medians of each round's own ratio."""
    size = QUICK if quick else FULL
    with started_servers(say) as here:
        say("signing codes")
        packs = here.maker.packs(
            WARM + PACKS + max(size.rounds * size.packs_a_round, packs_needed(size.delay_s))
        )
        warm, few, many = packs[:WARM], packs[WARM : WARM + PACKS], packs[WARM + PACKS :]
        groups = [
            many[at : at + size.packs_a_round]
            for at in range(0, size.rounds * size.packs_a_round, size.packs_a_round)
        ]
        rounds = _rounds(here, size, warm, groups)
        details = _of_rounds(rounds)
        parts: list[Callable[[], Details]] = [
            lambda: _two_workers(here, size, warm, groups),
            lambda: _scan_to_alert(here, size, many),
            lambda: _recovery(here, size, few),
        ]
        for part in parts:
            figures = part()
            say("  " + ", ".join(f"{name} {value}" for name, value in figures.items()))
            details |= figures
    ratio = median(r.ours.new / r.faust_checking.rate for r in rounds)
    return Result(
        "stream-kafka",
        "scans/s",
        median(r.ours.new for r in rounds),
        median(r.faust_checking.rate for r in rounds),
        ratio,
        TARGET,
        size.rounds,
        machine(),
        details,
    )


def _rounds(
    here: BenchServers, size: Size, warm: list[Pack], groups: list[list[Pack]]
) -> list[Round]:
    here.publish(scans_of_each(groups[0], 0), NEWCOMERS)
    ledgers = {name: here.new_ledger(name) for name in ("ours", "quix")}
    rounds = []
    for number, packs in enumerate(groups):
        here.say(f"round {number + 1} of {len(groups)}")
        one = _Turn(here, size, warm, packs, number, ledgers).take()
        here.say(
            f"  ours {one.ours.new:,.0f}, known codes {one.ours.known:,.0f};"
            f" Quix Streams {one.quix.new:,.0f}, {one.quix.known:,.0f};"
            f" plain Faust {one.faust_checking.rate:,.0f},"
            f" without signatures {one.faust_not_checking.rate:,.0f} scans/s"
        )
        rounds.append(one)
    return rounds


@dataclass(frozen=True, slots=True)
class _Turn:
    """What a round needs, and the steps of it."""

    here: BenchServers
    size: Size
    warm: list[Pack]
    packs: list[Pack]
    number: int
    ledgers: dict[str, PostgresAddress]

    def take(self) -> Round:
        """Forwards in even rounds, backwards in odd ones."""
        passes: dict[str, TwoPasses] = {}
        rates: dict[bool, Steady] = {}
        steps: list[Callable[[], None]] = [
            lambda: passes.update(ours=self._ours()),
            lambda: rates.update({True: self._newcomer(signatures=True)}),
            lambda: passes.update(quix=self._quix()),
            lambda: rates.update({False: self._newcomer(signatures=False)}),
        ]
        for step in steps[:: -1 if self.number % 2 else 1]:
            step()
        return Round(passes["ours"], passes["quix"], rates[True], rates[False])

    def _ours(self) -> TwoPasses:
        worker = self.here.our_worker(self.ledgers["ours"])
        return two_passes(self.here, worker, self.warm, self.packs, topic=SCANS.name)

    def _quix(self) -> TwoPasses:
        worker = self.here.quix_worker(self.ledgers["quix"])
        return two_passes(self.here, worker, self.warm, self.packs, topic=FOR_QUIX)

    def _newcomer(self, *, signatures: bool) -> Steady:
        name = f"faust-{self.number}-{'checking' if signatures else 'trusting'}"
        faust = self.here.plain_faust(name, signatures=signatures)
        return newcomer_rate(faust, self.size.newcomer_s)


def _of_rounds(rounds: list[Round]) -> Details:
    """Every comparison but the first, and what a scan costs, in microseconds on one core."""
    known = median(r.ours.known for r in rounds)
    plain = median(r.faust_not_checking.rate for r in rounds)
    details: Details = {
        "known_codes_ours": round(known),
        "without_signatures_pair": round(plain),
        "without_signatures_ratio": _ratio(
            (r.ours.known, r.faust_not_checking.rate) for r in rounds
        ),
        "without_signatures_aim": TARGET_WITHOUT_SIGNATURES,
        "quix_pair": round(median(r.quix.new for r in rounds)),
        "quix_ratio": _ratio((r.ours.new, r.quix.new) for r in rounds),
        "quix_known_codes_pair": round(median(r.quix.known for r in rounds)),
        "quix_known_codes_ratio": _ratio((r.ours.known, r.quix.known) for r in rounds),
        "quix_aim": TARGET_QUIX,
    }
    for name, some in (
        ("checking", [r.faust_checking for r in rounds]),
        ("not_checking", [r.faust_not_checking for r in rounds]),
    ):
        details[f"faust_{name}_us_a_scan"] = round(median(one.processor_us for one in some), 1)
    for program, passes in (("ours", [r.ours for r in rounds]), ("quix", [r.quix for r in rounds])):
        for kind, costs in (
            ("new", [each.new_processor_us for each in passes]),
            ("known", [each.known_processor_us for each in passes]),
        ):
            for who, values in zip(
                ("worker", "database", "broker"), zip(*costs, strict=True), strict=True
            ):
                details[f"{program}_{kind}_{who}_us_a_scan"] = round(median(values), 1)
    return details


def _two_workers(
    here: BenchServers, size: Size, warm: list[Pack], groups: list[list[Pack]]
) -> Details:
    """On the same ledger, over packs seen before, by new processes: every signature checked."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    ledger = here.new_ledger("one-and-two")
    for turn in range(size.pairs_of_workers):
        here.say(f"one worker and two, {turn + 1} of {size.pairs_of_workers}")
        for workers in (1, 2)[:: -1 if turn % 2 else 1]:
            packs = groups[(2 * turn + workers - 1) % len(groups)]
            worker = here.our_worker(ledger, workers=workers)
            passes = two_passes(
                here, worker, warm, packs, topic=SCANS.name, first_visit=2, members=workers
            )
            rates[workers].append(passes.new)
    return {
        "two_workers": round(median(rates[2])),
        "two_workers_to_one_ratio": _ratio(zip(rates[2], rates[1], strict=True)),
    }


def _scan_to_alert(here: BenchServers, size: Size, packs: list[Pack]) -> Details:
    here.say(f"scan to alert, {size.delay_s} s")
    ledger = here.new_ledger("alerts")
    publisher = KafkaPublisher(here.kafka.settings)
    try:
        with here.our_worker(ledger) as worker:
            here.publish(scans_of_each(packs[:WARM], 6))
            worker.wait_for(WARM, 90)
            delays = scan_to_alert(publisher, ledger, packs, size.delay_s)
            worker.stop()
    finally:
        publisher.close()
    return {
        "scan_to_alert_p50_ms": round(delays.p50_ms),
        "scan_to_alert_p95_ms": round(delays.p95_ms),
        "scan_to_alert_p99_ms": round(delays.p99_ms),
        "scan_to_alert_aim_p95_ms": TARGET_ALERT_P95_MS,
        "scan_to_alert_alerts": delays.alerts,
        "scan_to_alert_scans_a_second": round(delays.scans_a_second),
    }


def _recovery(here: BenchServers, size: Size, packs: list[Pack]) -> Details:
    here.say(f"filling a ledger with {size.items:,} items")
    ledger = here.new_ledger("filled")
    bytes_an_item = fill(ledger, size.items)
    log_bytes = log_bytes_a_scan(ledger, size.items, size.items // 100)
    taken: list[Recovery] = []
    for number in range(size.recoveries):
        here.say(f"recovery {number + 1} of {size.recoveries}")
        taken.append(recover(here, ledger, packs, visit=3 * number))
    return {
        "recovery_items": size.items,
        "recovery_s": round(median(one.beyond_the_wait_s for one in taken), 2),
        "recovery_aim_s": TARGET_RECOVERY_S,
        "recovery_with_the_groups_wait_s": round(median(one.wait_included_s for one in taken), 2),
        "bytes_an_item_with_two_scans": round(bytes_an_item, 1),
        "log_bytes_a_scan_first_in_its_page": round(log_bytes.first),
        "log_bytes_a_scan_first_in_its_page_compressed": round(log_bytes.compressed),
        "log_bytes_a_scan_again_in_its_page": round(log_bytes.again),
    }


def _ratio(pairs: Iterable[tuple[float, float]]) -> float:
    return round(median(ours / other for ours, other in pairs), 3)
