"""Serials, so small that a record carries them: a filter, not a list.

A xor filter (Graf & Lemire, "Xor Filters", ACM JEA 2020) with 32-bit fingerprints: some
39.4 bits a serial. What it was built from it never denies; of other serials it takes one
in 4,294,967,296 for its own. The serials cannot be read back from it.

```
offset  bytes
     0      1  seed: the salt of BLAKE2b under which the filter could be built, the least
     1      1  bits of a fingerprint: 32, or 0 for the 10 bits of version 0.1.0
     2      3  how many serials, big endian, n
     5    ...  3 * segment(n) fingerprints, least significant bit first, padded with 0
```

Filters of 10 bits, which take one serial in 1,024 for their own, are read and not built.

The same serials give the same bytes, in whatever order they come.
"""

import struct
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from authenticity.errors import BatchError
from authenticity.limits import LIMITS

FINGERPRINT_BITS: Final = 32
_HEAD_BYTES: Final = 5
_BITS: Final = {FINGERPRINT_BITS: FINGERPRINT_BITS, 0: 10}
_SEEDS: Final = 256
_WORD: Final = 0xFFFFFFFF


def build_filter(serials: Iterable[str]) -> bytes | None:
    """The filter of these (decoded) serials for a batch's header; None if there are more than
    `LIMITS.batch_filter_serials`: such a batch has parts (`authenticity.records.serial_parts`).

    Raises `ValueError` without a serial.
    """
    distinct = set(serials)
    if not distinct:
        raise ValueError("no serials")
    return filter_of(distinct) if len(distinct) <= LIMITS.batch_filter_serials else None


def filter_of(serials: Iterable[str]) -> bytes:
    """The filter of these (decoded) serials, however many; of none, one that denies all."""
    distinct = sorted(set(serials))
    for seed in range(_SEEDS):  # the first one does, all but always
        if (slots := _slots(distinct, seed)) is not None:
            head = bytes((seed, FINGERPRINT_BITS)) + len(distinct).to_bytes(3, "big")
            return head + struct.pack(f"<{len(slots)}I", *slots)
    raise RuntimeError("no seed builds the filter: BLAKE2b is broken")


def may_hold(serials: bytes, serial: str) -> bool:
    """False: it was surely not built from this serial. True for one in 2^32 others too,
    and for one in 1,024 with a filter of version 0.1.0.

    The caller owes a filter that `check_filter` accepts.
    """
    bits = _BITS[serials[1]]
    one, two, three, fingerprint = _places(serial, serials[:1], _segment(serials_in(serials)))
    for slot in (one, two, three):
        bit = slot * bits
        start = _HEAD_BYTES + (bit >> 3)
        fingerprint ^= int.from_bytes(serials[start : start + 4], "little") >> (bit & 7)
    return not fingerprint & ((1 << bits) - 1)


def bits_a_serial(serials: bytes) -> int:
    """The bits of a fingerprint: of other serials one in two to this power passes."""
    return _BITS[serials[1]]


def is_exact(serials: bytes) -> bool:
    """Whether it takes no more than one in 2^32 of other serials for its own."""
    return bits_a_serial(serials) >= FINGERPRINT_BITS


def serials_in(serials: bytes) -> int:
    """How many serials the filter says that it holds."""
    return int.from_bytes(serials[2:_HEAD_BYTES], "big")


def check_filter(serials: bytes, count: int, *, most: int = LIMITS.batch_filter_serials) -> None:
    """Refuse bytes that are no filter of `count` serials, or of more than `most`; whether of
    the right ones, nobody can see. Raises `BatchError`."""
    if len(serials) < _HEAD_BYTES:
        raise BatchError(f"serials: a filter of {len(serials)} bytes has no head")
    bits_each = _BITS.get(serials[1])
    if bits_each is None:
        raise BatchError(f"serials: a filter with fingerprints of {serials[1]} bits is not known")
    held = serials_in(serials)
    if held != count:
        raise BatchError(f"serials: the filter holds {held:,} serials, the batch {count:,}")
    if held > most:
        raise BatchError(f"serials: the filter holds {held:,} serials; the limit is {most:,}")
    bits = 3 * _segment(held) * bits_each
    if len(serials) != _HEAD_BYTES + -(-bits // 8):
        raise BatchError(f"serials: {len(serials):,} bytes are no filter of {held:,} serials")
    if bits % 8 and serials[-1] >> bits % 8:
        raise BatchError("serials: the filter's padding is not empty")


def _segment(count: int) -> int:
    """A third of the slots: 1.23 for each serial in all, and some more for few."""
    return (count * 123 // 100 + 32) // 3 + 1


def _places(serial: str, seed: bytes, segment: int) -> tuple[int, int, int, int]:
    """A slot in each third, and the fingerprint."""
    digest = blake2b(serial.encode(), digest_size=16, salt=seed).digest()
    number = int.from_bytes(digest, "little")
    return (
        (number & _WORD) * segment >> 32,
        ((number >> 32 & _WORD) * segment >> 32) + segment,
        ((number >> 64 & _WORD) * segment >> 32) + 2 * segment,
        number >> 96,
    )


def _slots(serials: list[str], seed: int) -> list[int] | None:
    """The fingerprints of all slots, or None if no order of removal exists under this seed.

    1. Note in each slot how many serials are in it, and the xor of their numbers.
    2. Take away, again and again, a serial that is alone in one of its slots.
    3. Backwards, set that slot so that the xor of all three is the fingerprint.
    """
    segment, salt = _segment(len(serials)), bytes((seed,))
    places = [_places(serial, salt, segment) for serial in serials]
    held, numbers = [0] * (3 * segment), [0] * (3 * segment)
    for number, (one, two, three, _) in enumerate(places):
        for slot in (one, two, three):
            held[slot] += 1
            numbers[slot] ^= number
    alone = [slot for slot, count in enumerate(held) if count == 1]
    taken: list[tuple[int, int]] = []
    while alone:
        own = alone.pop()
        if held[own] != 1:
            continue
        number = numbers[own]
        taken.append((own, number))
        for slot in places[number][:3]:
            held[slot] -= 1
            numbers[slot] ^= number
            if held[slot] == 1:
                alone.append(slot)
    if len(taken) < len(serials):
        return None
    slots = [0] * (3 * segment)
    for own, number in reversed(taken):
        one, two, three, fingerprint = places[number]
        slots[own] = fingerprint ^ slots[one] ^ slots[two] ^ slots[three]
    return slots
