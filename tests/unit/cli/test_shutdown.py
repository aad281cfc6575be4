"""A signal is remembered from the moment it is asked about."""

import os
import signal
from collections.abc import Iterator

import pytest

from cli.support.shutdown import ShutdownRequest


@pytest.fixture(autouse=True)
def handlers_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_remembered_and_does_nothing_else(number: signal.Signals) -> None:
    request = ShutdownRequest.on_signals()
    before = request.requested
    os.kill(os.getpid(), number)
    assert (before, request.requested) == (False, True)
    request.wait_while(lambda: True)


def test_waiting_ends_when_nothing_runs_any_more() -> None:
    running = iter((True, False))
    request = ShutdownRequest()
    request.wait_while(lambda: next(running))
    assert not request.requested
