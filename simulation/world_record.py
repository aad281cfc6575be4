"""`NAME.world.json`: what a written world was made of, to the last number.

The whole record can be read back: whoever changes a prior later still knows this world.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from simulation.priors import drawn_values
from simulation.traffic import Scenario

WORLD_FORMAT: Final = 1


class WorldRecord(Struct, frozen=True):
    """`drawn`: what was drawn from the priors, by path; empty for a world that is always the
    same. `settings`: everything, seed and number of packs too."""

    v: int
    name: str
    drawn: dict[str, Any]
    settings: Scenario


_decoder = msgspec.json.Decoder(WorldRecord)


def world_record(name: str, scenario: Scenario, *, is_drawn: bool) -> WorldRecord:
    """The record of a world that goes by this name."""
    drawn = drawn_values(scenario) if is_drawn else {}
    return WorldRecord(WORLD_FORMAT, name, drawn, scenario)


def encode_world(record: WorldRecord) -> bytes:
    """As JSON with indentation, and a line feed at its end."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def decode_world(raw: bytes) -> WorldRecord:
    """Inverse of `encode_world`. Raises `msgspec.ValidationError`: only we write these."""
    return _decoder.decode(raw)
