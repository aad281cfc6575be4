"""Processor time of a process and its descendants."""

import os
import signal
import subprocess
import sys

import pytest

from benchmarks.processes import own_relative, processor_seconds, signal_all
from tests.support.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

_BUSY = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\n"
_PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_BUSY!r}])"


def test_time_of_children_that_have_ended_counts() -> None:
    before = processor_seconds(os.getpid())
    subprocess.run([sys.executable, "-c", _PARENT], check=True)
    assert processor_seconds(os.getpid()) - before >= 0.2


def test_a_process_that_is_not_there_has_used_nothing() -> None:
    assert processor_seconds(2**30) == 0


def is_there(words: str) -> bool:
    try:
        own_relative(words)
    except ValueError:
        return False
    return True


def test_a_signal_reaches_the_descendants() -> None:
    waiting = "import time; time.sleep(60)"
    parent = subprocess.Popen(
        [sys.executable, "-c",
         f"import subprocess, sys; subprocess.run([sys.executable, '-c', {waiting!r}])"],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert parent.stdout is not None
    wait_until(lambda: is_there(waiting))
    signal_all(parent.pid, signal.SIGKILL)
    parent.wait(PATIENCE_S)
    with parent.stdout as held_by_both:
        assert held_by_both.read() == b""  # it ends when the child has ended too
