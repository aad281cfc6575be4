"""Codes as makers print them, and a trust list as long as a real one, for the benchmarks."""

from datetime import UTC, datetime
from itertools import cycle, islice
from random import Random
from typing import Final

from authenticity.gs1.code import read_code
from authenticity.records.serial import RANDOM_BYTES, mint_serial
from authenticity.trust.signature_field import parse_signature_field, signed_bytes
from simulation.seeded_signer import SeededSigner
from simulation.world import signed_code

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
_GTIN: Final = "09521234000013"
HOST: Final = "id.bench.example"


def signed_parts(code: str) -> tuple[bytes, bytes]:
    """The message and the signature of a code."""
    ais = read_code(code).ais
    field = parse_signature_field(dict(ais)["8030"])
    assert field is not None
    return signed_bytes(field.header, ais), field.signature


def printed_codes(signer: SeededSigner, count: int) -> list[str]:
    """As makers print them: with lot and expiry, with one of the two, with neither."""
    random = Random(1)
    shapes = islice(cycle((("L7", "281231"), ("L7", None), (None, "281231"), (None, None))), count)
    codes = []
    for lot, expiry in shapes:
        serial = mint_serial(random.randbytes(RANDOM_BYTES))
        fields = {"01": _GTIN, "10": lot, "21": serial, "17": expiry}
        ais = [(ai, value) for ai, value in fields.items() if value is not None]
        codes.append(signed_code(ais, HOST, signer))
    return codes
