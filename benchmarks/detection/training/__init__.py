"""Fits the weights of `authenticity.detection.score` on simulated worlds.

Run `python -m benchmarks.detection.training.fit`. `regression` holds the numerical part.
"""
