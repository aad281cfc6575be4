"""Calibration by a monotone curve: what a score should have been, given what was copied."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

# scipy is imported where it is used: that takes a second.

Array = NDArray[np.float64]
Knot = tuple[float, float]
_BINS: Final = 13


def calibrated(score: Array, copied: Array, weight: Array, offset: Array) -> list[Knot]:
    """Knots (score, nats) that never fall: what the nats should have been, beside `offset`.

    Isotonic regression over bins that hold equally many copied ones (pool adjacent
    violators), with half an item added to both sides so that no bin is certain. Not by
    scikit-learn's `IsotonicRegression`: pools are fitted anew beside the offset, not averaged.
    """
    edges = np.unique(np.quantile(score[copied > 0], np.linspace(0, 1, _BINS)))
    bins = np.digitize(score, edges[1:-1])
    pooled = [bins == number for number in range(len(edges) - 1) if (bins == number).any()]
    nats = [nats_of(copied[here], weight[here], offset[here]) for here in pooled]
    number = 1
    while number < len(pooled):
        if nats[number - 1] >= nats[number]:
            here = pooled[number - 1] | pooled[number]
            pooled[number - 1 : number + 1] = [here]
            nats[number - 1 : number + 1] = [nats_of(copied[here], weight[here], offset[here])]
            number = max(1, number - 1)
        else:
            number += 1
    middles = [float(np.median(score[here & (copied > 0)])) for here in pooled]
    return [(round(at, 2), round(of, 2)) for at, of in zip(middles, nats, strict=True)]


def nats_of(copied: Array, weight: Array, offset: Array) -> float:
    """The nats at which the expected number of copied items is the number that was seen."""
    from scipy.optimize import brentq
    from scipy.special import expit

    half = 0.5 * weight.min()
    wanted = (weight * copied).sum() + half

    def excess(nats: float) -> float:
        return float((weight * expit(nats + offset)).sum() + 2 * half * expit(nats) - wanted)

    return float(brentq(excess, -30.0, 30.0, xtol=1e-4))


def through(knots: Sequence[Knot], score: Array) -> Array:
    """Straight between the knots, parallel to the diagonal beyond them (see
    `authenticity.detection.score`)."""
    at, nats = np.array(knots).T
    beyond = np.clip(score - at[-1], 0, None) + np.clip(score - at[0], None, 0)
    return np.asarray(np.interp(score, at, nats) + beyond)
