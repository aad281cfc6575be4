"""What is remembered of one item: a bounded summary of its scans, and a join-semilattice.

A history is a set of observations. `merge` unites two sets and keeps the union of a few
*selections*; each selection keeps the first so many under an order that depends on the
observations' content alone. Since a selection of a union is a selection of the selections,
`merge` is commutative, associative and idempotent: shuffled, duplicated, late or
redelivered scans end in the same bytes.

The selections answer the questions `authenticity.detection.assess` asks:

* a uniform sample by the hash of the scan id, whose last member also estimates how many
  distinct scans there were (the KMV sketch of Bar-Yossef et al., RANDOM 2002);
* the earliest and the latest captures; the first capture of each of a few sessions and
  of each of a few countries, by hash and by code;
* what authorised scanners saw and did, so that no number of anonymous scans can displace it.

Observations whose signature never verified are kept apart, and fewer of them: anybody can
make them, and they must not push out what a real pack left.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Final

import msgspec
from msgspec import Struct

from authenticity.history.observation import ACTS, Observation, same_scan
from authenticity.records.scan import Act

SAMPLE: Final = 16
CONFLICTS: Final = 8
ENDS: Final = 4
ACT_ENDS: Final = 5
AUTHORISED_ENDS: Final = 3
SESSIONS: Final = 12
COUNTRIES: Final = 8
DOUBTFUL_SAMPLE: Final = 6
DOUBTFUL_ENDS: Final = 2

MAXIMUM_BYTES: Final = 8_192
_HISTORY_FORMAT: Final = 1
_ID_SPACE: Final = 2**64

_STATE_CHANGING: Final = frozenset(
    ACTS.index(act)
    for act in (Act.SELL, Act.REACTIVATE, Act.DETAIN, Act.RELEASE, Act.SEIZE, Act.DESTROY)
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
    """Inverse of `encode_history`. Raises `ValueError` for bytes it never wrote."""
    history = _decoder.decode(raw)
    if history.format != _HISTORY_FORMAT:
        raise ValueError(f"history format {history.format} is newer than this program")
    return history


def distinct_scans(observations: Iterable[Observation]) -> int:
    """How many different scans these observations of one history stand for.

    Exact while few (below `SAMPLE`, or `DOUBTFUL_SAMPLE` for those never issued), then
    an estimate with a relative standard error of about 1/sqrt(sample - 2).
    """
    issued: set[int] = set()
    doubtful: set[int] = set()
    for observation in observations:
        (issued if observation.issued else doubtful).add(observation.id)
    return _estimate(issued, SAMPLE) + _estimate(doubtful, DOUBTFUL_SAMPLE)


def _estimate(ids: set[int], sample: int) -> int:
    smallest = sorted(ids)[:sample]
    if len(smallest) < sample:
        return len(smallest)
    return max(sample, (sample - 1) * _ID_SPACE // (smallest[-1] + 1))


def _keep(observations: Iterable[Observation]) -> tuple[Observation, ...]:
    issued, doubtful = _once_each(observations)
    if len(issued) > ENDS:  # so few are always among the earliest
        issued = _union(issued, _ISSUED_SELECTIONS)
    if len(doubtful) > DOUBTFUL_ENDS:
        doubtful = _union(doubtful, _DOUBTFUL_SELECTIONS)
    return tuple(sorted((*issued, *doubtful)))


def _once_each(observations: Iterable[Observation]) -> tuple[list[Observation], list[Observation]]:
    issued: list[Observation] = []
    doubtful: list[Observation] = []
    for observation in observations:
        (issued if observation.issued else doubtful).append(observation)
    return _joined(issued), _joined(doubtful)


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


def _union(observations: list[Observation], selections: Iterable[Selection]) -> list[Observation]:
    by_content = sorted(observations)
    kept = {
        id(observation): observation for select in selections for observation in select(by_content)
    }
    return list(kept.values())


by_capture = attrgetter("captured_ms")
"""For sorting what is sorted by content: equal capture times keep that order."""


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


def _first_of_each(size: int, group: Callable[[Observation], int | str]) -> Selection:
    """The earliest capture of each of the `size` smallest non-empty groups."""

    def select(by_content: list[Observation]) -> Iterable[Observation]:
        first: dict[int | str, Observation] = {}
        for observation in by_content:
            key = group(observation)
            if key and (key not in first or observation.captured_ms < first[key].captured_ms):
                first[key] = observation
        return [first[key] for key in sorted(first)[:size]]

    return select


_ISSUED_SELECTIONS: Final[tuple[Selection, ...]] = (
    _sample(SAMPLE, CONFLICTS),
    _ends(ENDS),
    _ends(ACT_ENDS, lambda observation: observation.act in _STATE_CHANGING),
    _ends(AUTHORISED_ENDS, lambda observation: observation.authorised),
    _first_of_each(SESSIONS, lambda observation: observation.session),
    _first_of_each(COUNTRIES, lambda observation: observation.country),
)
_DOUBTFUL_SELECTIONS: Final[tuple[Selection, ...]] = (
    _sample(DOUBTFUL_SAMPLE, 1),
    _ends(DOUBTFUL_ENDS),
)
