"""The weights of `authenticity.clones`: data, written by `python -m benchmarks.detection.fit`.

Reviewed like code: see docs/benchmark.md for how they were fitted and what they were
measured to do. Nats for each unit of a feature, in the order of `authenticity.features.FEATURES`.
"""

from typing import Final

VERSION: Final = "unfitted"
PROVENANCE: Final = "by hand, until fitted"
BIAS: Final = 0.0
WEIGHTS: Final[tuple[float, ...]] = (
    0.0, 2.0, 1.0, 1.0, 5.0, 2.0, 1.5, 0.5, -0.5, 0.0, 0.0, 1.5, 0.5, -0.5, 4.0, 0.0, 3.0,
)  # fmt: skip
CALIBRATION: Final[tuple[tuple[float, float], ...]] = ((0.0, 0.0), (1.0, 1.0))
