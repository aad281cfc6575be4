"""Known scanners that had one code in hand in several places at once.

Their places are trusted, and so are their times where the scan arrived as soon as it was
made: a wrong clock shows there. What no trip joins was then on several items.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from authenticity.detection.policy import ClonePolicy, Policy
from authenticity.detection.reasons import Reason, ReasonCode, because
from authenticity.detection.sessions import (
    ScanSession,
    apart_km,
    is_reachable,
    session_of_observation,
)
from authenticity.history.observation import Observation

_PROVEN_FROM: Final = 3
"""Places: of two, one may be the wrong entry of an honest scanner."""

_Capture = tuple[ScanSession, int]
"""A capture and the actor that made it."""


class Simultaneous(NamedTuple):
    """`is_proof`: three places or more, of two known scanners at least."""

    reason: Reason
    is_proof: bool


def simultaneous_captures(genuine: Sequence[Observation], policy: Policy) -> Simultaneous | None:
    """Captures of which no two can be of one item: by two known scanners, or three by one.

    Takes believed observations by capture time.
    """
    tolerance_s = policy.clone.clock_tolerance_s
    live = [
        (session_of_observation(each, policy), each.actor)
        for each in genuine
        if each.actor and each.source and abs(each.delay_s) <= tolerance_s
    ]
    if all(is_reachable(one[0], next_one[0], policy.clone) for one, next_one in pairwise(live)):
        return None
    apart = max(
        (_apart_from(live[number:], policy.clone) for number in range(len(live) - 1)), key=_rank
    )
    places, actors = len(apart), len({actor for _, actor in apart})
    if actors < 2 and places < _PROVEN_FROM:
        return None
    return Simultaneous(
        _reason([capture for capture, _ in apart]), min(places, actors + 1) >= _PROVEN_FROM
    )


def _rank(apart: Sequence[_Capture]) -> tuple[int, int]:
    return min(len(apart), _PROVEN_FROM) + len({actor for _, actor in apart}), len(apart)


def _apart_from(captures: Sequence[_Capture], policy: ClonePolicy) -> list[_Capture]:
    """The first, and those after it that no trip joins with any one taken before: of other
    scanners rather than of the same. By time."""
    apart: list[_Capture] = []
    start = captures[0]
    others_first = sorted(captures[1:], key=lambda each: each[1] == start[1])
    for capture in (start, *others_first):
        if not any(_joined(known, capture[0], policy) for known, _ in apart):
            apart.append(capture)
    return sorted(apart)


def _joined(one: ScanSession, other: ScanSession, policy: ClonePolicy) -> bool:
    return is_reachable(min(one, other), max(one, other), policy)


def _reason(apart: Sequence[ScanSession]) -> Reason:
    return because(
        ReasonCode.HELD_IN_SEVERAL_PLACES_AT_ONCE,
        places=len(apart),
        km=round(max(apart_km(one, other) for one, other in pairwise(apart))),
        minutes=(apart[-1].at_ms - apart[0].at_ms) // 60_000,
    )
