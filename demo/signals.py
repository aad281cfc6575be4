"""The signals that end a demonstration."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether a signal has asked the demonstration to end.

    The first signal sets `asked`, and the demonstration finishes in order. A second one
    raises `KeyboardInterrupt`; so does the first while `gently` is False.
    """

    def __init__(self) -> None:
        self.asked = False
        self.gently = False
        """True once traffic runs, and there is something to finish."""

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked or not self.gently:
            self.asked = True
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stop_on_signal() -> Iterator[StopRequest]:
    """Ctrl-C, `kill` and a terminal that is closed all end a demonstration in good order."""
    stop_request = StopRequest()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, stop_request) for number in numbers}
    try:
        yield stop_request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
