"""Signing keys that come from a seed: for simulations and tests, never for products.

The seed gives away the keys. Signatures are deterministic for both
algorithms (Ed25519: RFC 8032; ECDSA: RFC 6979), so that a simulated file is
byte-identical wherever it is made. Satisfies `keys.signer.Signer`.
"""

from hashlib import blake2b
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from authenticity.trust.keys import P256_ORDER, PublicKey, p256_signature_from_der
from authenticity.trust.signature_field import (
    SIGNATURE_BYTES,
    Algorithm,
)

_DETERMINISTIC: Final = ec.ECDSA(SHA256(), deterministic_signing=True)
_PERSON: Final = b"touchstone-sim"


class SeededSigner:
    """The private key that belongs to (seed, name). Small enough to be made anew anywhere."""

    __slots__ = ("_p256", "_secret", "algorithm", "key_slot", "public_key")

    def __init__(
        self, seed: int, name: str, algorithm: Algorithm = Algorithm.ED25519, key_slot: int = 0
    ) -> None:
        material = blake2b(f"{seed}/{name}".encode(), digest_size=32, person=_PERSON).digest()
        self.algorithm = algorithm
        self.key_slot = key_slot
        if algorithm is Algorithm.ED25519:
            public, self._secret = crypto_sign_seed_keypair(material)
            self.public_key = PublicKey(algorithm, public)
        else:
            scalar = int.from_bytes(material, "big") % (P256_ORDER - 1) + 1
            self._p256 = ec.derive_private_key(scalar, ec.SECP256R1())
            point = self._p256.public_key().public_bytes(
                Encoding.X962, PublicFormat.UncompressedPoint
            )
            self.public_key = PublicKey(algorithm, point)

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes that `authenticity.trust.keys.verifies` takes."""
        if self.algorithm is Algorithm.ED25519:
            return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]
        return p256_signature_from_der(self._p256.sign(message, _DETERMINISTIC))
