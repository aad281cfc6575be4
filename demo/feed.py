"""The alert feed of a running service, followed over its server-sent events."""

import contextlib
import json
import queue
import socket
import threading
import time
from functools import cache
from typing import Any, Final

import httpx
from httpx_sse import EventSource, SSEError, connect_sse

from authenticity.detection.reasons import Reason
from authenticity.gs1.item import ItemId
from authenticity.version import USER_AGENT
from demo.running_results import SeenAlert
from verifier_api.i18n.findings import sentence
from verifier_api.i18n.translator import SOURCE_LANGUAGE, Translator, load_translators

_SILENCE_S: Final = 60.0
_AGAIN_AFTER_S: Final = 0.5
_MOST_WAITING: Final = 100_000


class AlertFeed:
    """Follows in a thread of its own; reconnects where it left off. `take` never waits."""

    def __init__(self, host: str, port: int, token: str) -> None:
        self._url = f"http://{host}:{port}/v1/alerts/stream"
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": USER_AGENT}
        self._last_id = ""
        self._alerts: queue.Queue[SeenAlert] = queue.Queue(_MOST_WAITING)
        self._ended = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._follow, name="alert-feed", daemon=True)
        self._thread.start()

    def take(self) -> list[SeenAlert]:
        """The alerts that came since the last call."""
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
            except (httpx.HTTPError, SSEError, OSError, ValueError, queue.Full):
                time.sleep(_AGAIN_AFTER_S)

    def _read_stream(self) -> None:
        headers = self._headers | {"Last-Event-ID": self._last_id or "0"}
        with (
            httpx.Client(timeout=_SILENCE_S, trust_env=False) as client,
            connect_sse(client, "GET", self._url, headers=headers) as source,
        ):
            source.response.raise_for_status()
            self._socket = source.response.extensions["network_stream"].get_extra_info("socket")
            self._read_events(source)

    def _read_events(self, source: EventSource) -> None:
        for event in source.iter_sse():
            if self._ended.is_set():
                return
            if event.data:
                self._alerts.put_nowait(read_alert(json.loads(event.data)))
                self._last_id = event.id


def read_alert(entry: dict[str, Any]) -> SeenAlert:
    """An alert of the feed or of the list; of one that is retracted, why it was taken back."""
    alert = entry.get("alert", entry)
    reasons = alert.get("retracted_because") or alert.get("reasons") or [{"reason": ""}]
    probability = None if alert["retracted"] else alert.get("probability")
    return SeenAlert(
        id=alert["id"],
        item=ItemId(alert["item"]),
        kind=alert["kind"],
        severity=alert["severity"],
        retracted=alert["retracted"],
        reason=_reason_text(reasons[0], probability),
    )


def _reason_text(reason: dict[str, Any], probability: float | None) -> str:
    """A reason as officers read it, and how likely it makes the finding, in one line."""
    text = sentence(Reason(reason.get("reason", ""), reason.get("facts") or {}), _english())
    return text if probability is None else f"{probability:.0%}: {text}"


@cache
def _english() -> Translator:
    return load_translators()[SOURCE_LANGUAGE]
