"""`touchstone bench issue`: a whole issuing run beside nothing but signing.

Ours: mint, sign, write durably, sort, hash, write the manifest, on all cores.
Baseline: the same number of processes, each with a bare loop of signatures over one
message of the same length. Both are codes a second and core; starting the
processes is in neither, opening the key is in ours.
"""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from authenticity.trust.signature_field import Algorithm
from benchmarks.machine import machine
from benchmarks.speed.result import Details, Result, interleaved
from keys.guarded_files import make_private_folder
from keys.signer import KeyFile, generate_key_file
from producers.issuing.issued_serials import IssuedSerials
from producers.issuing.order import Order
from producers.issuing.run import SigningKey, begin_or_continue, issue
from producers.issuing.run_folder import RUN_FORMAT, Run, RunFolder
from producers.processes import in_processes

TARGET: Final = 0.9
_PASSPHRASE: Final = b"benchmark"
_MESSAGE: Final = bytes(73)


@dataclass(frozen=True, slots=True)
class _Bench:
    folder: Path
    key: SigningKey
    algorithm: Algorithm
    codes: int
    cores: int


def measure(*, quick: bool) -> Result:
    """Ed25519 is the result; P-256 is in the details, measured likewise."""
    cores = os.cpu_count() or 1
    codes, runs = (100_000, 3) if quick else (500_000, 5)
    with tempfile.TemporaryDirectory(prefix="touchstone-bench-") as folder:
        store = Path(folder) / "keys"
        make_private_folder(store)
        ours, baseline, ratio = _compare(store, Algorithm.ED25519, codes, cores, runs)
        p256 = _compare(store, Algorithm.ECDSA_P256, codes // 2, cores, 3)
    details: Details = {
        "codes": codes,
        "processes": cores,
        "p256_ours": round(p256[0], 1),
        "p256_pair": round(p256[1], 1),
        "p256_ratio": round(p256[2], 3),
    }
    return Result("issue", "codes/s/core", ours, baseline, ratio, TARGET, runs, machine(), details)


def _compare(
    store: Path, algorithm: Algorithm, codes: int, cores: int, runs: int
) -> tuple[float, float, float]:
    path, public = generate_key_file(store, "bench", algorithm, _PASSPHRASE)
    key = SigningKey(KeyFile(path, 0, _PASSPHRASE, public.thumbprint), 0, public, "Bench")
    bench = _Bench(store.parent, key, algorithm, codes, cores)
    numbers = count()
    return interleaved(lambda: _ours(bench, next(numbers)), lambda: _baseline(bench), runs)


def _ours(bench: _Bench, number: int) -> float:
    order = Order("bench", "09521234000013", bench.codes, "id.bench.example", "L7", "281231")
    folder = bench.folder / f"{bench.algorithm.name}-{number}"
    now = datetime.now(UTC)
    run = Run(RUN_FORMAT, order, "bench", 0, bench.key.public_key.thumbprint, now)
    marks: list[tuple[float, int]] = []

    def on_progress(done: int) -> None:
        marks.append((time.perf_counter(), done))

    with RunFolder(folder).opened():
        files, run = begin_or_continue(folder, order, new_run=lambda: run)
        issue(
            files,
            run,
            bench.key,
            on_record=IssuedSerials(bench.folder / "keys"),
            clock=lambda: now,
            workers=bench.cores,
            on_progress=on_progress,
        )
    ended = time.perf_counter()
    for path in folder.iterdir():
        path.unlink()
    # From when each process has delivered a chunk: before, they were starting.
    began, already = marks[bench.cores]
    return (bench.codes - already) / (ended - began) / bench.cores


def _baseline(bench: _Bench) -> float:
    each = bench.codes // bench.cores
    rates = in_processes(
        partial(_bare_signing, bench.algorithm), _rate, [each] * bench.cores, workers=bench.cores
    )
    return median(rates)


def _bare_signing(algorithm: Algorithm) -> Callable[[], object]:
    if algorithm is Algorithm.ED25519:
        secret = crypto_sign_seed_keypair(bytes(32))[1]
        return lambda: crypto_sign(_MESSAGE, secret)
    private, scheme = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(SHA256())
    return lambda: private.sign(_MESSAGE, scheme)


def _rate(sign: Callable[[], object], signatures: int) -> float:
    began = time.perf_counter()
    for _ in range(signatures):
        sign()
    return signatures / (time.perf_counter() - began)
