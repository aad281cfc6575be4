"""Shares, their log-odds in nats, and how a probability is published."""

from functools import lru_cache
from math import exp, log
from typing import Final

_SUREST: Final = 0.99


@lru_cache(maxsize=64)
def log_odds(share: float) -> float:
    """The log-odds, in nats, of a share above 0 and below 1."""
    return log(share / (1 - share))


def chance(odds: float) -> float:
    """Inverse of `log_odds`."""
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0


def published_probability(probability: float) -> float:
    """In hundredths, and never certain: an alert is not published anew with every scan."""
    return min(_SUREST, round(probability, 2))
