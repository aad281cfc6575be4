"""The engine and the service of a demonstration, in a process of their own."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import httpx

from authenticity.errors import UnavailableError
from authenticity.version import USER_AGENT
from demo.child_processes import touchstone_command

HOST: Final = "127.0.0.1"
_PREFERRED_PORT: Final = 8000
_DOWN_WITHIN_S: Final = 25.0
_ASK_AGAIN_S: Final = 0.1
_TIMEOUT_S: Final = 5.0


def choose_port(wanted: int | None, preferred: int = _PREFERRED_PORT) -> int:
    """The wanted port, else the preferred one if it is free, else any that is.

    Raises `UnavailableError` if the wanted one is taken.
    """
    for port in (wanted,) if wanted else (preferred, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise UnavailableError(
        f"port {wanted} is in use", next_step="choose another --port, or leave it out"
    )


class DemoService:
    """`touchstone up` on one data folder; ends with this process, whatever becomes of it."""

    def __init__(
        self,
        data: Path,
        port: int,
        log: Path,
        remove: Path | None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`arguments` and `environment` are added to those of `up`."""
        self.port = port
        self._client = httpx.Client(
            headers={"User-Agent": USER_AGENT}, timeout=_TIMEOUT_S, trust_env=False
        )
        self._log = log
        up = ["up", "--data", str(data), "--host", HOST, "--port", str(port), *arguments]
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, fixed arguments
                touchstone_command(up, remove=remove),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to handle
                env=_environment() | dict(environment),
            )

    @property
    def url(self) -> str:
        """Where the service is."""
        return f"http://{HOST}:{self.port}"

    def wait_until_ready(self, within_s: float = 20.0) -> None:
        """Raises `UnavailableError`, with the last lines of its log, if it does not come up."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(httpx.HTTPError):
                if self._get("/readyz")[0] == httpx.codes.OK:
                    return
            time.sleep(_ASK_AGAIN_S)
        raise self._failed(f"the service was not ready within {within_s:.0f} s")

    def check(self) -> None:
        """Raises `UnavailableError` if the process has ended."""
        if self._process.poll() is not None:
            raise self._failed(f"the service ended with exit code {self._process.returncode}")

    def waiting_scans(self) -> int | None:
        """How many scans the engine has not folded yet; None if it is not known now."""
        with contextlib.suppress(httpx.HTTPError):
            status, body = self._get("/metrics")
            found = re.search(rb"^touchstone\w*waiting\w*(?:{[^}]*})? ([0-9.e+]+)$", body, re.M)
            if status == httpx.codes.OK and found:
                return int(float(found[1]))
        return None

    def standing_alerts(self, token: str) -> list[dict[str, object]]:
        """Every alert that is not retracted, page by page."""
        alerts: list[dict[str, object]] = []
        after = ""
        while True:
            path = f"/v1/alerts?retracted=false&limit=200{after}"
            status, body = self._get(path, {"Authorization": f"Bearer {token}"})
            if status != httpx.codes.OK:
                raise UnavailableError(f"the service answered {status} when asked for its alerts")
            page = json.loads(body)
            alerts += page["alerts"]
            if not page["next"]:
                return alerts
            after = f"&after={page['next']}"

    def stop(self) -> None:
        """Let it drain and end; killed if it does not."""
        self._client.close()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_DOWN_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        response = self._client.get(self.url + path, headers=headers)
        return response.status_code, response.content

    def _failed(self, what: str) -> UnavailableError:
        last_lines = self._log.read_text(errors="replace").strip().splitlines()[-5:]
        return UnavailableError(
            "\n".join([what, *last_lines]), next_step="try again, perhaps with another --port"
        )


def _environment() -> dict[str, str]:
    """Ours, without settings that are meant for another installation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHSTONE_")}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
