"""All codes of a world as the offline reference compares them: figures, and how usual they are.

Of each code: its own figures, what else was scanned of its batch where it was, and its place
among the codes of its batch and its product. Scans of later codes are used too: the reference
looks back from the end.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import nan
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from authenticity.gs1.item import ItemId
from authenticity.history.observation import DEGREE_PARTS
from benchmarks.detection.dataset import Example
from benchmarks.detection.evaluation.counts import is_out_of_place
from benchmarks.detection.evaluation.reference_features import code_features
from benchmarks.detection.evaluation.reference_scans import CodeScans, scans_of

# scipy is imported where it is used: that takes seconds.

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

_COMPARED: Final = (
    "anonymous", "sessions", "networks", "days", "countries", "places", "known",
    "span, days", "gap, h 50 %", "places apart, km 100 %", "outside", "place changes",
)  # fmt: skip
"""Figures whose usual size in batch and product is told."""


class CodeRow(NamedTuple):
    """One code: figures by name, then what is for labels and scores alone.

    `is_honest`: nobody attacks it, and none of its scans is of an attacked pack.
    """

    item: ItemId
    batch: str
    product: str
    figures: dict[str, float]
    is_copied: bool
    is_honest: bool


@dataclass(frozen=True, slots=True)
class CodeTable:
    """Codes of one world as columns: `values` has a row for each code, float32.

    `is_compared` are codes with two scans or more; of the others nothing can be said.
    """

    items: tuple[ItemId, ...]
    names: tuple[str, ...]
    values: Floats
    is_compared: Flags
    is_copied: Flags
    is_honest: Flags


@dataclass(frozen=True, slots=True)
class TablePart:
    """The rows of whole batches, in a form that travels between processes."""

    items: tuple[ItemId, ...]
    names: tuple[str, ...]
    values: Floats
    batches: tuple[str, ...]
    products: tuple[str, ...]
    is_copied: Flags
    is_honest: Flags


def part_of(examples: Sequence[Example]) -> TablePart:
    """The rows of these codes, which must be all of some batches."""
    rows = [row for some in _by_batch(examples) for row in _rows_of(some)]
    names = tuple(rows[0].figures) if rows else ()
    return TablePart(
        tuple(row.item for row in rows),
        names,
        np.array([[*row.figures.values()] for row in rows], np.float32).reshape(
            len(rows), len(names)
        ),
        tuple(row.batch for row in rows),
        tuple(row.product for row in rows),
        np.array([row.is_copied for row in rows], np.bool_),
        np.array([row.is_honest for row in rows], np.bool_),
    )


def table_of(parts: Iterable[TablePart]) -> CodeTable:
    """One world, whose parts these are, with what is usual in each batch and product."""
    parts = [part for part in parts if part.items]
    if not parts:
        nothing = np.zeros(0, np.bool_)
        return CodeTable((), (), np.zeros((0, 0), np.float32), nothing, nothing, nothing)
    names = parts[0].names
    values = np.concatenate([part.values for part in parts])
    seen = values[:, names.index("anonymous")] > 0
    columns = [names.index(name) for name in _COMPARED]
    sizes = np.log1p(np.nan_to_num(values[:, columns]))
    usual, more = [values], list(names)
    for group in ("batch", "product"):
        of_codes = [batch for part in parts for batch in _groups(part, group)]
        usual.append(_usual(sizes, seen, of_codes))
        more += [
            f"{name}, {how} {group}"
            for how in ("mean of", "above", "rank in")
            for name in _COMPARED
        ]
    return CodeTable(
        tuple(item for part in parts for item in part.items),
        tuple(more),
        np.concatenate(usual, axis=1),
        values[:, names.index("scans")] > 1,
        np.concatenate([part.is_copied for part in parts]),
        np.concatenate([part.is_honest for part in parts]),
    )


def _groups(part: TablePart, group: str) -> tuple[str, ...]:
    return part.batches if group == "batch" else part.products


def _by_batch(examples: Sequence[Example]) -> Iterator[list[Example]]:
    ordered = sorted(examples, key=lambda each: (each.batch.batch_id, each.item))
    for _, some in groupby(ordered, key=lambda each: each.batch.batch_id):
        yield list(some)


def _rows_of(batch: Sequence[Example]) -> Iterator[CodeRow]:
    scans = [scans_of(example) for example in batch]
    shared = _Shared(scans)
    for example, of_code in zip(batch, scans, strict=True):
        yield CodeRow(
            example.item,
            example.batch.batch_id,
            example.batch.gtin,
            code_features(of_code) | shared.figures(of_code),
            example.copied,
            example.attack is None and not is_out_of_place(example),
        )


class _Shared:
    """What codes of one batch have in common: countries, regions, networks, devices, cases."""

    def __init__(self, batch: Sequence[CodeScans]) -> None:
        seen = [scans for scans in batch if scans.anonymous]
        self._spread = [scans for scans in seen if len(scans.places) > 1]
        self._seen_codes = len(seen)
        self._seen = {name: _counted(seen, marks) for name, marks in _MARKS.items()}
        self._far = {name: _counted(self._spread, marks) for name, marks in _MARKS.items()}
        self._cases = _counted(batch, _readings)
        self._cases_seen = _counted(seen, _readings)
        self._cases_far = _counted(self._spread, _readings)

    def figures(self, scans: CodeScans) -> dict[str, float]:
        """Of other codes alone: how many share each mark of this one; of `spread` ones, which
        were scanned in two places or more, as well."""
        is_seen, is_spread = bool(scans.anonymous), len(scans.places) > 1
        others = self._seen_codes - is_seen
        found: dict[str, float] = {
            "batch: others": others,
            "batch: spread others": len(self._spread) - is_spread,
        }
        for name, marks in _MARKS.items():
            mine = marks(scans)
            shared = [float(self._seen[name][mark] - is_seen) for mark in mine] or [nan]
            far = [float(self._far[name][mark] - is_spread) for mark in mine] or [nan]
            found |= {
                f"batch: rarest {name}": min(shared),
                f"batch: rarest {name}, share": min(shared) / others if others else nan,
                f"batch: mean {name}": sum(shared) / len(shared),
                f"batch: commonest {name}": max(shared),
                f"batch: spread, rarest {name}": min(far),
                f"batch: spread, commonest {name}": max(far),
            }
        case = min(_readings(scans), key=lambda key: (self._cases[key], key), default=None)
        mates = self._cases[case] - 1 if case else nan
        seen = self._cases_seen[case] - is_seen if case else nan
        far_mates = self._cases_far[case] - is_spread if case else nan
        return found | {"case: others": mates, "case: seen": seen, "case: spread": far_mates}


def _counted(
    codes: Iterable[CodeScans], marks: Callable[[CodeScans], set[Hashable]]
) -> Counter[Hashable]:
    return Counter(mark for scans in codes for mark in marks(scans))


def _readings(scans: CodeScans) -> set[Hashable]:
    """Who read it and when in the maker's chain: packs of one case were read together."""
    return {(scan.actor, scan.captured_ms) for scan in scans.chain}


def _regions(scans: CodeScans) -> set[Hashable]:
    """Squares of a degree in which the service places its scans."""
    return {(s.lat // DEGREE_PARTS, s.lon // DEGREE_PARTS) for s, _ in scans.spots}


_MARKS: Final[dict[str, Callable[[CodeScans], set[Hashable]]]] = {
    "country": lambda scans: {scan.country for scan in scans.anonymous if scan.country},
    "region": _regions,
    "network": lambda scans: {scan.network for scan in scans.anonymous if scan.network},
    "device": lambda scans: {scan.session for scan in scans.anonymous},
}


def _usual(sizes: Floats, seen: Flags, groups: Sequence[str]) -> Floats:
    """For each row: the mean of the others in its group, by how much it is above it, and its
    rank from 0 to 1 among all of the group. NaN for codes that nobody scanned anonymously."""
    from scipy.stats import rankdata

    _, number = np.unique(np.array(groups), return_inverse=True)
    columns = sizes.shape[1]
    found = np.full((len(sizes), 3 * columns), np.nan, np.float32)
    order = np.argsort(number, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(number[order])) + 1):
        rows = rows[seen[rows]]
        if len(rows) < 2:
            continue
        some = sizes[rows]
        mean = (some.sum(axis=0) - some) / (len(rows) - 1)
        rank = (rankdata(some, axis=0) - 1) / (len(rows) - 1)
        found[rows] = np.concatenate([mean, some - mean, rank], axis=1)
    return found
