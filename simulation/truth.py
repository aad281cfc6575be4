"""What the truth file says of each scan; no detector ever sees it.

One JSON object a line, in the order of the scans file: line n of one is line n of the
other, duplicates too.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from authenticity.gs1.item import ItemId
from simulation.attacks import AttackFamily

TRUTH_FORMAT: Final = 2


class Thing(StrEnum):
    """What was held."""

    PACK = "pack"
    FAKE = "fake"
    SCREEN = "screen"


class Truth(Struct, frozen=True):
    """The label of one line.

    `item` is what the code claims, whatever became of the text; `physical` names what
    was held and `thing` what that is: a `pack`, a `fake`, or a code on a `screen`, which is
    no pack at all. `genuine` is False for a fake and for a code that was made up. `attack` is
    the family of the attack on this code, on the genuine pack's own scans too.

    `noise` names what makes this line differ from what happened: `duplicate`, `backlog`,
    `late`, `out-of-order`, `clock-skew`, `vpn`, `case-mangled`, `keys-swapped`,
    `truncated`. `first_detectable_at` is the arrival of the scan with which a perfect
    observer could first know of the attack on this code: see `simulation.traffic`;
    None if that never arrives, and for honest codes. Times are UTC, places WGS 84 degrees.
    """

    v: int
    scan_id: str
    publisher: str
    item: ItemId
    physical: str
    thing: Thing
    genuine: bool
    attack: AttackFamily | None
    attack_id: str | None
    behaviour: str
    noise: tuple[str, ...]
    true_at: datetime
    true_lat: float
    true_lon: float
    true_country: str
    first_detectable_at: datetime | None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Truth)


def encode_truth(truth: Truth) -> bytes:
    """One line of JSON, without the line feed."""
    return _encoder.encode(truth)


def decode_truth(line: bytes) -> Truth:
    """Inverse of `encode_truth`. Raises `msgspec.ValidationError`: only we write these."""
    return _decoder.decode(line)
