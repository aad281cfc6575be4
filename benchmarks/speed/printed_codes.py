"""Codes as makers print them, and a trust list as long as a real one, for the benchmarks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from random import Random
from typing import Final

from authenticity.gs1.code import read_code
from authenticity.records.serial import RANDOM_BYTES, mint_serial
from authenticity.trust.issuers import Issuer, IssuerKey, TrustList
from authenticity.trust.signature_field import Algorithm, parse_signature_field, signed_bytes
from authenticity.trust.verdict import IssuerId
from simulation.signers import SeededSigner
from simulation.world import sealed_code

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
ISSUERS: Final = 200
_GTIN: Final = "09521234000013"
_HOST: Final = "id.bench.example"


def signed_parts(code: str) -> tuple[bytes, bytes]:
    """The message and the signature of a code."""
    ais = read_code(code).ais
    seal = parse_signature_field(dict(ais)["8030"])
    assert seal is not None
    return signed_bytes(seal.header, ais), seal.signature


def printed_codes(signer: SeededSigner, count: int) -> list[str]:
    """As makers print them: with lot and expiry, with one of the two, with neither."""
    random = Random(1)
    shapes = islice(cycle((("L7", "281231"), ("L7", None), (None, "281231"), (None, None))), count)
    codes = []
    for lot, expiry in shapes:
        serial = mint_serial(random.randbytes(RANDOM_BYTES))
        fields = {"01": _GTIN, "10": lot, "21": serial, "17": expiry}
        ais = [(ai, value) for ai, value in fields.items() if value is not None]
        codes.append(sealed_code(ais, _HOST, signer))
    return codes


def trust_list_of(signer: SeededSigner) -> TrustList:
    """The signer's issuer among many, with company prefixes of every usual length."""
    begin, end = NOW - timedelta(days=30), NOW + timedelta(days=3650)
    key = IssuerKey(signer.key_slot, signer.algorithm, signer.public_key, begin, end)
    maker = Issuer(IssuerId("bench"), "Bench", ("9521234",), (_HOST,), (key,))
    others = []
    for number in range(ISSUERS - 1):
        public = SeededSigner(2, f"other-{number}").public_key
        other = replace(key, algorithm=Algorithm.ED25519, public_key=public)
        prefix = f"4{number:0{5 + number % 6}}"
        name = f"other-{number}"
        others.append(Issuer(IssuerId(name), name, (prefix,), (f"{name}.example",), (other,)))
    return TrustList(1, begin, end, (*others, maker))
