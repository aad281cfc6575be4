"""Logistic regression on steps held to their signs, and calibration by a monotone curve."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# scipy is imported where it is used: that takes a second.

Array = NDArray[np.float64]
Knot = tuple[float, float]


def steps_of(features: Array, most: Sequence[int]) -> Array:
    """One column for each step of each feature: whether its value is at least that."""
    columns = [
        features[:, number] >= value for number, of in enumerate(most) for value in range(1, of + 1)
    ]
    return np.array(columns, dtype=np.float64).T


def tables_of(steps: Array, most: Sequence[int]) -> list[tuple[float, ...]]:
    """The nats of each value of each feature: its steps added up."""
    tables, begin = [], 0
    for of in most:
        tables.append(tuple(round(float(n), 2) for n in np.cumsum(steps[begin : begin + of])))
        begin += of
    return tables


def fitted(
    steps: Array,
    copied: Array,
    weight: Array,
    offset: Array,
    *,
    signs: Sequence[int],
    ridge: float,
) -> Array:
    """Steps and, last, the bias, in nats beside `offset`, the log-odds known beforehand.

    `signs`: 1 for no step below zero, -1 for none above, 0 for either. Solved by scipy's
    L-BFGS-B, because scikit-learn's `LogisticRegression` has neither bounds nor an offset.
    """
    from scipy.optimize import Bounds, minimize
    from scipy.special import expit

    distinct, where = np.unique(np.column_stack([steps, offset]), axis=0, return_inverse=True)
    positive = np.bincount(where, weight * copied, len(distinct))
    total = np.bincount(where, weight, len(distinct))
    known = distinct[:, -1]
    design = np.column_stack([distinct[:, :-1], np.ones(len(distinct))])
    least = np.array([*(0.0 if sign > 0 else -np.inf for sign in signs), -np.inf])
    highest = np.array([*(0.0 if sign < 0 else np.inf for sign in signs), np.inf])
    shrink = np.full(design.shape[1], ridge)
    shrink[-1] = 1e-6

    def loss(beta: Array) -> tuple[float, Array]:
        score = design @ beta + known
        misfit = total * np.logaddexp(0, score) - positive * score
        slope = design.T @ (total * expit(score) - positive) + shrink * beta
        return float(misfit.sum() + 0.5 * (shrink * beta * beta).sum()), slope

    found = minimize(
        loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B",
        bounds=Bounds(least, highest), options={"maxiter": 20_000, "maxfun": 50_000,
                                                "ftol": 1e-15, "gtol": 1e-8},
    )  # fmt: skip
    return np.asarray(found.x)


def calibrated(score: Array, copied: Array, weight: Array, offset: Array) -> list[Knot]:
    """Knots (score, nats) that never fall: what the nats should have been, beside `offset`.

    Isotonic regression over bins that hold equally many copied ones (pool adjacent
    violators), with half an item added to both sides so that no bin is certain. Not by
    scikit-learn's `IsotonicRegression`: pools are fitted anew beside the offset, not averaged.
    """
    edges = np.unique(np.quantile(score[copied > 0], np.linspace(0, 1, 13)))
    bins = np.digitize(score, edges[1:-1])
    pooled = [bins == number for number in range(len(edges) - 1) if (bins == number).any()]
    nats = [_nats_of(copied[here], weight[here], offset[here]) for here in pooled]
    number = 1
    while number < len(pooled):
        if nats[number - 1] >= nats[number]:
            here = pooled[number - 1] | pooled[number]
            pooled[number - 1 : number + 1] = [here]
            nats[number - 1 : number + 1] = [_nats_of(copied[here], weight[here], offset[here])]
            number = max(1, number - 1)
        else:
            number += 1
    middles = [float(np.median(score[here & (copied > 0)])) for here in pooled]
    return [(round(at, 2), round(of, 2)) for at, of in zip(middles, nats, strict=True)]


def _nats_of(copied: Array, weight: Array, offset: Array) -> float:
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


def signs_of_steps(signs: Sequence[int], most: Sequence[int]) -> list[int]:
    """The sign of each column of `steps_of`, by that of its feature."""
    return [sign for sign, of in zip(signs, most, strict=True) for _ in range(of)]
