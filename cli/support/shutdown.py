"""The signals that end a program that runs for long: SIGTERM and Ctrl-C."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

_ASK_EVERY_S: Final = 0.2


class ShutdownRequest:
    """Whether a signal has asked this process to end; a signal is never lost.

    Take it before the first thing that has to be ended in order, and before anything that
    installs handlers of its own for a while, such as uvicorn.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()

    @classmethod
    def on_signals(cls) -> "ShutdownRequest":
        """From now on SIGTERM and SIGINT are remembered, and have no other effect.

        Main thread only. The handlers stay: uvicorn raises the signal that ended it once
        more, and that must not kill a process that is ending in order.
        """
        request = cls()
        signal.signal(signal.SIGTERM, request)
        signal.signal(signal.SIGINT, request)
        return request

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return self._requested.is_set()

    def wait_while(self, running: Callable[[], bool]) -> None:
        """Return at a signal, or soon after `running` says no."""
        while running() and not self._requested.wait(_ASK_EVERY_S):
            pass

    def __call__(self, _signal: int, _frame: FrameType | None) -> None:
        """The signal handler."""
        self._requested.set()
