"""The weights of `authenticity.detection.score`, read from `weights.json` beside this module.

They are data, written by `python -m benchmarks.detection.training.fit` and reviewed like
code: docs/reference/detection-benchmark.md says how they were fitted and what they were
measured to do.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import combinations, pairwise
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from authenticity.detection.features import FEATURES, Feature

WEIGHTS_FILE: Final = "weights.json"


class Weights(Struct, frozen=True, forbid_unknown_fields=True):
    """Nats added by each value of a feature, from 1 to its maximum, on top of `bias`.

    `pairs`: by the names of two features, in the order of the table and with "+" between, what
    their values add beside that, a row for each value of the first. `calibration`: knots from
    the sum to a log-likelihood ratio, both rising. `journey`: the ratio of what one item can
    have undergone, not above 0. `provenance` says what the weights were fitted on.
    """

    version: str
    provenance: str
    bias: float
    weights: Mapping[str, tuple[float, ...]]
    pairs: Mapping[str, tuple[tuple[float, ...], ...]]
    calibration: Annotated[tuple[tuple[float, float], ...], Meta(min_length=1)]
    journey: Annotated[float, Meta(le=0)]


def read_weights(raw: bytes, features: Sequence[Feature] = FEATURES) -> Weights:
    """The weights in this JSON. Raises `ValueError` where they do not fit the features."""
    try:
        weights = msgspec.json.decode(raw, type=Weights)
    except msgspec.DecodeError as error:
        raise ValueError(f"{WEIGHTS_FILE}: {error}") from None
    expected = {feature.name: feature.maximum for feature in features}
    if {name: len(given) for name, given in weights.weights.items()} != expected:
        raise ValueError(f"{WEIGHTS_FILE} has not one weight for each value of each feature")
    shapes = {
        f"{one.name}+{other.name}": {(one.maximum, other.maximum)}
        for one, other in combinations(features, 2)
    }
    for pair, rows in weights.pairs.items():
        if {(len(rows), len(row)) for row in rows} != shapes.get(pair):
            raise ValueError(f"{WEIGHTS_FILE} has not one weight for each two values of {pair}")
    for (score, nats), (next_score, next_nats) in pairwise(weights.calibration):
        if next_score <= score or next_nats < nats:
            raise ValueError(f"{WEIGHTS_FILE}: the calibration falls after {score}")
    return weights


WEIGHTS: Final = read_weights(files(__package__).joinpath(WEIGHTS_FILE).read_bytes())
