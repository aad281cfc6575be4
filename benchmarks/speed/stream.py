"""`touchstone bench stream`: the embedded engine beside nothing but the signature checks.

Ours: scans of distinct genuine codes, already in the log, until the engine has folded the
last of them, on a fresh ledger each run. Baseline: PyNaCl's `crypto_sign_open` over the same
messages and signatures, in as many threads as the engine's verifier has. In the details:
the engine with codes it knows already, per second of processor time.
"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Final

from nacl.bindings import crypto_sign_open

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.gs1.item import item_id
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import PUBLIC_PAGE, SCAN_FORMAT, Channel, Scan, encode_scan
from benchmarks.machine import machine
from benchmarks.speed.printed_codes import NOW, printed_codes, signed_parts
from benchmarks.speed.result import Details, Result, interleaved
from benchmarks.speed.signed_trust_list import signed_document, trust_list_of
from benchmarks.speed.stamped import stamped
from events.embedded.log import EmbeddedLog
from events.publisher import Record
from events.topics import SCANS, TRUST, TRUST_KEY
from ledger.opening import migrate, open_store
from simulation.seeded_signer import SeededSigner
from stream.garbage_collection import collect_garbage_rarely
from stream.sources.embedded import EmbeddedSource

TARGET: Final = 0.8
_CHUNK: Final = 64
_SEOUL: Final = Place(37.5665, 126.978, 0.02, PlaceSource.GPS, "KR")


def measure(*, quick: bool) -> Result:
    """Scans a second, medians of interleaved runs."""
    count, runs = (4_000, 3) if quick else (20_000, 9)
    collect_garbage_rarely()  # as `touchstone up` does
    signer = SeededSigner(1, "bench")
    codes = printed_codes(signer, count)
    bare = [(signature + message, signer.public_key.raw) for message, signature in
            (signed_parts(code) for code in codes)]  # fmt: skip
    known: list[float] = []

    def ours() -> float:
        with tempfile.TemporaryDirectory() as folder, BenchEngine(Path(folder), signer) as engine:
            rate, _ = engine.fold(scans_of(codes, 0))
            _, per_core = engine.fold(scans_of(codes, 1))
            known.append(per_core)
            return rate

    ours_rate, baseline_rate, ratio = interleaved(ours, lambda: _bare(bare), runs)
    known.sort()
    details: Details = {
        "scans_a_run": count,
        "known_codes_per_core_second": round(known[len(known) // 2]),
        "known_codes_aim": 40_000,
    }
    return Result(
        "stream", "scans/s", ours_rate, baseline_rate, ratio, TARGET, runs, machine(), details
    )


class BenchEngine:
    """An embedded engine on a log and a ledger of its own, driven round by round."""

    def __init__(self, folder: Path, signer: SeededSigner) -> None:
        document, roots = signed_document(trust_list_of(signer))
        self.ledger_path = folder / "ledger.sqlite"
        migrate(self.ledger_path)
        self.log = EmbeddedLog(folder / "log.sqlite")
        self.log.append([Record(TRUST, TRUST_KEY, document)])
        self._engine = EmbeddedSource(
            self.log,
            open_store(self.ledger_path),
            roots,
            DEFAULT_POLICY,
        )

    def fold(self, records: list[Record]) -> tuple[float, float]:
        """Scans per second, and per second of processor time, from first read to last commit."""
        self.log.append(records)
        start, cpu = time.perf_counter(), time.process_time()
        while self._engine.run_round():
            pass
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
        assert self._engine.stats.dead_letters == 0
        return len(records) / seconds, len(records) / cpu_seconds

    def __enter__(self) -> "BenchEngine":
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()


def scans_of(codes: list[str], visit: int) -> list[Record]:
    """A scan of each code, as a record. Another `visit` is another scan by another session."""
    records = []
    for number, code in enumerate(codes):
        captured_at = NOW + timedelta(days=visit, milliseconds=number)
        scan = Scan(
            SCAN_FORMAT, f"{visit}-{number}", PUBLIC_PAGE, code, captured_at,
            captured_at + timedelta(seconds=1), Channel.CONSUMER, False,
            f"session-{visit}-{number}", _SEOUL,
        )  # fmt: skip
        key = item_id("09521234000013", str(number)).encode()
        records.append(Record(SCANS, key, encode_scan(stamped(scan, number))))
    return records


def _bare(signed: list[tuple[bytes, bytes]]) -> float:
    def check(some: list[tuple[bytes, bytes]]) -> None:
        for message, key in some:
            crypto_sign_open(message, key)

    chunks = [signed[at : at + _CHUNK] for at in range(0, len(signed), _CHUNK)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        start = time.perf_counter()
        list(threads.map(check, chunks))
        return len(signed) / (time.perf_counter() - start)
