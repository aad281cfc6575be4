"""The weights of `authenticity.clones`: data, written by `python -m benchmarks.detection.fit`.

Reviewed like code: see docs/benchmark.md for how they were fitted and what they were
measured to do. Nats of each value of a feature, from 1 to its most, in the order of `authenticity.features.FEATURES`.
"""

from typing import Final

VERSION: Final = "unfitted"
PROVENANCE: Final = "by hand, until fitted"
BIAS: Final = 0.0
WEIGHTS: Final[tuple[tuple[float, ...], ...]] = (
    (0.0,) * 5, (0.0,) * 5, (0.0,) * 4, (-0.5,) * 4, (0.5, 1.0, 1.5, 2.0, 2.5),
    (1.0, 3.0, 5.0, 6.0, 7.0), (1.0, 1.5, 2.0, 2.0, 2.0), (2.0, 4.0, 4.0),
    (1.0, 3.0, 4.0, 4.0), (5.0, 6.0, 6.0, 6.0), (0.5, 1.0, 1.0, 1.0), (1.0, 1.5, 1.5, 1.5),
    (1.0, 3.0, 3.0), (1.5, 2.0, 2.0), (0.5, 1.0, 1.0, 1.0), (0.3, 0.5, 0.5, 0.5),
    (-1.0, -2.0, -3.0, -4.0), (-1.0, -2.0), (4.0, 5.0), (0.0,),
)  # fmt: skip
CALIBRATION: Final[tuple[tuple[float, float], ...]] = ((0.0, 0.0), (1.0, 1.0))
