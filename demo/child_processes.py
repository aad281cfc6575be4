"""Processes that end when the one that started them ends, however it ends.

Of our own program see `touchstone_command`. Other programs know nothing of us: the kernel
kills them.
"""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

_STARTS_WITHIN_S: Final = 30.0

# Change the user, prctl(PR_SET_PDEATHSIG, SIGKILL), then become the command. It is asked
# for after the change of user, which would undo it, and before exec, by a program of its
# own: code that runs between fork and exec in a process with threads can block for ever.
# The program changes the user by itself, for the other one may not reach the interpreter.
_BECOME: Final = """
import ctypes, os, sys
if sys.argv[2]:
    import pwd
    entry = pwd.getpwnam(sys.argv[2])
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)
    if os.getppid() != int(sys.argv[1]):
        os._exit(1)
os.execvp(sys.argv[3], sys.argv[3:])
"""

_Order = tuple[list[str], Path, Path, str | None, "Future[subprocess.Popen[bytes]]"]
_orders: "queue.SimpleQueue[_Order]" = queue.SimpleQueue()
_lock = threading.Lock()
_starter: threading.Thread | None = None


def touchstone_command(arguments: Sequence[str], *, remove: Path | None = None) -> list[str]:
    """The command line that runs `touchstone ARGUMENTS…` until the pipe on its standard input
    breaks; then the folder `remove` is removed. See `cli.support.parent_death_guard`, which is
    named here as a program: this package imports nothing of the command line.
    """
    keep = ["--remove", str(remove)] if remove else []
    return [sys.executable, "-m", "cli.support.parent_death_guard", *keep, *arguments]


def start_killed_with_parent(
    command: Sequence[str], *, folder: Path, output: Path, user: str | None = None
) -> "subprocess.Popen[bytes]":
    """Start `command` in `folder`, its output appended to `output`, as `user` if given.

    On Linux the kernel kills it when this process ends; elsewhere nobody does. What the
    kernel watches is the thread that started it, hence one thread that lives as long as the
    process. A session of its own keeps Ctrl-C from it, so that whoever started it can stop
    it in order.
    """
    global _starter
    with _lock:
        if _starter is None:
            _starter = threading.Thread(target=_start_for_ever, name="starter", daemon=True)
            _starter.start()
    started: Future[subprocess.Popen[bytes]] = Future()
    _orders.put((list(command), folder, output, user, started))
    return started.result(timeout=_STARTS_WITHIN_S)


def _start_for_ever() -> None:
    while True:
        command, folder, output, user, started = _orders.get()
        try:
            with output.open("ab") as log:
                process = subprocess.Popen(  # noqa: S603 - what our own code asks for
                    [sys.executable, "-I", "-S", "-c", _BECOME, str(os.getpid()), user or "",
                     *command],
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )  # fmt: skip
            started.set_result(process)
        except Exception as error:  # whatever it is, the caller must hear of it
            started.set_exception(error)
