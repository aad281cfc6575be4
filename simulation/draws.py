"""The random numbers: one stream for each thing, all from the seed.

Every item draws from a stream of its own, so that items can be made in any order, in
any process, and a new attack family does not change what the others do.
"""

from hashlib import blake2b
from math import exp, log
from random import Random


def stream_of(seed: int, *path: str | int | float) -> Random:
    """The numbers that belong to this path, the same on every machine. No secrets."""
    name = "/".join(map(str, (seed, *path))).encode()
    return Random(int.from_bytes(blake2b(name, digest_size=16).digest(), "big"))  # noqa: S311


def digest_of(seed: int, *path: str | int) -> str:
    """32 hex digits that belong to this path, for ids that must tell nothing."""
    return blake2b("/".join(map(str, (seed, *path))).encode(), digest_size=16).hexdigest()


def stamp_of(seed: int, *path: str | int | float) -> str:
    """16 hex digits: a hash of this path under a secret that follows from the seed, as a
    service stamps sessions, networks and selections under the installation's."""
    name = "/".join(map(str, path)).encode()
    return blake2b(name, digest_size=8, key=f"secret/{seed}".encode()).hexdigest()


def lognormal(draw: Random, median: float, sigma: float) -> float:
    """Half of the draws are below `median`; `sigma` is the deviation of the logarithm."""
    return median * exp(draw.gauss(0.0, sigma))


def log_uniform(draw: Random, least: float, most: float) -> float:
    """Each order of magnitude as likely as the others."""
    return least * exp(draw.random() * log(max(least, most) / least))
