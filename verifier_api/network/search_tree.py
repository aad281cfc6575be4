"""The search tree of a file in MaxMind's format, checked whole.

A file has no checksum. What can be told is whether every address leads somewhere: no node is
missing, none is in a circle, and each way ends within the bits of an address at a record, or
at the mark of "nothing known". Format: https://maxmind.github.io/MaxMind-DB/.
"""

import sys
from array import array
from collections import Counter
from typing import Final

_SEPARATOR: Final = 16
_HIGH: Final = bytes(byte >> 4 for byte in range(256))
_LOW: Final = bytes(byte & 15 for byte in range(256))


def record_offsets(raw: bytes, nodes: int, record_bits: int, address_bits: int) -> Counter[int]:
    """Where in the file records begin, and how many networks lead to each.

    `record_bits`: 24, 28 or 32, and `nodes` nodes fit into the file. A part that several
    ways lead to counts once. Raises `ValueError` saying what is wrong with the tree.
    """
    values = _values(raw, nodes, record_bits)
    _check_ways(values, nodes, address_bits)
    size = nodes * record_bits // 4
    if any(raw[size : size + _SEPARATOR]):
        raise ValueError("its search tree does not end where it should")
    found = Counter(values)
    return Counter({value - nodes + size: count for value, count in found.items() if value > nodes})


def _values(raw: bytes, nodes: int, record_bits: int) -> "array[int]":
    """Left and right of each node: below `nodes` the next node, `nodes` for nothing, above it
    a record."""
    width, end = record_bits // 4, nodes * record_bits // 4
    wide = bytearray(nodes * 8)
    if record_bits == 28:  # the middle byte has the high four bits of both
        middle = raw[3:end:width]
        wide[0::8], wide[4::8] = middle.translate(_HIGH), middle.translate(_LOW)
        places = {0: 1, 1: 2, 2: 3, 4: 5, 5: 6, 6: 7}
    else:
        half = width // 2
        places = {at: at % half + 4 - half + at // half * 4 for at in range(width)}
    for at, place in places.items():
        wide[place::8] = raw[at:end:width]
    values = array("I", bytes(wide))
    if sys.byteorder == "little":
        values.byteswap()
    return values


def _check_ways(values: "array[int]", nodes: int, address_bits: int) -> None:
    """Visit each node after all that lead to it (Kahn); in a circle none comes first."""
    leading = array("I", bytes(4 * nodes))
    for value in values:
        if value < nodes:
            leading[value] += 1
    depths = bytearray(nodes)
    visited, waiting = 0, [0] if nodes and not leading[0] else []
    while waiting:
        node = waiting.pop()
        visited += 1
        below = depths[node] + 1
        for value in (values[2 * node], values[2 * node + 1]):
            if value < nodes:
                if below >= address_bits:
                    raise ValueError("a way through its search tree is longer than an address")
                depths[value] = max(depths[value], below)
                leading[value] -= 1
                if not leading[value]:
                    waiting.append(value)
    if visited != nodes:
        raise ValueError("its search tree has a circle, or nodes that nothing leads to")
