"""What the clone score is learned from: a code as it stands after some of its scans.

A code is judged after every scan, so it is learned from at several moments, which share its
weight: a pack in a shop window with a thousand scans is one pack. The score of a moment is the
lowest of those with any one network left out, so these are here too.
"""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Final, NamedTuple

from authenticity.detection.comparison import compare_sessions
from authenticity.detection.evidence import admitted_of, split
from authenticity.detection.features import FEATURES, channel_of, features_of
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.prints import every_print
from authenticity.detection.score import comparable, proof_of_copies
from authenticity.detection.sessions import is_of_own_chain, scan_sessions
from authenticity.history.history import history_of
from authenticity.history.observation import Observation
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import InBatch
from authenticity.records.scan import Channel
from benchmarks.detection.dataset import Example

MOST_MOMENTS: Final = 10
CHANNELS: Final = tuple(Channel)

Values = tuple[int, ...]
"""One for each feature, in the order of the table."""


class State(NamedTuple):
    """One code at one moment. `rests`: its values with each one network left out, each once;
    `rests_on_one`: whether without some one network there is nothing to compare. `channel`: by
    its number in `CHANNELS`, whose prior holds. `copied`: whether two packs had been read."""

    values: Values
    rests: tuple[Values, ...]
    rests_on_one: bool
    channel: int
    copied: bool


def states_of(example: Example) -> list[State]:
    """After some of its scans, at most `MOST_MOMENTS`, first and last among them.

    None of moments at which a copied code had not been read on two packs yet, nor of those
    that prove it: no weight decides them.
    """
    found: list[State] = []
    prints = every_print(InBatch(example.batch))
    known: Sequence[Observation] = ()
    for end in _moments(example):
        history = history_of(arrival.observation for arrival in example.arrivals[:end])
        genuine, _ = split(history, prints)
        admitted = admitted_of(history, genuine)
        if admitted == known:
            continue
        known = admitted
        if proof_of_copies(genuine, DEFAULT_POLICY.elsewhere_km) is not None:
            break
        now_ms = example.arrivals[end - 1].received_ms
        copied = example.copied and now_ms >= (example.detectable_ms or 0)
        if example.copied and not copied:
            continue
        if (state := state_of(admitted, example.batch, copied=copied)) is not None:
            found.append(state)
    return found


def state_of(admitted: Sequence[Observation], batch: Batch | None, *, copied: bool) -> State | None:
    """None where there is nothing to compare."""
    values = _values_of(admitted, batch)
    if values is None:
        return None
    networks = {each.network for each in admitted if not each.actor}
    rests = {
        _values_of([each for each in admitted if each.actor or each.network != network], batch)
        for network in networks
    }
    channel = CHANNELS.index(channel_of(admitted))
    compared = sorted(rest for rest in rests if rest is not None)
    return State(values, tuple(compared), None in rests, channel, copied)


def _values_of(admitted: Sequence[Observation], batch: Batch | None) -> Values | None:
    if all(is_of_own_chain(each, DEFAULT_POLICY) for each in admitted):
        return None
    sessions = scan_sessions(admitted, DEFAULT_POLICY)
    if not comparable(sessions, DEFAULT_POLICY.clone):
        return None
    values = dict(features_of(compare_sessions(admitted, sessions, batch, DEFAULT_POLICY)))
    return tuple(values.get(feature, 0) for feature in FEATURES)


def _moments(example: Example) -> Iterator[int]:
    """Numbers of arrivals after which something may have changed, further apart each time."""
    ends = [
        number
        for number, arrival in enumerate(example.arrivals, 1)
        if arrival.observation.actor or arrival.observation.is_network_derived
    ]
    if len(ends) <= MOST_MOMENTS:
        yield from ends
        return
    growth = len(ends) ** (1 / (MOST_MOMENTS - 1))
    yield from dict.fromkeys(
        ends[min(len(ends), ceil(growth**step)) - 1] for step in range(MOST_MOMENTS)
    )
