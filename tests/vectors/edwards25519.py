"""Just enough arithmetic to make hostile Ed25519 signatures (RFC 8032, section 5.1).

Slow, not constant-time, for test vectors alone.
"""

from hashlib import sha512
from typing import Final

P: Final = 2**255 - 19
L: Final = 2**252 + 27742317777372353535851937790883648493
D: Final = -121665 * pow(121666, -1, P) % P

Point = tuple[int, int]
IDENTITY: Final[Point] = (0, 1)


def add(a: Point, b: Point) -> Point:
    """The complete addition law, in affine coordinates."""
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P
    return x, y


def times(factor: int, point: Point) -> Point:
    """Doubling and adding."""
    total = IDENTITY
    while factor:
        if factor & 1:
            total = add(total, point)
        point = add(point, point)
        factor >>= 1
    return total


def encode(point: Point) -> bytes:
    """The canonical 32 bytes."""
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(encoded: bytes) -> Point | None:
    """The point, from any encoding, canonical or not; None off the curve."""
    number = int.from_bytes(encoded, "little")
    y = (number & (2**255 - 1)) % P
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P:
        return None
    return (P - x if x & 1 != number >> 255 else x), y


_BASE_Y: Final = 4 * pow(5, -1, P) % P
_base = decode(_BASE_Y.to_bytes(32, "little"))
assert _base is not None
BASE: Final[Point] = _base


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    """k of RFC 8032, section 5.1.7, modulo L."""
    return int.from_bytes(sha512(r + key + message).digest(), "little") % L


def clamped(seed: bytes) -> int:
    """The secret scalar of a seed."""
    head = int.from_bytes(sha512(seed).digest()[:32], "little")
    return head & (2**254 - 8) | 2**254


def point_of_order_8() -> Point:
    """What is left of a point when its part of order L is taken away."""
    for y in range(2, 100):
        point = decode(y.to_bytes(32, "little"))
        if point is not None:
            left = times(L, point)
            if times(4, left) != IDENTITY:
                return left
    raise AssertionError("half of all points have a component of order 8")
