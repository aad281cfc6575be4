"""`touchstone bench verify`: the whole verdict beside nothing but the signature check.

Ours: `verify` on distinct printed codes, from text to verdict. Pair: a bare loop of
PyNaCl's `crypto_sign_open` over the same keys, messages and signatures. Both on one
core, one after the other over the same small pieces.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from random import Random
from typing import Final

from nacl.bindings import crypto_sign_open

from authenticity.code import read_code
from authenticity.issuers import Issuer, IssuerKey, TrustList
from authenticity.seal import Algorithm, read_seal, signed_bytes
from authenticity.serial import RANDOM_BYTES, mint_serial
from authenticity.signature import PublicKey, verifies
from authenticity.verdict import Genuine, IssuerId
from authenticity.verify import examine, judge, verify
from benchmarks.result import Result, interleaved, machine
from producers.simulation.signers import SeededSigner
from producers.simulation.world import sealed_code

AIM: Final = 0.85
_NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
_GTIN: Final = "09521234000013"
_HOST: Final = "id.bench.example"
_CODES: Final = 500
_ISSUERS: Final = 200


def measure(*, quick: bool) -> Result:
    """Ed25519 is the result; P-256 and the two halves of `verify` are in the details."""
    runs = 21 if quick else 101
    ours, pair, ratio = _compare(Algorithm.ED25519, runs)
    p256 = _compare(Algorithm.ECDSA_P256, max(runs // 5, 5))
    details: dict[str, float | int | str] = {
        "codes_a_run": _CODES,
        "issuers_on_the_list": _ISSUERS,
        "p256_ours": round(p256[0], 1),
        "p256_pair": round(p256[1], 1),
        "p256_ratio": round(p256[2], 3),
        "judge_us": round(_judge_microseconds(), 2),
    }
    return Result("verify", "codes/s/core", ours, pair, ratio, AIM, runs, machine(), details)


def _compare(algorithm: Algorithm, runs: int) -> tuple[float, float, float]:
    signer = SeededSigner(1, "bench", algorithm)
    listed, codes = _trust_list(signer), _codes(signer)
    parts = [_parts(code) for code in codes]
    for code in codes:
        assert isinstance(verify(code, listed, _NOW), Genuine)

    def ours() -> float:
        start = time.perf_counter()
        for code in codes:
            verify(code, listed, _NOW)
        return _CODES / (time.perf_counter() - start)

    pair = _bare_ed25519 if algorithm is Algorithm.ED25519 else _bare_p256
    return interleaved(ours, lambda: pair(signer.public_key, parts), runs)


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


def _judge_microseconds() -> float:
    signer = SeededSigner(1, "bench")
    listed = _trust_list(signer)
    examined = examine(_codes(signer)[0], listed)
    rounds = 20_000
    start = time.perf_counter()
    for _ in range(rounds):
        judge(examined, listed, _NOW)
    return (time.perf_counter() - start) / rounds * 1e6


def _parts(code: str) -> tuple[bytes, bytes]:
    """The message and the signature of a code."""
    ais = read_code(code).ais
    seal = read_seal(dict(ais)["8030"])
    assert seal is not None
    return signed_bytes(seal.header, ais), seal.signature


def _codes(signer: SeededSigner) -> list[str]:
    """As makers print them: with lot and expiry, with one of the two, with neither."""
    random = Random(1)
    shapes = islice(cycle((("L7", "281231"), ("L7", None), (None, "281231"), (None, None))), _CODES)
    codes = []
    for lot, expiry in shapes:
        serial = mint_serial(random.randbytes(RANDOM_BYTES))
        fields = {"01": _GTIN, "10": lot, "21": serial, "17": expiry}
        ais = [(ai, value) for ai, value in fields.items() if value is not None]
        codes.append(sealed_code(ais, _HOST, signer))
    return codes


def _trust_list(signer: SeededSigner) -> TrustList:
    """The signer's issuer among many, with company prefixes of every usual length."""
    begin, end = _NOW - timedelta(days=30), _NOW + timedelta(days=3650)
    key = IssuerKey(signer.key_slot, signer.algorithm, signer.public_key, begin, end)
    maker = Issuer(IssuerId("bench"), "Bench", ("9521234",), (_HOST,), (key,))
    others = []
    for number in range(_ISSUERS - 1):
        public = SeededSigner(2, f"other-{number}").public_key
        other = replace(key, algorithm=Algorithm.ED25519, public_key=public)
        prefix = f"4{number:0{5 + number % 6}}"
        name = f"other-{number}"
        others.append(Issuer(IssuerId(name), name, (prefix,), (f"{name}.example",), (other,)))
    return TrustList(1, begin, end, (*others, maker))
