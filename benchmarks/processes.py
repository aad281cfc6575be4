"""Processor time, memory and signals of a process and its descendants (Linux)."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


class _Process(NamedTuple):
    parent: int
    seconds: float


def processor_seconds(process: int) -> float:
    """User and system time of this process, its descendants, and those that have ended.

    0 if there is none, or if this is no Linux.
    """
    running = _running()
    return sum(running[one].seconds for one in _family(process, running) if one in running)


def signal_all(process: int, number: signal.Signals) -> None:
    """To this process and its descendants, parents first."""
    for one in _family(process, _running()):
        with suppress(ProcessLookupError):
            os.kill(one, number)


def own_relative(end: str) -> int:
    """The process among our own descendants that has a word on its command line with this end.

    Raises `ValueError` if there is none.
    """
    for one in _family(os.getpid(), _running()):
        with suppress(OSError):
            words = Path(f"/proc/{one}/cmdline").read_bytes().split(b"\0")
            if any(word.endswith(end.encode()) for word in words):
                return one
    raise ValueError(f"nothing that we started has a word that ends with {end!r}")


def _family(process: int, running: dict[int, _Process]) -> list[int]:
    family = [process]
    for one in family:
        family += [child for child, known in running.items() if known.parent == one]
    return family


def _running() -> dict[int, _Process]:
    running: dict[int, _Process] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue  # it ended meanwhile
        fields = text[text.rindex(")") + 2 :].split()  # the name before it may hold anything
        ticks = sum(map(int, fields[11:15]))  # proc_pid_stat(5): utime, stime, cutime, cstime
        running[int(path.parent.name)] = _Process(int(fields[1]), ticks / _TICKS_A_SECOND)
    return running


def resident_mb(process: int) -> float:
    """Memory of a process that is in RAM now, in MiB; 0 if it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    sizes = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(sizes[0]) / 1_024 if sizes else 0.0
