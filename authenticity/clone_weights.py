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
BIAS: Final = 3.733
WEIGHTS: Final[tuple[tuple[float, ...], ...]] = (
    (-5.18, -5.73, -2.52, -2.81, -4.76),  # sessions
    (-1.0, -2.56, -3.96, -5.4),  # throng
    (1.1, 1.86, 5.39, 7.55, 7.81),  # days
    (-0.99, -3.92, -5.73, -6.24),  # crowd
    (-0.91, -0.91, -0.91, -0.91),  # settled
    (0.37, 0.83, 0.83, 0.83),  # scattered
    (3.02, 4.24, 4.8, 5.17, 5.54),  # homes
    (0.68, 0.88, 1.43, 1.43, 1.43),  # away-attested
    (1.06, 2.04, 2.04, 2.04, 2.04),  # away-claimed
    (2.46, 4.15, 4.42),  # away-trusted
    (0.0, 0.0, 0.0, 0.0),  # strays-attested
    (0.0, 0.0, 0.0, 0.0),  # strays-claimed
    (0.0, 0.27, 0.85, 1.55),  # returns-attested
    (0.59, 0.59, 0.59, 0.59),  # returns-claimed
    (2.33, 3.8, 5.06),  # early-attested
    (5.22, 5.22, 5.22),  # early-claimed
    (1.14, 3.16, 3.39, 3.39),  # abroad-attested
    (1.62, 1.83, 1.83, 1.83),  # abroad-claimed
    (-0.79, -4.01, -7.62, -11.08),  # uncorroborated
    (-2.25, -3.41),  # jumping
    (10.01, 10.08),  # sold-again
    (9.51, 10.85),  # refused
    (-5.36,),  # official
)
CALIBRATION: Final[tuple[tuple[float, float], ...]] = (
    (-2.1, -2.1),
    (0.34, -0.13),
    (1.48, 0.74),
    (2.51, 1.97),
    (3.69, 4.08),
    (4.26, 4.55),
    (6.74, 6.47),
    (8.76, 9.78),
    (17.25, 10.06),
)
