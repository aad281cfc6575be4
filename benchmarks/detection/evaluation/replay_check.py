"""Checks that the order of arrival does not matter: histories rebuilt in other orders are equal."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

import msgspec

from authenticity.detection.assess import assess_history
from authenticity.detection.policy import Policy
from authenticity.history.history import EMPTY, History, encode_history, history_of, merge
from authenticity.history.observation import Observation
from authenticity.records.batch_registry import BatchRegistry
from benchmarks.detection.dataset import Example
from benchmarks.detection.evaluation.touchstone_detector import registry_of

_LARGEST_FOLD: Final = 7


def differs(example: Example, history: History, policy: Policy) -> bool:
    """Whether another order leads to other bytes than `history`, or to other findings."""
    draw = Random(str(example.item))
    observations = [arrival.observation for arrival in example.arrivals]
    batch_registry = registry_of(example.headers)
    expected = _state(example, history, batch_registry, policy)
    return any(
        _state(example, _folded(other, draw), batch_registry, policy) != expected
        for other in _other_ways(observations, draw)
    )


def _other_ways(observations: Sequence[Observation], draw: Random) -> Iterator[list[Observation]]:
    """Shuffled; with some delivered again; with some held back until all others are there."""
    shuffled = list(observations)
    draw.shuffle(shuffled)
    yield shuffled
    again = [*observations, *draw.choices(observations, k=1 + len(observations) // 3)]
    draw.shuffle(again)
    yield again
    held_back = {number for number in range(len(observations)) if draw.random() < 0.3}
    in_time = [each for number, each in enumerate(observations) if number not in held_back]
    yield [*in_time, *(observations[number] for number in sorted(held_back))]


def _folded(observations: Sequence[Observation], draw: Random) -> History:
    """In folds of several scans, as an engine would."""
    history, at = EMPTY, 0
    while at < len(observations):
        many = draw.randint(1, _LARGEST_FOLD)
        history = merge(history, history_of(observations[at : at + many]))
        at += many
    return history


def _state(
    example: Example, history: History, batch_registry: BatchRegistry, policy: Policy
) -> tuple[bytes, bytes]:
    findings = assess_history(example.item, history, batch_registry, policy).findings
    return encode_history(history), msgspec.json.encode(findings)
