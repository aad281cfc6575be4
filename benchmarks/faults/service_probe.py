"""Somebody who goes on asking the service while it and its engine have other worries."""

import json
import threading
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_EVERY_S: Final = 0.25
_WITHIN_S: Final = 2.0


class ServiceProbe:
    """Verifies one code after another, four a second, until the block ends: fewer than the
    service allows to strangers in a burst, and each from a connection of its own.

    `seconds`: how long each answer took. `failures`: no answer, or one without the item's
    history, which the service gives when the ledger is too slow.
    """

    def __init__(self, url: str, codes: Sequence[str], token: str) -> None:
        self._address = urlsplit(url).netloc
        self._codes = codes
        self._token = token
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="looking", daemon=True)
        self.seconds: list[float] = []
        self.failures = 0

    def __enter__(self) -> "ServiceProbe":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def p95_ms(self) -> float:
        """Of all answers; 0 if there was none."""
        ordered = sorted(self.seconds)
        return 1_000 * ordered[int(0.95 * (len(ordered) - 1))] if ordered else 0.0

    def _look(self) -> None:
        for code in cycle(self._codes):
            if self._over.wait(_EVERY_S):
                return
            began = time.perf_counter()
            if self._answered(code):
                self.seconds.append(time.perf_counter() - began)
            else:
                self.failures += 1

    def _answered(self, code: str) -> bool:
        connection = HTTPConnection(self._address, timeout=_WITHIN_S)
        try:
            connection.request(
                "POST",
                "/v1/verify",
                json.dumps({"code": code}),
                {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
            )
            response = connection.getresponse()
            answer = json.loads(response.read())
            return response.status == 200 and not answer["provisional"]
        except (OSError, HTTPException, ValueError):
            return False
        finally:
            connection.close()


def resident_mb(pid: int) -> float:
    """Memory of a process that is in RAM now; 0 if it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(sizes[0]) / 1_024 if sizes else 0.0
