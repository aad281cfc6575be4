"""Checks the signatures of many scans: in threads, and each code once.

Checking is the cost of the whole pipeline. libsodium and OpenSSL let go of the
interpreter's lock, so that two threads use two cores; and since most scans in an
investigation are of known codes, what a code proved is remembered.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Final

from authenticity.records.scan import Scan, judged_at
from authenticity.trust.trust_list import TrustList
from authenticity.trust.verify import SignatureCheck, check_signature, check_validity
from stream.step import CheckedScan

_AT_ONCE: Final = 64


class ScanVerifier:
    """Verdicts on scans under one trust list after another.

    Remembers what at most `remembered` codes proved, under the newest list alone. Not
    for use by several threads at once. An `OrderedDict`, not cachetools: this is the hot
    path, and a batch is looked up first and kept afterwards.
    """

    def __init__(self, *, remembered: int = 200_000, threads: int | None = None) -> None:
        self._remembered: OrderedDict[bytes, SignatureCheck] = OrderedDict()
        self._most_remembered = remembered
        self._version: tuple[int, str] | None = None
        self._threads = ThreadPoolExecutor(
            threads or os.cpu_count() or 1, thread_name_prefix="verify"
        )
        self.hits = 0
        self.misses = 0

    def check(self, scans: Sequence[Scan], trust_list: TrustList) -> list[CheckedScan]:
        """Each scan with the verdict on its code at the time that `judged_at` names, in order."""
        if self._version != (trust_list.version, trust_list.digest):
            self._version = (trust_list.version, trust_list.digest)
            self._remembered.clear()
        digests = [_digest(scan.code) for scan in scans]
        proved = self._check_signatures(
            dict(zip(digests, (s.code for s in scans), strict=True)), trust_list
        )
        version = trust_list.version
        return [
            CheckedScan(scan, check_validity(proved[digest], trust_list, judged_at(scan)), version)
            for scan, digest in zip(scans, digests, strict=True)
        ]

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _check_signatures(
        self, codes: dict[bytes, str], trust_list: TrustList
    ) -> dict[bytes, SignatureCheck]:
        proved: dict[bytes, SignatureCheck] = {}
        unknown: list[bytes] = []
        for digest in codes:
            remembered = self._remembered.get(digest)
            if remembered is None:
                unknown.append(digest)
            else:
                self._remembered.move_to_end(digest)
                proved[digest] = remembered
        self.hits += len(proved)
        self.misses += len(unknown)

        def check_some(some: Iterable[bytes]) -> list[tuple[bytes, SignatureCheck]]:
            return [(digest, check_signature(codes[digest], trust_list)) for digest in some]

        chunks = [unknown[at : at + _AT_ONCE] for at in range(0, len(unknown), _AT_ONCE)]
        for results in self._threads.map(check_some, chunks):
            proved.update(results)
            self._remembered.update(results)
        while len(self._remembered) > self._most_remembered:
            self._remembered.popitem(last=False)
        return proved


def _digest(code: str) -> bytes:
    return blake2b(code.encode("utf-8", "surrogatepass"), digest_size=16).digest()
