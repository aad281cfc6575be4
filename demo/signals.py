"""How a demonstration is told to end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Ending:
    """Set by Ctrl-C, a closed terminal or a termination; the second time it is an order,
    and the first time too before the curtain has risen: then there is nothing to finish."""

    def __init__(self) -> None:
        self.asked = False
        self.gently = False
        """Whether there is something to finish."""

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked or not self.gently:
            self.asked = True
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def ending_by_signal() -> Iterator[Ending]:
    """Ctrl-C, `kill` and a terminal that is closed all end a demonstration in good order."""
    ending = Ending()
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, ending) for number in numbers}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
