"""What an engine counts while it works, as plain numbers; `stream.metrics` shows them."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

FOLD_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper ends of the histogram of fold times; what took longer is counted beyond the last."""


def _no_folds() -> list[int]:
    return [0] * (len(FOLD_BOUNDS_S) + 1)


@dataclass(slots=True)
class EngineStats:
    """Counts since the start. As of now: `waiting` scans that are in the log and not in the
    ledger, `trust_version`, `feed_delay_seconds` and `failure`.

    `fold_times` counts batches of scans by how long decoding, verifying and folding them
    took, `fold_seconds` is the sum. `feed_delay_seconds`: how long the oldest change of an
    alert that is not in the `alerts` topic yet has been in the feed; 0 if none waits, and
    where there is no such topic.
    """

    scans: int = 0
    folds: int = 0
    conflicts: int = 0
    dead_letters: int = 0
    signatures_checked: int = 0
    signatures_remembered: int = 0
    fold_seconds: float = 0.0
    fold_times: list[int] = field(default_factory=_no_folds)
    waiting: int = 0
    trust_version: int = 0
    feed_delay_seconds: float = 0.0
    failure: str | None = None

    def folded_in(self, seconds: float) -> None:
        """One batch of scans took so long."""
        self.fold_times[bisect_left(FOLD_BOUNDS_S, seconds)] += 1
        self.fold_seconds += seconds
