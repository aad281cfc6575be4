"""What is remembered of one item: a bounded summary of its scans, and a join-semilattice.

A history is a set of sightings. `merge` unites two sets and keeps the union of a few
*selections*; each selection keeps the first so many under an order that depends on the
sightings' content alone. Since a selection of a union is a selection of the selections,
`merge` is commutative, associative and idempotent: shuffled, duplicated, late or
redelivered scans end in the same bytes.

The selections answer the questions `authenticity.detection.assess` asks:

* a uniform sample by the hash of the scan id, whose last member also estimates how many
  distinct scans there were (the KMV sketch of Bar-Yossef et al., RANDOM 2002);
* the earliest and the latest captures; the first capture of each of a few sessions and
  of each of a few countries, by hash and by code;
* what authorised scanners saw and did, so that no crowd can push it out.

Sightings whose signature never verified are kept apart, and fewer of them: anybody can
make them, and they must not push out what a real pack left.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Final

import msgspec
from msgspec import Struct

from authenticity.history.observation import ACTS, Sighting, same_scan
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

    `sightings` are sorted by content, each content once (twice where two trust lists
    disagreed on whether its code was issued).
    """

    format: int
    sightings: tuple[Sighting, ...]


EMPTY: Final = History(_HISTORY_FORMAT, ())

_decoder = msgspec.msgpack.Decoder(History)
_encoder = msgspec.msgpack.Encoder()


def history_of(sightings: Iterable[Sighting]) -> History:
    """The history of these sightings, in whatever order and however often they come."""
    return History(_HISTORY_FORMAT, _keep(sightings))


def merge(one: History, other: History) -> History:
    """The least history that knows what either knows."""
    if not one.sightings or one.sightings == other.sightings:
        return other
    if not other.sightings:
        return one
    return History(_HISTORY_FORMAT, _keep((*one.sightings, *other.sightings)))


def encode_history(history: History) -> bytes:
    """MessagePack; equal histories have equal bytes."""
    return _encoder.encode(history)


def decode_history(raw: bytes) -> History:
    """Inverse of `encode_history`. Raises `ValueError` for bytes it never wrote."""
    history = _decoder.decode(raw)
    if history.format != _HISTORY_FORMAT:
        raise ValueError(f"history format {history.format} is newer than this program")
    return history


def distinct_scans(sightings: Iterable[Sighting]) -> int:
    """How many different scans these sightings of one history stand for.

    Exact while few (below `SAMPLE`, or `DOUBTFUL_SAMPLE` for those never issued), then
    an estimate with a relative standard error of about 1/sqrt(sample - 2).
    """
    issued: set[int] = set()
    doubtful: set[int] = set()
    for sighting in sightings:
        (issued if sighting.issued else doubtful).add(sighting.id)
    return _estimate(issued, SAMPLE) + _estimate(doubtful, DOUBTFUL_SAMPLE)


def _estimate(ids: set[int], sample: int) -> int:
    smallest = sorted(ids)[:sample]
    if len(smallest) < sample:
        return len(smallest)
    return max(sample, (sample - 1) * _ID_SPACE // (smallest[-1] + 1))


def _keep(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    issued, doubtful = _once_each(sightings)
    if len(issued) > ENDS:  # so few are always among the earliest
        issued = _union(issued, _ISSUED_SELECTIONS)
    if len(doubtful) > DOUBTFUL_ENDS:
        doubtful = _union(doubtful, _DOUBTFUL_SELECTIONS)
    return tuple(sorted((*issued, *doubtful)))


def _once_each(sightings: Iterable[Sighting]) -> tuple[list[Sighting], list[Sighting]]:
    issued: list[Sighting] = []
    doubtful: list[Sighting] = []
    for sighting in sightings:
        (issued if sighting.issued else doubtful).append(sighting)
    return _joined(issued), _joined(doubtful)


def _joined(sightings: list[Sighting]) -> list[Sighting]:
    """Equal contents made one. They have equal ids, which are cheaper to compare."""
    if len({sighting.id for sighting in sightings}) == len(sightings):
        return sightings
    known: dict[tuple[object, ...], Sighting] = {}
    for sighting in sightings:
        earlier = known.get(sighting.content)
        known[sighting.content] = same_scan(earlier, sighting) if earlier else sighting
    return list(known.values())


Selection = Callable[[list[Sighting]], Iterable[Sighting]]


def _union(sightings: list[Sighting], selections: Iterable[Selection]) -> list[Sighting]:
    by_content = sorted(sightings)
    kept = {id(sighting): sighting for select in selections for sighting in select(by_content)}
    return list(kept.values())


by_capture = attrgetter("captured_ms")
"""For sorting what is sorted by content: equal capture times keep that order."""


def _sample(size: int, contents_of: int) -> Selection:
    """One content of each of the `size` smallest ids; two of the first `contents_of`."""

    def select(by_content: list[Sighting]) -> Iterable[Sighting]:
        ids = contents = 0
        last: int | None = None
        for sighting in by_content:
            if sighting.id != last:
                if ids == size:
                    return
                ids, contents, last = ids + 1, 0, sighting.id
            contents += 1
            if contents == 1 or (contents == 2 and ids <= contents_of):
                yield sighting

    return select


def _ends(size: int, belongs: Callable[[Sighting], bool] | None = None) -> Selection:
    """The `size` earliest and the `size` latest captures among those that belong."""

    def select(by_content: list[Sighting]) -> Iterable[Sighting]:
        among = [s for s in by_content if belongs(s)] if belongs else by_content
        in_order = sorted(among, key=by_capture)
        return in_order if len(in_order) <= 2 * size else in_order[:size] + in_order[-size:]

    return select


def _first_of_each(size: int, group: Callable[[Sighting], int | str]) -> Selection:
    """The earliest capture of each of the `size` smallest non-empty groups."""

    def select(by_content: list[Sighting]) -> Iterable[Sighting]:
        first: dict[int | str, Sighting] = {}
        for sighting in by_content:
            key = group(sighting)
            if key and (key not in first or sighting.captured_ms < first[key].captured_ms):
                first[key] = sighting
        return [first[key] for key in sorted(first)[:size]]

    return select


_ISSUED_SELECTIONS: Final[tuple[Selection, ...]] = (
    _sample(SAMPLE, CONFLICTS),
    _ends(ENDS),
    _ends(ACT_ENDS, lambda sighting: sighting.act in _STATE_CHANGING),
    _ends(AUTHORISED_ENDS, lambda sighting: sighting.authorised),
    _first_of_each(SESSIONS, lambda sighting: sighting.session),
    _first_of_each(COUNTRIES, lambda sighting: sighting.country),
)
_DOUBTFUL_SELECTIONS: Final[tuple[Selection, ...]] = (
    _sample(DOUBTFUL_SAMPLE, 1),
    _ends(DOUBTFUL_ENDS),
)
