"""What a Kafka worker may be told from outside, besides where Kafka and the ledger are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from authenticity.errors import ConfigurationError

GROUP: Final = "touchstone"
"""The consumer group that all workers belong to."""
_PREFIX = "TOUCHSTONE_WORKER_"


@dataclass(frozen=True)
class WorkerSettings:
    """Times in seconds.

    `session_timeout_s`: how long the group waits for a worker that fell silent before its
    partitions go to others. `scans_at_once`: the most scans of one fold. `stall_s`: how
    long a worker may take nothing, while records wait, before it ends.
    """

    session_timeout_s: float = 10.0
    heartbeat_s: float = 2.0
    commit_every_s: float = 1.0
    scans_at_once: int = 2_000
    linger_s: float = 0.02
    outage_s: float = 60.0
    stall_s: float = 30.0

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "WorkerSettings":
        """TOUCHSTONE_WORKER_SESSION_S, …_COMMIT_S, …_SCANS_AT_ONCE, …_OUTAGE_S, …_STALL_S.

        Raises `ConfigurationError`.
        """
        session_s = _number(env, "SESSION_S", cls.session_timeout_s, 1, 300)
        return cls(
            session_timeout_s=session_s,
            heartbeat_s=min(cls.heartbeat_s, session_s / 3),
            commit_every_s=_number(env, "COMMIT_S", cls.commit_every_s, 0.02, 60),
            scans_at_once=int(_number(env, "SCANS_AT_ONCE", cls.scans_at_once, 1, 20_000)),
            outage_s=_number(env, "OUTAGE_S", cls.outage_s, 1, 86_400),
            stall_s=_number(env, "STALL_S", cls.stall_s, 5, 86_400),
        )


def _number(
    env: Mapping[str, str], name: str, otherwise: float, least: float, most: float
) -> float:
    text = env.get(_PREFIX + name, "").strip()
    try:
        value = float(text) if text else otherwise
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise ConfigurationError(
            f"{_PREFIX}{name}: {text!r} is not a number from {least:g} to {most:g}",
            next_step=f"leave it out for {otherwise:g}",
        )
    return value
