"""Free ports of this machine for servers that are stopped and started again on them."""

import random
import socket
from pathlib import Path
from typing import Final

from authenticity.errors import UnavailableError

_LOWEST: Final = 15_000
_EPHEMERAL: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_EPHEMERAL_FROM: Final = 32_768
_TRIES: Final = 2_000


def free_ports(count: int) -> list[int]:
    """So many different ports of 127.0.0.1 that nothing listens on now.

    Below those that the system gives to outgoing connections: while a server is down,
    one of those could be taken by the very client that tries to reach it – which then
    talks to itself, and the server can never come back to its port.
    """
    highest = _first_ephemeral() - 1
    draw = random.SystemRandom()
    held: list[socket.socket] = []
    try:
        for _ in range(_TRIES):
            if len(held) == count:
                break
            taken = socket.socket()
            try:
                taken.bind(("127.0.0.1", draw.randint(_LOWEST, highest)))
                held.append(taken)
            except OSError:
                taken.close()
        if len(held) < count:
            raise UnavailableError(
                f"no {count} free ports between {_LOWEST} and {highest}",
                next_step="stop some servers on this machine",
            )
        return [int(taken.getsockname()[1]) for taken in held]
    finally:
        for taken in held:
            taken.close()


def _first_ephemeral() -> int:
    try:
        first = int(_EPHEMERAL.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _EPHEMERAL_FROM
    return first if first > _LOWEST + _TRIES else 65_536
