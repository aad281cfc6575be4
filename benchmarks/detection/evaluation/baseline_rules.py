"""The rules that others use against copied codes, each implemented as it is published.

Distances and speeds are naive on purpose: between the places that scanners report, with
no regard to how far such a place can be believed. Times are capture times.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from authenticity.history.observation import Observation, distance_km
from benchmarks.detection.evaluation.detectors import Rule

_HOUR_MS: Final = 3_600_000
_LEAST_GAP_MS: Final = 1_000
_ANOTHER_CITY_KM: Final = 50.0


class Timeline:
    """The scans of one code with a known place, by capture time."""

    def __init__(self) -> None:
        self._times: list[int] = []
        self._observations: list[Observation] = []

    def insert(self, observation: Observation) -> Iterator[tuple[Observation, Observation]]:
        """Insert by capture time; yields the one or two new pairs of neighbours, older first."""
        at = bisect_right(self._times, observation.captured_ms)
        self._times.insert(at, observation.captured_ms)
        self._observations.insert(at, observation)
        if at > 0:
            yield self._observations[at - 1], observation
        if at + 1 < len(self._observations):
            yield observation, self._observations[at + 1]

    def around(self, observation: Observation, window_ms: int) -> Iterator[Observation]:
        """All within the window before and after it, itself too."""
        first = bisect_right(self._times, observation.captured_ms - window_ms - 1)
        last = bisect_right(self._times, observation.captured_ms + window_ms)
        return iter(self._observations[first:last])


def naive_speed_kmh(earlier: Observation, later: Observation) -> float:
    """Between reported places; at least a second apart."""
    gap_ms = max(_LEAST_GAP_MS, later.captured_ms - earlier.captured_ms)
    return distance_km(earlier, later) * _HOUR_MS / gap_ms


class Scans:
    """Alerts at a number of scans."""

    def __init__(self, limit: int, *, graded: bool) -> None:
        self._limit = limit
        self._graded = graded
        self._scans = 0

    def add(self, observation: Observation) -> bool:  # noqa: ARG002 - it only counts
        """See `RuleState.add`."""
        self._scans += 1
        return self._scans >= self._limit

    @property
    def score(self) -> float | None:
        """The number of scans."""
        return float(self._scans) if self._graded else None


class TooFast:
    """Alerts when two scans that follow each other imply a speed over the limit."""

    def __init__(self, limit_kmh: float = 1_000.0) -> None:
        self._limit_kmh = limit_kmh
        self._timeline = Timeline()
        self._fastest_kmh = 0.0

    def add(self, observation: Observation) -> bool:
        """See `RuleState.add`."""
        if observation.source:
            for earlier, later in self._timeline.insert(observation):
                self._fastest_kmh = max(self._fastest_kmh, naive_speed_kmh(earlier, later))
        return self._fastest_kmh > self._limit_kmh

    @property
    def score(self) -> float | None:
        """The highest speed."""
        return self._fastest_kmh


class Commercial:
    """More than 10 scans, and either more than 5 devices or over 1000 km/h.

    The rule set can also be read as alerting at that speed whatever the number of scans;
    that is `TooFast`. This reading is the one with the higher precision.
    """

    score = None

    def __init__(self) -> None:
        self._scans = 0
        self._devices: set[int] = set()
        self._speed = TooFast()

    def add(self, observation: Observation) -> bool:
        """See `RuleState.add`."""
        self._scans += 1
        self._devices.add(observation.session)
        too_fast = self._speed.add(observation)
        return self._scans > 10 and (len(self._devices) > 5 or too_fast)


class SessionsApart:
    """Three sessions or more, one of them over 500 km from the first scan that arrived."""

    def __init__(self, sessions: int = 3, km: float = 500.0) -> None:
        self._least_sessions = sessions
        self._km = km
        self._first: Observation | None = None
        self._sessions: set[int] = set()
        self._farthest_km = 0.0

    def add(self, observation: Observation) -> bool:
        """See `RuleState.add`."""
        self._sessions.add(observation.session)
        if observation.source:
            self._first = self._first or observation
            self._farthest_km = max(self._farthest_km, distance_km(self._first, observation))
        return len(self._sessions) >= self._least_sessions and self._farthest_km > self._km

    @property
    def score(self) -> float | None:
        """Kilometres, once there are sessions enough."""
        return self._farthest_km if len(self._sessions) >= self._least_sessions else 0.0


class Bursts:
    """More than 3 scans within 60 s, or another city within 10 minutes.

    A scan names no city: a place more than 50 km away is in another one.
    """

    score = None

    def __init__(self) -> None:
        self._all = Timeline()
        self._placed = Timeline()

    def add(self, observation: Observation) -> bool:
        """See `RuleState.add`."""
        list(self._all.insert(observation))
        times = sorted(each.captured_ms for each in self._all.around(observation, 60_000))
        if any(later - earlier <= 60_000 for earlier, later in zip(times, times[3:], strict=False)):
            return True
        if not observation.source:
            return False
        list(self._placed.insert(observation))
        return any(
            distance_km(observation, other) > _ANOTHER_CITY_KM
            for other in self._placed.around(observation, 600_000)
        )


RULES: Final = (
    Rule("second scan", "a second scan means fake", lambda: Scans(2, graded=False)),
    Rule("ten scans", "ten or more scans", lambda: Scans(10, graded=True)),
    Rule("commercial", "> 10 scans, and > 5 devices or > 1000 km/h", Commercial),
    Rule("sessions + distance", "3 or more sessions, over 500 km apart", SessionsApart),
    Rule("naive speed", "over 1000 km/h between reported places", TooFast),
    Rule("bursts", "> 3 scans in 60 s, or another city within 10 minutes", Bursts),
)
