"""`touchstone bench trust-list`: reading the largest trust list beside a plain JSON parse of it.

Ours: `read_trust_list` on a document of nearly the largest size allowed: size, envelope,
signature by a pinned root, strict decoding, coherence of all issuers. Baseline: the standard
library parses the same envelope and the payload in it, and checks nothing. Both in documents a
second; the details give the time of one reading.
"""

import json
import time
from base64 import urlsafe_b64decode
from typing import Final

from authenticity.limits import LIMITS
from authenticity.trust.jws import Roots
from authenticity.trust.trust_list import read_trust_list
from benchmarks.machine import machine
from benchmarks.speed.printed_codes import NOW
from benchmarks.speed.result import Details, Result, interleaved
from benchmarks.speed.signed_trust_list import signed_document, trust_list_of
from simulation.seeded_signer import SeededSigner

TARGET: Final = 0.02
"""A guard against a reading whose cost grows faster than the list: it checks every key."""
_SAMPLE_ISSUERS: Final = 500


def measure(*, quick: bool) -> Result:
    """Readings a second; the time of one is in the details."""
    runs = 3 if quick else 15
    issuers, document, roots = largest_document()
    ours, baseline, ratio = interleaved(
        lambda: _read(document, roots), lambda: _parse(document), runs
    )
    details: Details = {
        "issuers": issuers,
        "document_bytes": len(document),
        "read_ms": round(1_000 / ours, 1),
        "parse_ms": round(1_000 / baseline, 1),
    }
    return Result(
        "trust-list", "documents/s", ours, baseline, ratio, TARGET, runs, machine(), details
    )


def largest_document() -> tuple[int, bytes, Roots]:
    """As many issuers as fit (each with one key), at most `LIMITS.issuers`, and their document."""
    signer = SeededSigner(1, "bench")
    sample, _ = signed_document(trust_list_of(signer, _SAMPLE_ISSUERS))
    # Later issuers have longer names: 3 % is more than they add.
    fitting = int(0.97 * LIMITS.trust_list_bytes / len(sample) * _SAMPLE_ISSUERS)
    issuers = min(LIMITS.issuers, fitting)
    return issuers, *signed_document(trust_list_of(signer, issuers))


def _read(document: bytes, roots: Roots) -> float:
    began = time.perf_counter()
    read_trust_list(document, roots, at=NOW)
    return 1 / (time.perf_counter() - began)


def _parse(document: bytes) -> float:
    began = time.perf_counter()
    payload = json.loads(document)["payload"]
    json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return 1 / (time.perf_counter() - began)
