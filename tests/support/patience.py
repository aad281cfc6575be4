"""Waiting for a condition. The deadline only ends a hang; no test is about it."""

import time
from collections.abc import Callable

PATIENCE_S = 120.0

_ASKED_EVERY_S = 0.02


def wait_until(
    holds: Callable[[], object], what: Callable[[], object] | str = "it did not come to hold"
) -> None:
    """Return when `holds` is true; `what` is the message should it never be."""
    until = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < until, what() if callable(what) else what
        time.sleep(_ASKED_EVERY_S)
