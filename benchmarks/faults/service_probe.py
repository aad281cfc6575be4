"""Checks codes at the service at a steady pace while a scenario goes on, and times the answers."""

import threading
import time
from collections.abc import Sequence
from itertools import cycle
from typing import Final

import httpx

from benchmarks.local_http import local_client

_EVERY_S: Final = 0.25
_WITHIN_S: Final = 2.0


class ServiceProbe:
    """Verifies one code after another, four a second, until the block ends: below the burst that
    the service allows to anonymous callers, and each on a connection of its own.

    `seconds`: how long each answer took. `failures` counts requests without an answer, and
    answers without the item's history, which the service gives when the ledger is too slow.
    """

    def __init__(self, url: str, codes: Sequence[str], token: str) -> None:
        self._url = f"{url}/v1/verify"
        self._codes = codes
        self._client = local_client(_WITHIN_S)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._probe, name="service probe", daemon=True)
        self.seconds: list[float] = []
        self.failures = 0

    def __enter__(self) -> "ServiceProbe":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._client.close()

    def p95_ms(self) -> float:
        """The 95 % quantile of the answers' times; 0 without any."""
        ordered = sorted(self.seconds)
        return 1_000 * ordered[int(0.95 * (len(ordered) - 1))] if ordered else 0.0

    def _probe(self) -> None:
        for code in cycle(self._codes):
            if self._over.wait(_EVERY_S):
                return
            began = time.perf_counter()
            if self._is_answered(code):
                self.seconds.append(time.perf_counter() - began)
            else:
                self.failures += 1

    def _is_answered(self, code: str) -> bool:
        try:
            response = self._client.post(self._url, json={"code": code}, headers=self._headers)
            return response.status_code == 200 and not response.json()["provisional"]
        except (httpx.HTTPError, ValueError):
            return False
