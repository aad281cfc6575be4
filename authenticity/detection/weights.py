"""The weights of `authenticity.detection.score`: data, written by `fit`.

Reviewed like code: docs/benchmark.md says how they were fitted and what they were measured
to do. Nats of each value of a feature, from 1 to its most, in the order of
`authenticity.detection.features.FEATURES`.
"""

from typing import Final

VERSION: Final = "2026-11-24"
PROVENANCE: Final = (
    "fitted on seeds (101, 102, 103, 104), calibrated on (201, 202),"
    " 200,000 items each, 0.004 attacks an item weighed down to 0.0005,"
    " without before-sale"
)
BIAS: Final = 4.559
WEIGHTS: Final[tuple[tuple[float, ...], ...]] = (
    (-5.89, -5.22, -1.5, -0.95, -2.62),  # sessions
    (-0.76, -2.13, -3.73, -4.87),  # throng
    (-1.87, -1.96, -1.32, -0.12, 0.2),  # days
    (-1.28, -4.52, -6.86, -7.44),  # crowd
    (0.17, 1.18, 5.0, 4.89, 5.03, 5.47),  # span
    (0.0, 0.0, 0.0, 0.57, 1.18),  # aged
    (0.27, 1.34, 0.3, -1.14),  # recorded
    (-0.5, -0.5, -0.5, -0.5),  # settled
    (0.0, 1.14, 1.14, 1.14),  # scattered
    (2.89, 4.03, 4.64, 4.95, 5.27),  # homes
    (0.0, 0.0, 0.0, 0.0, 0.0),  # away-attested
    (0.0, 0.0, 0.0, 0.0, 0.0),  # away-claimed
    (2.72, 3.97, 4.27),  # away-trusted
    (0.0, 0.0, 0.0, 0.0),  # strays-attested
    (0.0, 0.0, 0.0, 0.0),  # strays-claimed
    (0.0, 0.28, 0.93, 1.67),  # returns-attested
    (0.6, 0.6, 0.64, 0.75),  # returns-claimed
    (2.43, 3.97, 5.64),  # early-attested
    (5.52, 5.52, 5.52),  # early-claimed
    (2.02, 4.34, 4.47, 4.47),  # abroad-attested
    (3.4, 3.4, 3.4, 3.4),  # abroad-claimed
    (-0.93, -4.37, -7.89, -11.29),  # uncorroborated
    (-2.62, -3.78),  # jumping
    (10.57, 10.6),  # sold-again
    (7.8, 9.7),  # refused
    (-5.56,),  # official
)
CALIBRATION: Final[tuple[tuple[float, float], ...]] = (
    (-0.44, -2.27),
    (2.47, 1.33),
    (3.85, 4.06),
    (4.86, 4.85),
    (5.66, 5.33),
    (6.81, 6.42),
    (9.4, 7.42),
    (12.41, 10.77),
)
