"""The alert feed of a running service, followed over its server-sent events."""

import contextlib
import http.client
import json
import queue
import socket
import threading
import time
from functools import cache
from typing import Any, Final

from authenticity.detection.reasons import Reason
from authenticity.gs1.item import ItemId
from demo.tally import SeenAlert
from verifier_api.i18n.findings import sentence
from verifier_api.i18n.translator import SOURCE_LANGUAGE, Translator, load_translators

_SILENCE_S: Final = 60.0
_AGAIN_AFTER_S: Final = 0.5
_MOST_WAITING: Final = 100_000
_LINE_BYTES: Final = 65_536


class AlertFeed:
    """Follows in a thread of its own; reconnects where it left off. `take` never waits."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self._where = (host, port)
        self._token = token
        self._last_id = ""
        self._alerts: queue.Queue[SeenAlert] = queue.Queue(_MOST_WAITING)
        self._ended = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._follow, name="alert-feed", daemon=True)
        self._thread.start()

    def take(self) -> list[SeenAlert]:
        """What came since the last call."""
        taken: list[SeenAlert] = []
        while True:
            try:
                taken.append(self._alerts.get_nowait())
            except queue.Empty:
                return taken

    def close(self) -> None:
        """Stop following; the service need not wait for this stream when it ends."""
        self._ended.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(_AGAIN_AFTER_S * 2)

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                self._read_stream()
            except (OSError, http.client.HTTPException, ValueError, queue.Full):
                time.sleep(_AGAIN_AFTER_S)

    def _read_stream(self) -> None:
        connection = http.client.HTTPConnection(*self._where, timeout=_SILENCE_S)
        try:
            headers = {"Authorization": f"Bearer {self._token}", "Accept": "text/event-stream"}
            headers["Last-Event-ID"] = self._last_id or "0"
            connection.request("GET", "/v1/alerts/stream", headers=headers)
            self._socket = connection.sock
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise http.client.HTTPException(f"status {response.status}")
            event_id, data = "", ""
            while not self._ended.is_set():
                raw = response.readline(_LINE_BYTES)
                if not raw:
                    return
                line = raw.decode().rstrip("\r\n")
                name, _, value = line.partition(": ")
                if name == "id":
                    event_id = value
                elif name == "data":
                    data += value
                elif not line and data:
                    self._alerts.put_nowait(read_alert(json.loads(data)))
                    self._last_id, data = event_id, ""
        finally:
            connection.close()


def read_alert(entry: dict[str, Any]) -> SeenAlert:
    """An alert of the feed or of the list."""
    alert = entry.get("alert", entry)
    reasons = alert.get("reasons") or [{"reason": ""}]
    return SeenAlert(
        id=alert["id"],
        item=ItemId(alert["item"]),
        kind=alert["kind"],
        severity=alert["severity"],
        retracted=alert["retracted"],
        reason=_words(reasons[0], alert.get("probability")),
    )


def _words(reason: dict[str, Any], probability: float | None) -> str:
    """A reason as officers read it, and how likely it makes the finding, in one line."""
    told = sentence(Reason(reason.get("reason", ""), reason.get("facts") or {}), _english())
    return told if probability is None else f"{probability:.0%}: {told}"


@cache
def _english() -> Translator:
    return load_translators()[SOURCE_LANGUAGE]
