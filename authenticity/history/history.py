"""What is remembered of one item: a bounded summary of its scans, and a join-semilattice.

A history is a set of observations. `merge` unites two sets and keeps the union of a few
*selections*; each selection keeps the first so many under an order that depends on the
observations' content alone. Since a selection of a union is a selection of the selections,
`merge` is commutative, associative and idempotent: shuffled, duplicated, late or
redelivered scans end in the same bytes.

The selections answer the questions `authenticity.detection.assess` asks:

* what known scanners saw and did: their observations are selected among themselves, so that
  no number of anonymous scans can displace one;
* of each of a few networks, by their keyed hash, the first scans of two sessions to arrive:
  whoever scans from one network displaces no more than one other network, and nobody what
  arrived before from the same one;
* of all other anonymous scans together (through relays and data centres, or of version 1),
  as many as of one network, and the first from each of a few of their networks;
* a small sample by id, and the latest captures, for counts and dates that people are shown.

Order by arrival is order by something that is no content. It commutes with `merge` all the
same: of two records of one scan the earlier one is kept whole (`same_scan`), and a selection
takes the first so many records.

Observations whose signature never verified are kept apart, and fewer of them: anybody can
make them, and they must not push out what a real pack left, nor what known scanners read of
their kind. So are those under a key that is revoked by now or not valid, that anonymous scanners
read: a thief can make them.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Struct

from authenticity.history.format_1 import FORMAT_1_HEAD, observations_of_format_1
from authenticity.history.observation import ACTS, DOUBTS, Observation, same_scan
from authenticity.records.scan import Act
from authenticity.trust.verdict import Doubt

SAMPLE: Final = 6
CONFLICTS: Final = 2
LATEST: Final = 2
ACT_ENDS: Final = 5
KNOWN_ENDS: Final = 3
KNOWN_SESSIONS: Final = 6
KNOWN_COUNTRIES: Final = 4
NETWORKS: Final = 12
SESSIONS_OF_NETWORK: Final = 2
UNPLACED_NETWORKS: Final = 4
UNSIGNED_LOTS: Final = 2
UNSIGNED_DATES: Final = 2
REFUSED_ENDS: Final = 1
DOUBTED_NETWORKS: Final = 6
DOUBTED_UNPLACED: Final = 1
DOUBTED_SAMPLE: Final = 1
REFUSED_NETWORKS: Final = 3
REFUSED_SAMPLE: Final = 1

MAXIMUM_BYTES: Final = 12_288
_HISTORY_FORMAT: Final = 2
_FEW: Final = 2
"""So many issued observations of one kind are all kept, whatever they are."""

_BELIEVED, _KNOWN, _DOUBTED, _REFUSED, _REFUSED_OF_KNOWN = range(5)
_STATE_CHANGING: Final = frozenset(
    (Act.SELL, Act.REACTIVATE, Act.DETAIN, Act.RELEASE, Act.SEIZE, Act.DESTROY)
)


class History(Struct, frozen=True, array_like=True):
    """Bounded summary of one item's scans: at most `MAXIMUM_BYTES` when encoded.

    `observations` are sorted by content, each content once (twice where two trust lists
    disagreed on whether its code was issued).
    """

    format: int
    observations: tuple[Observation, ...]


EMPTY: Final = History(_HISTORY_FORMAT, ())

_decoder = msgspec.msgpack.Decoder(History)
_encoder = msgspec.msgpack.Encoder()


def history_of(observations: Iterable[Observation]) -> History:
    """The history of these observations, in whatever order and however often they come."""
    return History(_HISTORY_FORMAT, _keep(observations))


def merge(one: History, other: History) -> History:
    """The least history that knows what either knows."""
    if not one.observations or one.observations == other.observations:
        return other
    if not other.observations:
        return one
    return History(_HISTORY_FORMAT, _keep((*one.observations, *other.observations)))


def encode_history(history: History) -> bytes:
    """MessagePack; equal histories have equal bytes."""
    return _encoder.encode(history)


def decode_history(raw: bytes) -> History:
    """Inverse of `encode_history`; a history of format 1 as one of this format.

    Raises `ValueError` for bytes it never wrote.
    """
    if raw.startswith(FORMAT_1_HEAD):
        return History(_HISTORY_FORMAT, observations_of_format_1(raw))
    history = _decoder.decode(raw)
    if history.format != _HISTORY_FORMAT:
        raise ValueError(f"history format {history.format} is newer than this program")
    return history


def distinct_scans(observations: Iterable[Observation]) -> int:
    """How many different scans these observations are of: at least so many there were."""
    return len({observation.id for observation in observations})


def distinct_sources(observations: Iterable[Observation]) -> int:
    """How many networks, and sessions of which no network is known, these observations are of:
    at least so many there were, and never more than scans. Nobody adds to it from one network,
    or by sending a scan again from another.
    """
    sources: set[tuple[int, int]] = set()
    ids: set[int] = set()
    for observation in observations:
        sources.add(observation.source_of_scan)
        ids.add(observation.id)
    return min(len(sources), len(ids))


def has_reserved_place(observations: Iterable[Observation]) -> Callable[[Observation], bool]:
    """Whether an observation is of a network that has a place of its own in a history with these
    observations: its first scans are kept. Of issued ones only; of codes without doubt and of
    doubted ones, each for themselves, the networks of the smallest hashes."""
    believed: set[int] = set()
    doubted: set[int] = set()
    for observation in observations:
        if observation.is_network_derived and observation.issued:
            (doubted if observation.doubt else believed).add(observation.network)
    kept = _smallest(believed, NETWORKS), _smallest(doubted, DOUBTED_NETWORKS)
    return lambda each: each.is_network_derived and each.network in kept[each.doubt != 0]


def _smallest(networks: set[int], size: int) -> set[int]:
    return networks if len(networks) <= size else set(sorted(networks)[:size])


def _keep(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    pools: dict[int, list[Observation]] = {}
    for observation in observations:
        pools.setdefault(_pool(observation), []).append(observation)
    kept: list[Observation] = []
    for number, pool in pools.items():
        few, selections = _POOLS.get(number, _OTHERWISE)
        kept += _selected(pool, few, selections)
    return tuple(sorted(kept))


def _pool(observation: Observation) -> int:
    """What it is selected among, by who read the code and what is known of it. Refused codes
    that known scanners read are apart by their doubt."""
    if observation.issued:
        if observation.actor:
            return _KNOWN
        return _DOUBTED if observation.doubt else _BELIEVED
    return _REFUSED_OF_KNOWN + observation.doubt if observation.actor else _REFUSED


def _joined(observations: list[Observation]) -> list[Observation]:
    """Equal contents made one. They have equal ids, which are cheaper to compare."""
    if len({observation.id for observation in observations}) == len(observations):
        return observations
    known: dict[tuple[object, ...], Observation] = {}
    for observation in observations:
        earlier = known.get(observation.content)
        known[observation.content] = same_scan(earlier, observation) if earlier else observation
    return list(known.values())


Selection = Callable[[list[Observation]], Iterable[Observation]]


def _selected(
    observations: list[Observation], few: int, selections: Iterable[Selection]
) -> list[Observation]:
    """What any of the selections keeps, each content once; up to `few` contents all of them."""
    once = _joined(observations)
    if len(once) <= few:
        return once
    by_content = sorted(once)
    kept = {
        id(observation): observation for select in selections for observation in select(by_content)
    }
    return list(kept.values())


by_capture = attrgetter("captured_ms")
by_arrival = attrgetter("arrived_ms")
"""For sorting what is sorted by content: equal times keep that order."""


def _sample(size: int, contents_of: int) -> Selection:
    """One content of each of the `size` smallest ids; two of the first `contents_of`."""

    def select(by_content: list[Observation]) -> Iterable[Observation]:
        ids = contents = 0
        last: int | None = None
        for observation in by_content:
            if observation.id != last:
                if ids == size:
                    return
                ids, contents, last = ids + 1, 0, observation.id
            contents += 1
            if contents == 1 or (contents == 2 and ids <= contents_of):
                yield observation

    return select


def _ends(size: int, belongs: Callable[[Observation], bool] | None = None) -> Selection:
    """The `size` earliest and the `size` latest captures among those that belong."""

    def select(by_content: list[Observation]) -> Iterable[Observation]:
        among = [s for s in by_content if belongs(s)] if belongs else by_content
        in_order = sorted(among, key=by_capture)
        return in_order if len(in_order) <= 2 * size else in_order[:size] + in_order[-size:]

    return select


_Group = int | str


def _first_of_each(
    size: int,
    group: Callable[[Observation], _Group],
    part: Callable[[Observation], int],
    parts: int,
) -> Selection:
    """Of each of the `size` smallest non-empty groups, the first to arrive of each of the
    `parts` parts that arrived first."""

    def select(by_content: list[Observation]) -> Iterable[Observation]:
        groups: dict[_Group, list[Observation]] = {}
        for observation in by_content:
            if key := group(observation):
                groups.setdefault(key, []).append(observation)
        kept: list[Observation] = []
        for key in sorted(groups)[:size]:
            first: dict[int, Observation] = {}
            for observation in sorted(groups[key], key=by_arrival):
                if part(observation) not in first:
                    first[part(observation)] = observation
                    if len(first) == parts:
                        break
            kept += first.values()
        return kept

    return select


def _latest(size: int) -> Selection:
    """The `size` latest captures."""

    def select(by_content: list[Observation]) -> Iterable[Observation]:
        return sorted(by_content, key=by_capture)[-size:]

    return select


def _network(observation: Observation) -> int:
    """0 where nobody knows where the scanner is: no number of scans through relays and data
    centres displaces a network that tells."""
    return observation.network if observation.is_network_derived else 0


def _is_unplaced(observation: Observation) -> bool:
    """Of an anonymous scanner of which nobody knows where it is, whatever it states."""
    return not observation.actor and not observation.is_network_derived


def _alone(_: Observation) -> int:
    return 0


def _unplaced_network(observation: Observation) -> int:
    """Its network if it is unplaced, 1 for one that nobody saw; else 0."""
    return (observation.network or 1) if _is_unplaced(observation) else 0


def _changes_state(observation: Observation) -> bool:
    return ACTS[observation.act] in _STATE_CHANGING


_session = attrgetter("session")
_country = attrgetter("country")
_SELECTIONS: Final[tuple[Selection, ...]] = (
    _first_of_each(NETWORKS, _network, _session, SESSIONS_OF_NETWORK),
    _first_of_each(1, _is_unplaced, _session, SESSIONS_OF_NETWORK),
    _first_of_each(UNPLACED_NETWORKS, _unplaced_network, _alone, 1),
    _sample(SAMPLE, CONFLICTS),
    _latest(LATEST),
)
_KNOWN_SELECTIONS: Final[tuple[Selection, ...]] = (
    _ends(ACT_ENDS, _changes_state),
    _ends(KNOWN_ENDS),
    _first_of_each(KNOWN_SESSIONS, _session, _alone, 1),
    _first_of_each(KNOWN_COUNTRIES, _country, _alone, 1),
    _sample(SAMPLE, CONFLICTS),
)
_DOUBTED_SELECTIONS: Final[tuple[Selection, ...]] = (
    _first_of_each(DOUBTED_NETWORKS, _network, _alone, 1),
    _first_of_each(1, _is_unplaced, _session, SESSIONS_OF_NETWORK),
    _first_of_each(DOUBTED_UNPLACED, _unplaced_network, _alone, 1),
    _sample(DOUBTED_SAMPLE, 1),
    _latest(1),
)
_REFUSED_SELECTIONS: Final[tuple[Selection, ...]] = (
    _first_of_each(REFUSED_NETWORKS, _network, _alone, 1),
    _first_of_each(1, _is_unplaced, _alone, 1),
    _sample(REFUSED_SAMPLE, 1),
)
_first_and_last = _ends(REFUSED_ENDS)
_OTHERWISE: Final = (1, (_first_and_last,))
_POOLS: Final[Mapping[int, tuple[int, tuple[Selection, ...]]]] = MappingProxyType(
    {
        _BELIEVED: (_FEW, _SELECTIONS),
        _KNOWN: (_FEW, _KNOWN_SELECTIONS),
        _DOUBTED: (_FEW, _DOUBTED_SELECTIONS),
        _REFUSED: (1, _REFUSED_SELECTIONS),
        # what is read from a pack without a signature may differ from what is registered
        _REFUSED_OF_KNOWN + DOUBTS.index(Doubt.UNSIGNED): (
            1, (
                _first_and_last,
                _first_of_each(UNSIGNED_LOTS, attrgetter("lot"), _alone, 1),
                _first_of_each(UNSIGNED_DATES, attrgetter("expiry"), _alone, 1),
            ),
        ),
    }
)  # fmt: skip
"""So many of a pool are all kept, and what is kept of more."""
