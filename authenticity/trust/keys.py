"""One meaning of "verifies", everywhere.

Implementations of Ed25519 disagree on hostile input. Ours is libsodium's meaning:
no cofactor, S < L, canonical encodings, and neither the public key nor R among the
14 encodings of points of small order. ECDSA on P-256 with SHA-256 takes raw r‖s
with r in [1, n-1] and s in [1, n/2]: with high s every signature would have a twin.

Keys are vetted when a `PublicKey` is made, so a key that exists can be used.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from authenticity.errors import PublicKeyError, SignatureFormatError
from authenticity.trust.signature_field import SIGNATURE_BYTES, Algorithm

P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""n of P-256 (SEC 2, section 2.4.2)."""

_FIELD: Final = 2**255 - 19
_CURVE_D: Final = -121665 * pow(121666, -1, _FIELD) % _FIELD
_SIGN_BIT: Final = 1 << 255
_ORDER_8_Y: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7

SMALL_ORDER_ENCODINGS: Final = frozenset(
    (y | sign).to_bytes(32, "little")
    for y in (0, 1, _FIELD - 1, _FIELD, _FIELD + 1, _ORDER_8_Y, _FIELD - _ORDER_8_Y)
    for sign in (0, _SIGN_BIT)
)
"""All 14 spellings, canonical or not, of the 8 points of small order of edwards25519."""

_ECDSA_SHA256: Final = ec.ECDSA(SHA256())


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key of the right length, canonical, on its curve, not of small order.

    `raw` is 32 bytes for Ed25519 (RFC 8032) and 65 for P-256: the uncompressed
    point of SEC 1, section 2.3.3. Anything else raises `PublicKeyError`.
    """

    algorithm: Algorithm
    raw: bytes
    _p256: ec.EllipticCurvePublicKey | None = field(
        init=False, repr=False, compare=False, default=None
    )

    def __post_init__(self) -> None:
        if self.algorithm is Algorithm.ED25519:
            _vet_ed25519(self.raw)
        else:
            object.__setattr__(self, "_p256", _load_p256(self.raw))

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> "PublicKey":
        """From a JWK (RFC 7517): `OKP`/`Ed25519` (RFC 8037) or `EC`/`P-256` (RFC 7518).

        A JWK with a private part is refused, loudly: it has leaked by being here.
        Members that do not describe the key (`kid`, `use`, `alg`) are ignored.
        """
        if "d" in jwk:
            raise PublicKeyError(
                "this JWK holds a private key",
                next_step="treat that key as compromised, and publish the public part of a new one",
            )
        kind = jwk.get("kty"), jwk.get("crv")
        if kind == Algorithm.ED25519.names.jwk:
            return cls(Algorithm.ED25519, _coordinate(jwk, "x"))
        if kind == Algorithm.ECDSA_P256.names.jwk:
            point = b"\x04" + _coordinate(jwk, "x") + _coordinate(jwk, "y")
            return cls(Algorithm.ECDSA_P256, point)
        raise PublicKeyError(
            f"a key of kind {jwk.get('kty')!r} on {jwk.get('crv')!r} is not supported",
            next_step="use an Ed25519 or a P-256 key",
        )

    def to_jwk(self) -> dict[str, str]:
        """The members that RFC 7638 hashes, in its order; no `kid`."""
        kty, crv = self.algorithm.names.jwk
        if self.algorithm is Algorithm.ED25519:
            return {"crv": crv, "kty": kty, "x": to_base64url(self.raw)}
        x, y = to_base64url(self.raw[1:33]), to_base64url(self.raw[33:])
        return {"crv": crv, "kty": kty, "x": x, "y": y}

    @property
    def thumbprint(self) -> str:
        """The JWK thumbprint with SHA-256 (RFC 7638): 43 characters, fit for a `kid`."""
        members = ",".join(f'"{name}":"{value}"' for name, value in self.to_jwk().items())
        return to_base64url(sha256(f"{{{members}}}".encode()).digest())


def verifies(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is this key's over `message`. Never raises."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    if key._p256 is not None:
        return _verifies_p256(key._p256, message, signature)
    try:
        crypto_sign_open(signature + message, key.raw)
    except BadSignatureError:
        return False
    return True


def p256_signature_from_der(der: bytes) -> bytes:
    """A signer's DER signature as raw r‖s with low s: the one form that `verifies` takes.

    HSMs and libraries return either s; both are this signature. Raises
    `SignatureFormatError` for bytes that are not the DER of r and s in [1, n-1].
    """
    try:
        r, s = decode_dss_signature(der)
    except ValueError:
        r = s = 0
    if not (0 < r < P256_ORDER and 0 < s < P256_ORDER):
        raise SignatureFormatError(
            "the signer's answer is no ECDSA signature on P-256",
            next_step="check that the signer holds a P-256 key and returns DER",
        )
    return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")


def to_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515, appendix C)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of the one spelling that `to_base64url` writes; else `ValueError`."""
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(data) != text:
        raise ValueError("not the canonical base64url spelling")
    return data


def _verifies_p256(key: ec.EllipticCurvePublicKey, message: bytes, signature: bytes) -> bool:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < P256_ORDER and 0 < s <= P256_ORDER // 2):
        return False
    try:
        key.verify(encode_dss_signature(r, s), message, _ECDSA_SHA256)
    except InvalidSignature:
        return False
    return True


def _vet_ed25519(raw: bytes) -> None:
    """RFC 8032, section 5.1.3, and no point of small order.

    A point with a small-order *component* passes, as it does in libsodium: it is
    of no use to anybody but the holder of the key.
    """
    if len(raw) != 32:
        raise PublicKeyError(f"an Ed25519 key is 32 bytes, this is {len(raw)}")
    if raw in SMALL_ORDER_ENCODINGS:
        raise PublicKeyError("this Ed25519 key is a point of small order: anybody can sign for it")
    y = int.from_bytes(raw, "little") & ~_SIGN_BIT
    if y >= _FIELD:
        raise PublicKeyError("this Ed25519 key is not canonically encoded")
    # x² = u/v has a root exactly if uv is a square: Euler's criterion.
    u, v = y * y - 1, _CURVE_D * y * y + 1
    if pow(u * v, (_FIELD - 1) // 2, _FIELD) != 1:
        raise PublicKeyError("this Ed25519 key is not a point of the curve")


def _load_p256(raw: bytes) -> ec.EllipticCurvePublicKey:
    if len(raw) != 65 or raw[0] != 4:
        raise PublicKeyError("a P-256 key is the 65 bytes of an uncompressed point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError as error:
        raise PublicKeyError("this P-256 key is not a point of the curve") from error


def _coordinate(jwk: Mapping[str, object], member: str) -> bytes:
    text = jwk.get(member)
    try:
        data = from_base64url(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != 32:
        raise PublicKeyError(f"the JWK's {member!r} is not 32 bytes of base64url")
    return data
