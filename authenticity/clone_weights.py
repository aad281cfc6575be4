"""The weights of `authenticity.clones`: data, written by the benchmark's `fit`.

Reviewed like code: docs/benchmark.md says how they were fitted and what they were measured
to do. Nats of each value of a feature, from 1 to its most, in the order of
`authenticity.features.FEATURES`.
"""

from typing import Final

VERSION: Final = "2026-11-24"
PROVENANCE: Final = (
    "fitted on seeds (101, 102, 103, 104), calibrated on (201, 202),"
    " 200,000 items each, 0.004 attacks an item weighed down to 0.0005,"
    " without before-sale"
)
BIAS: Final = 3.731
WEIGHTS: Final[tuple[tuple[float, ...], ...]] = (
    (-5.17, -5.7, -2.6, -3.3, -6.63),  # sessions
    (1.1, 1.85, 5.16, 7.56, 7.63),  # days
    (-0.99, -4.39, -7.34, -8.15),  # crowd
    (-0.91, -0.91, -0.91, -0.91),  # settled
    (0.36, 0.81, 0.81, 0.81),  # scattered
    (3.18, 4.53, 5.21, 5.64, 6.07),  # homes
    (0.68, 0.87, 1.37, 1.37, 1.37),  # away-attested
    (1.05, 1.61, 1.61, 1.61, 1.61),  # away-claimed
    (2.46, 3.96, 4.07),  # away-trusted
    (0.0, 0.0, 0.0, 0.0),  # strays-attested
    (0.0, 0.0, 0.0, 0.0),  # strays-claimed
    (0.0, 0.22, 0.75, 1.51),  # returns-attested
    (0.59, 0.59, 0.59, 0.59),  # returns-claimed
    (2.32, 3.8, 5.07),  # early-attested
    (5.26, 5.26, 5.26),  # early-claimed
    (1.14, 3.17, 3.22, 3.22),  # abroad-attested
    (1.62, 1.62, 1.62, 1.62),  # abroad-claimed
    (-0.36, -3.34, -6.67, -9.84),  # uncorroborated
    (-2.24, -3.41),  # jumping
    (10.01, 10.08),  # sold-again
    (9.5, 10.78),  # refused
    (-5.35,),  # official
)
CALIBRATION: Final[tuple[tuple[float, float], ...]] = (
    (-2.1, -2.1),
    (0.34, -0.13),
    (1.48, 0.74),
    (2.33, 1.96),
    (3.5, 3.44),
    (4.05, 5.08),
    (6.74, 6.36),
    (8.76, 9.78),
    (17.01, 10.07),
)
