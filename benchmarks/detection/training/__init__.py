"""Fits the weights of `authenticity.detection.score` on drawn worlds.

Run `python -m benchmarks.detection.training.fit`. `states` holds what is learned from,
`boosting` and `calibration` the numerical parts.
"""
