"""Curves over scores and probabilities: ROC where false alerts are rare, and calibration.

The partial area is ours: scikit-learn's `max_fpr` gives it in McClish's standardised form. So
is the calibration error: `calibration_curve` takes no weights.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct

# scikit-learn is imported where it is used: that takes a second.

FPR_LIMIT: Final = 5e-4
_EDGES: Final = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 1.001)
_EQUAL_BINS: Final = 15
SUSPICIOUS: Final = 0.01
NEAR_70: Final = (600, 800)
"""Thousandths: the probabilities that are checked against how often they were right."""

Point = tuple[float, float]
"""Share of honest codes above a threshold, share of copied ones."""


class Bin(Struct, frozen=True):
    """Codes whose probability lies in one interval: how many, the mean, and the truth."""

    codes: int
    said: float
    true: float


class Calibration(Struct, frozen=True):
    """`error`: expected calibration error over bins of equal mass. `error_suspicious`: the
    same over codes from 1 % on product, for nearly all codes lie far below."""

    codes: int
    brier: float
    error: float
    error_suspicious: float | None
    bins: tuple[Bin, ...]


def roc(honest: Counter[float], copied: Counter[float]) -> list[Point]:
    """From (0, 0) to (1, 1), one point for each score, the most suspicious first."""
    from sklearn.metrics import roc_curve

    if not honest.total() or not copied.total():
        return [(0.0, 0.0)]
    false_rates, recalls, _ = roc_curve(
        np.repeat((False, True), (len(honest), len(copied))),
        np.array([*honest, *copied]),
        sample_weight=np.array([*honest.values(), *copied.values()]),
        drop_intermediate=False,
    )
    return list(zip(false_rates.tolist(), recalls.tolist(), strict=True))


def partial_area(points: Sequence[Point], limit: float = FPR_LIMIT) -> float:
    """Area under the curve up to a false positive rate, as a share of the best possible."""
    area = 0.0
    for (x, y), (next_x, next_y) in pairwise(points):
        if x >= limit:
            break
        end = min(next_x, limit)
        at_end = y + (next_y - y) * (end - x) / (next_x - x) if next_x > x else next_y
        area += (end - x) * (y + at_end) / 2
    return area / limit


def false_rate_at(points: Sequence[Point], recall: float) -> float | None:
    """The least false positive rate at which this recall is reached by a threshold."""
    return next((x for x, y in points if y >= recall - 1e-12 and y > 0), None)


def calibration(counts: Counter[tuple[int, bool]]) -> Calibration | None:
    """Of codes by (probability in thousandths, copied); None without any."""
    from sklearn.metrics import brier_score_loss

    codes = counts.total()
    if not codes:
        return None
    brier = brier_score_loss(
        [truth for _, truth in counts],
        [p / 1000 for p, _ in counts],
        sample_weight=list(counts.values()),
        pos_label=True,
    )
    suspicious = Counter({k: n for k, n in counts.items() if k[0] >= SUSPICIOUS * 1000})
    bins = tuple(
        _bin([(p, truth, n) for (p, truth), n in counts.items() if low <= p / 1000 < high])
        for low, high in pairwise(_EDGES)
    )
    return Calibration(
        codes,
        brier,
        _equal_mass_error(counts),
        _equal_mass_error(suspicious) if suspicious else None,
        tuple(each for each in bins if each.codes),
    )


Row = tuple[int, bool, float]


def _equal_mass_error(counts: Counter[tuple[int, bool]]) -> float:
    """Codes of one probability may fall into two bins, and are shared out there."""
    total = counts.total()
    size = total / _EQUAL_BINS
    error, bins, room = 0.0, [list[Row]()], size
    for (p, truth), n in _mixed(counts):
        left = float(n)
        while left > 1e-9:
            taken = min(left, room)
            bins[-1].append((p, truth, taken))
            left -= taken
            room -= taken
            if room <= 1e-9:
                bins.append([])
                room = size
    for rows in bins:
        mass = sum(n for _, _, n in rows)
        said = sum(p / 1000 * n for p, _, n in rows)
        true = sum(n for _, truth, n in rows if truth)
        error += abs(said - true) if mass else 0.0
    return error / total


def _mixed(counts: Counter[tuple[int, bool]]) -> list[tuple[tuple[int, bool], float]]:
    """By probability; where honest and copied codes share one, in small alternating parts."""
    parts: list[tuple[tuple[int, bool], float]] = []
    for p in sorted({p for p, _ in counts}):
        for _ in range(_EQUAL_BINS):
            parts += [((p, truth), counts[p, truth] / _EQUAL_BINS) for truth in (False, True)]
    return [(key, n) for key, n in parts if n]


def _bin(rows: Sequence[Row]) -> Bin:
    codes = sum(n for _, _, n in rows)
    if not codes:
        return Bin(0, 0.0, 0.0)
    said = sum(p / 1000 * n for p, _, n in rows) / codes
    return Bin(int(codes), said, sum(n for _, truth, n in rows if truth) / codes)
