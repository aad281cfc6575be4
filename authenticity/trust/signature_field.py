"""The signature field: the 66 bytes that AI (8030) of a code of this profile carries.

```
byte 0      high nibble: format version (1); low nibble: algorithm
byte 1      key slot of the issuer
bytes 2–65  signature
```

66 is a multiple of 3, so base64url without padding (RFC 4648 section 5) has no
spare bits: 88 characters, and exactly one spelling of one signature field.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

SIGNATURE_FIELD_AI = "8030"
SIGNATURE_FIELD_CHARACTERS = 88
SIGNATURE_BYTES = 64
FORMAT_VERSION = 1
SIGNING_DOMAIN = b"touchstone/code/1\0"

_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/***")  # '*' is in no base64 alphabet
_LENGTH = tuple(bytes((n,)) for n in range(256))
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class AlgorithmNames(NamedTuple):
    """What one algorithm is called in each format; all of it is stored or typed by users."""

    command_line: str
    manifest: str
    trust_list: str
    jws: str
    """`alg` of RFC 7518 and RFC 8037."""
    jwk: tuple[str, str]
    """`kty` and `crv` of RFC 7518 and RFC 8037."""


class Algorithm(IntEnum):
    """How a code is signed. The numbers are printed: never reuse one."""

    ED25519 = 1
    ECDSA_P256 = 2

    @property
    def names(self) -> AlgorithmNames:
        return _NAMES[self]


_NAMES = {
    Algorithm.ED25519: AlgorithmNames(
        command_line="ed25519",
        manifest="ed25519",
        trust_list="Ed25519",
        jws="EdDSA",
        jwk=("OKP", "Ed25519"),
    ),
    Algorithm.ECDSA_P256: AlgorithmNames(
        command_line="p256",
        manifest="ecdsa-p256",
        trust_list="ES256",
        jws="ES256",
        jwk=("EC", "P-256"),
    ),
}

_ALGORITHMS = {FORMAT_VERSION << 4 | algorithm: algorithm for algorithm in Algorithm}
_HEADERS = {
    algorithm: tuple(bytes((first_byte, slot)) for slot in range(256))
    for first_byte, algorithm in _ALGORITHMS.items()
}


@dataclass(frozen=True, slots=True)
class SignatureField:
    """Which key is said to have signed (slot 0–255 of the GTIN's issuer), and the 64 bytes.

    P-256 signatures are raw r‖s, big-endian. Nothing is verified here.
    """

    algorithm: Algorithm
    key_slot: int
    signature: bytes

    @property
    def header(self) -> bytes:
        """The first two bytes of the field, which are signed too."""
        return signature_field_header(self.algorithm, self.key_slot)


def signature_field_header(algorithm: Algorithm, key_slot: int) -> bytes:
    """The two bytes before the signature. `ValueError` for a slot outside 0–255."""
    if not 0 <= key_slot <= 255:
        raise ValueError(f"key slot {key_slot} is outside 0–255")
    return _HEADERS[algorithm][key_slot]


def signature_field_bytes(value: str) -> bytes | None:
    """The 66 bytes in a decoded AI (8030) value; None for any other content.

    Other people's signatures live in (8030) too, so another length, alphabet,
    version or algorithm is not an error but somebody else's format.
    """
    if len(value) != SIGNATURE_FIELD_CHARACTERS:
        return None
    try:
        packed = a2b_base64(value.encode().translate(_TO_STANDARD), strict_mode=True)
    except ValueError:  # a surrogate, or what base64url has no character for
        return None
    return packed if packed[0] in _ALGORITHMS else None


def algorithm_of(packed: bytes) -> Algorithm:
    """The algorithm that these bytes, from `signature_field_bytes`, name."""
    return _ALGORITHMS[packed[0]]


def parse_signature_field(value: str) -> SignatureField | None:
    """As `signature_field_bytes`, taken apart."""
    packed = signature_field_bytes(value)
    return None if packed is None else SignatureField(_ALGORITHMS[packed[0]], packed[1], packed[2:])


def encode_signature_field(field: SignatureField) -> str:
    """The 88 characters to print. `ValueError` for a signature that is not 64 bytes."""
    if len(field.signature) != SIGNATURE_BYTES:
        raise ValueError(f"a signature field holds {SIGNATURE_BYTES} signature bytes")
    packed = field.header + field.signature
    return b2a_base64(packed, newline=False).translate(_TO_URL_SAFE).decode()


def signed_bytes(header: bytes, ais: Iterable[tuple[str, str]]) -> bytes:
    """What is signed: every AI of the code except (8030), whatever their order in it.

    `header` is the signature field's first two bytes, `ais` are pairs of AI and decoded
    value, each AI once. Lengths precede AI and value, so no two codes share these
    bytes. The URL text is not in them: host, escapes, order and `linkType` may
    change. `ValueError` for an AI or a value over 255 bytes.
    """
    parts = [SIGNING_DOMAIN, header]
    try:
        for ai, value in sorted(ais):
            if ai != SIGNATURE_FIELD_AI:
                content = value.encode()
                parts += (_with_length(ai), _LENGTH[len(content)], content)
    except IndexError:
        raise ValueError("an AI or a value of a signed code is over 255 bytes") from None
    return b"".join(parts)


@lru_cache(maxsize=256)
def _with_length(ai: str) -> bytes:
    name = ai.encode()
    return _LENGTH[len(name)] + name
