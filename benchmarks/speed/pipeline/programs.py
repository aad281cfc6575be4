"""The programs under measurement, each a process whose count of scans is read as it runs."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx

from authenticity.errors import UnavailableError
from benchmarks.local_http import local_client
from benchmarks.processes import processor_seconds, signal_all
from benchmarks.speed.peers.quix_environment import ROOT
from benchmarks.speed.pipeline.progress import Point, Progress
from demo.child_processes import touchstone_command
from demo.local_ports import free_ports

_STOPPED_WITHIN_S: Final = 20.0
_LAST_LINES: Final = 12
_ASKED_EVERY_S: Final = 0.02
_ANSWERED_WITHIN_S: Final = 2.0
_SCANS: Final = re.compile(rb"^touchstone_engine_scans(?:_total)?(?:\{[^}]*\})? ([0-9.e+]+)$", re.M)


class Program:
    """A process that works on the scans. `progress` counts scans from its start."""

    _reports = False

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path):
        """`log` takes what the process writes, except its progress."""
        self.name = name
        self.progress = Progress()
        self._command = list(command)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TOUCHSTONE_")}
        self._env = inherited | dict(env)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Program":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(at_once=True)

    def start(self) -> None:
        """Start it; it ends when this process does, since its standard input ends then."""
        self.progress = Progress()
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._env, start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE if self._reports else log, stderr=log,
            )  # fmt: skip
        self._process = process
        threading.Thread(
            target=self._watch, args=(process, self.progress), name=self.name, daemon=True
        ).start()

    def stop(self, *, at_once: bool = False) -> None:
        """With SIGTERM, or with `at_once` by SIGKILL. Does nothing if it was stopped before."""
        process, self._process = self._process, None
        if process is None:
            return
        if not at_once:
            process.terminate()
            try:
                process.wait(_STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                at_once = True
        if at_once:
            signal_all(process.pid, signal.SIGKILL)
            process.wait()
        assert process.stdin is not None
        process.stdin.close()

    def wait_for(self, scans: int, within_s: float) -> None:
        """Until so many are done since its start. Raises `UnavailableError`."""
        try:
            self.progress.wait_for(scans, within_s)
        except UnavailableError as error:
            end = self._log.read_text("utf-8", "replace").strip().splitlines()[-_LAST_LINES:]
            raise UnavailableError(
                "\n".join((f"{self.name}: {error}; the end of what it wrote:", *end)),
                next_step=error.next_step,
            ) from None

    def suspend(self) -> None:
        """SIGSTOP to the process and its descendants."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT to the process and its descendants."""
        self._signal(signal.SIGCONT)

    def processor_seconds(self) -> float:
        """What it has used since its start."""
        return processor_seconds(self._process.pid) if self._process else 0.0

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        signal_all(self._process.pid, number)

    def _watch(self, process: "subprocess.Popen[bytes]", progress: Progress) -> None:
        raise NotImplementedError


class Peer(Program):
    """A baseline program, which reports through `benchmarks.speed.peers.reporting`."""

    _reports = True

    def _watch(self, process: "subprocess.Popen[bytes]", progress: Progress) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                at_s, _, scans = line.partition(b" ")
                try:
                    progress.add(Point(float(at_s), int(scans)))
                except ValueError:
                    continue  # a line that a library wrote
        progress.end()


class OurWorker(Program):
    """`touchstone up --engine kafka --no-api`, asked for its metrics every few milliseconds."""

    def __init__(self, env: Mapping[str, str], data: Path, log: Path, *, workers: int = 1):
        [port] = free_ports(1)
        self._ports = range(port, port + workers)
        command = touchstone_command([
            "up", "--engine", "kafka", "--no-api",
            "--workers", str(workers), "--metrics-port", str(port), "--data", str(data),
        ])  # fmt: skip
        super().__init__("our worker", command, env, log)

    def _watch(self, process: "subprocess.Popen[bytes]", progress: Progress) -> None:
        counts = dict.fromkeys(self._ports, 0)
        known = 0
        client = local_client(_ANSWERED_WITHIN_S)
        while process.poll() is None:
            for port in self._ports:
                counts[port] = max(counts[port], _scans_at(client, port))
            if (scans := sum(counts.values())) > known:
                progress.add(Point(time.monotonic(), scans))
                known = scans
            time.sleep(_ASKED_EVERY_S)
        client.close()
        progress.end()


def _scans_at(client: httpx.Client, port: int) -> int:
    """0 while nobody answers."""
    try:
        found = _SCANS.search(client.get(f"http://127.0.0.1:{port}/metrics").content)
    except httpx.HTTPError:
        return 0
    return int(float(found[1])) if found else 0
