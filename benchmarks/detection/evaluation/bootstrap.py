"""Intervals of figures by resampling codes, from a generator with a fixed seed."""

import warnings
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

# scipy.stats is imported where it is used: that takes seconds.

ROUNDS: Final = 1_000
_SEED: Final = 20_260_101
_AT_ONCE: Final = 4_000_000
RULE_OF_THREE: Final = 3.0
"""Of none seen in n, at most 3/n (95 %)."""

Floats = NDArray[np.float64]


class Estimate(Struct, frozen=True):
    """A figure and its 95 % interval; all None where there is nothing to divide by."""

    value: float | None
    low: float | None
    high: float | None


UNKNOWN: Final = Estimate(None, None, None)


def generator() -> np.random.Generator:
    """The same numbers in every run."""
    return np.random.default_rng(_SEED)


def between(value: float, rounds: Floats) -> Estimate:
    """A value with the middle 95 % of what resampling gave."""
    usable = rounds[np.isfinite(rounds)]
    if not len(usable):
        return UNKNOWN
    low, high = np.quantile(usable, (0.025, 0.975))
    return Estimate(value, min(value, float(low)), max(value, float(high)))


def share_rounds(hits: Floats, among: Floats, draw: np.random.Generator) -> Floats:
    """sum(hits) / sum(among) in each round, rows drawn with replacement; NaN where 0/0."""
    rows = len(among)
    if rows < 2:  # every draw is the one row, and scipy refuses to resample it
        return np.full(ROUNDS, _share(hits, among) if rows else np.nan)
    from scipy.stats import DegenerateDataWarning, bootstrap

    with warnings.catch_warnings():
        # Rounds of 0/0 are NaN on purpose; scipy's own interval, which they spoil, is not used.
        warnings.simplefilter("ignore", DegenerateDataWarning)
        resampled = bootstrap(
            (hits, among), _share, n_resamples=ROUNDS, batch=max(1, _AT_ONCE // rows),
            paired=True, vectorized=True, method="percentile", random_state=draw,
        )  # fmt: skip
    return np.asarray(resampled.bootstrap_distribution)


def _share(hits: Floats, among: Floats, axis: int = -1) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(hits.sum(axis=axis) / among.sum(axis=axis))


def share(hits: Floats, among: Floats) -> Estimate:
    """sum(hits) / sum(among) with its interval."""
    total = float(among.sum())
    if not total:
        return UNKNOWN
    return between(float(hits.sum()) / total, share_rounds(hits, among, generator()))


def rate_rounds(events: int, among: float, draw: np.random.Generator) -> Floats:
    """events / among in each round, for events that are rare among very many rows.

    Drawing rows with replacement then makes their number Poisson distributed. Where none
    was seen every round would be 0, and the rule of three gives the upper end instead.
    """
    if not events:
        return np.linspace(0.0, RULE_OF_THREE / among / 0.975, ROUNDS)
    return draw.poisson(events, ROUNDS) / among


def rate(events: int, among: float, *, per: float = 1.0) -> Estimate:
    """events / among with its interval, in events per `per`."""
    if not among:
        return UNKNOWN
    return between(events / among * per, rate_rounds(events, among, generator()) * per)
