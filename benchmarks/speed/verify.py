"""`touchstone bench verify`: the whole verdict beside nothing but the signature check.

Ours: `verify` on distinct printed codes, from text to verdict. Baseline: a bare loop of
PyNaCl's `crypto_sign_open` over the same keys, messages and signatures. Both on one
core, one after the other over the same small pieces.
"""

import time
from typing import Final

from nacl.bindings import crypto_sign_open

from authenticity.trust.keys import PublicKey, verifies
from authenticity.trust.signature_field import Algorithm
from authenticity.trust.verdict import Genuine
from authenticity.trust.verify import check_signature, check_validity, verify
from benchmarks.machine import machine
from benchmarks.speed.printed_codes import NOW, printed_codes, signed_parts
from benchmarks.speed.result import Details, Result, interleaved
from benchmarks.speed.signed_trust_list import ISSUERS, trust_list_of
from simulation.seeded_signer import SeededSigner

TARGET: Final = 0.85
_CODES: Final = 500


def measure(*, quick: bool) -> Result:
    """Ed25519 is the result; P-256 and the two halves of `verify` are in the details."""
    runs = 21 if quick else 101
    ours, baseline, ratio = _compare(Algorithm.ED25519, runs)
    p256 = _compare(Algorithm.ECDSA_P256, max(runs // 5, 5))
    details: Details = {
        "codes_a_run": _CODES,
        "issuers_on_the_list": ISSUERS,
        "p256_ours": round(p256[0], 1),
        "p256_pair": round(p256[1], 1),
        "p256_ratio": round(p256[2], 3),
        "judge_us": round(_validity_microseconds(), 2),
    }
    return Result("verify", "codes/s/core", ours, baseline, ratio, TARGET, runs, machine(), details)


def _compare(algorithm: Algorithm, runs: int) -> tuple[float, float, float]:
    signer = SeededSigner(1, "bench", algorithm)
    listed, codes = trust_list_of(signer), printed_codes(signer, _CODES)
    parts = [signed_parts(code) for code in codes]
    for code in codes:
        assert isinstance(verify(code, listed, NOW), Genuine)

    def ours() -> float:
        start = time.perf_counter()
        for code in codes:
            verify(code, listed, NOW)
        return _CODES / (time.perf_counter() - start)

    baseline = _bare_ed25519 if algorithm is Algorithm.ED25519 else _bare_p256
    return interleaved(ours, lambda: baseline(signer.public_key, parts), runs)


def _bare_ed25519(key: PublicKey, parts: list[tuple[bytes, bytes]]) -> float:
    raw, signed = key.raw, [signature + message for message, signature in parts]
    start = time.perf_counter()
    for each in signed:
        crypto_sign_open(each, raw)
    return len(parts) / (time.perf_counter() - start)


def _bare_p256(key: PublicKey, parts: list[tuple[bytes, bytes]]) -> float:
    start = time.perf_counter()
    for message, signature in parts:
        verifies(key, message, signature)
    return len(parts) / (time.perf_counter() - start)


def _validity_microseconds() -> float:
    signer = SeededSigner(1, "bench")
    listed = trust_list_of(signer)
    checked = check_signature(printed_codes(signer, 1)[0], listed)
    rounds = 20_000
    start = time.perf_counter()
    for _ in range(rounds):
        check_validity(checked, listed, NOW)
    return (time.perf_counter() - start) / rounds * 1e6
