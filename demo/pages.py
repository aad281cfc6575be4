"""Short addresses for the three pages of a demonstration: codes are too long to type."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

_TIMEOUT_S: Final = 5.0


class ShortAddresses:
    """Redirects `/genuine`, `/copied` and `/forged` on a port of this machine."""

    def __init__(self, host: str, service_url: str) -> None:
        self.targets: dict[str, str] = {}
        """Name to full address; may grow."""
        self._service = service_url
        targets = self.targets

        class Redirect(BaseHTTPRequestHandler):
            timeout = _TIMEOUT_S

            def do_GET(self) -> None:
                target = targets.get(urlsplit(self.path).path.strip("/"))
                self.send_response(302 if target else 404)
                if target:
                    self.send_header("Location", target)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """The screen belongs to the demonstration."""

        self._server = ThreadingHTTPServer((host, 0), Redirect)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def show(self, name: str, code: str) -> None:
        """The page of this code, as the local service shows it. The host is not signed."""
        parts = urlsplit(code)
        self.targets[name] = f"{self._service}{parts.path}?{parts.query}"

    @property
    def short(self) -> dict[str, str]:
        """Name to short address."""
        host, port = self._server.server_address[:2]
        return {name: f"http://{host!s}:{port}/{name}" for name in self.targets}

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
