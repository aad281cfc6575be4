"""The worker processes of the Kafka engine, started beside each other and supervised."""

import logging
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cli.support.parent_death_guard import guarded_command

log = logging.getLogger("touchstone.workers")

_STOPS_WITHIN_S: Final = 20.0
_POLL_S: Final = 0.2
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_WELL_AFTER_S: Final = 60.0
_NOT_RESTARTED: Final = (2, 3)
"""Exit codes after which starting again alone does not help: wrong settings, outages."""


@dataclass
class _Worker:
    process: "subprocess.Popen[bytes]"
    started_at: float
    pause_s: float = _FIRST_PAUSE_S
    start_again_at: float | None = None


class Workers:
    """Starts workers, and starts those again that died of something else than their own
    decision. When one gives up (an outage that outlasts its limit), all are stopped: what
    supervises this process decides when to try again."""

    def __init__(self, count: int, arguments: Sequence[str]) -> None:
        self._arguments = list(arguments)
        self._workers = [self._start(number) for number in range(count)]
        self._stopping = threading.Event()
        self.failure: str | None = None
        self._thread = threading.Thread(target=self._supervise, name="workers", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether they are supervised; False once one gave up."""
        return self.failure is None

    def stop(self) -> None:
        """Let all finish what they are folding, and end."""
        self._stopping.set()
        self._thread.join()
        for one in self._workers:
            if one.process.poll() is None:
                one.process.terminate()
        deadline = time.monotonic() + _STOPS_WITHIN_S
        for number, one in enumerate(self._workers):
            try:
                one.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("worker %d did not end; what it was folding is taken up again", number)
                one.process.kill()
                one.process.wait()
            if one.process.stdin is not None:
                one.process.stdin.close()

    def _start(self, number: int) -> _Worker:
        process = subprocess.Popen(  # noqa: S603 - this command itself
            guarded_command(["worker", "--number", str(number), *self._arguments]),
            stdin=subprocess.PIPE,
        )
        return _Worker(process, time.monotonic())

    def _supervise(self) -> None:
        while not self._stopping.wait(_POLL_S):
            for number, one in enumerate(self._workers):
                code = one.process.poll()
                if code in _NOT_RESTARTED:
                    self.failure = f"worker {number} has given up, with exit code {code}"
                    return
                if code is not None:
                    self._again(number, one, code)

    def _again(self, number: int, one: _Worker, code: int) -> None:
        now = time.monotonic()
        if one.start_again_at is None:
            if now - one.started_at > _WELL_AFTER_S:
                one.pause_s = _FIRST_PAUSE_S
            one.start_again_at = now + one.pause_s
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            log.warning("worker %d %s; starting it again in %.1f s", number, how, one.pause_s)
        elif now >= one.start_again_at:
            pause_s = min(2 * one.pause_s, _LONGEST_PAUSE_S)
            if one.process.stdin is not None:
                one.process.stdin.close()
            self._workers[number] = self._start(number)
            self._workers[number].pause_s = pause_s
