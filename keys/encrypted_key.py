"""The ASN.1 of an encrypted private key: PKCS#8 under PBES2 with scrypt and AES-256-CBC.

Sources: EncryptedPrivateKeyInfo (RFC 5958, section 3), PBES2 (RFC 8018, appendix A.4),
scrypt-params (RFC 7914, section 7). Only writing needs them: `cryptography` reads this form.
"""

from typing import Final

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

_PBES2: Final = ObjectIdentifier("1.2.840.113549.1.5.13")
_SCRYPT: Final = ObjectIdentifier("1.3.6.1.4.1.11591.4.11")
_AES_256_CBC: Final = ObjectIdentifier("2.16.840.1.101.3.4.1.42")


@asn1.sequence
class _ScryptCosts:
    salt: bytes
    cost: int
    block_size: int
    parallelization: int


@asn1.sequence
class _KeyDerivation:
    algorithm: ObjectIdentifier
    parameters: _ScryptCosts


@asn1.sequence
class _Cipher:
    algorithm: ObjectIdentifier
    iv: bytes


@asn1.sequence
class _Scheme:
    key_derivation: _KeyDerivation
    cipher: _Cipher


@asn1.sequence
class _Encryption:
    algorithm: ObjectIdentifier
    parameters: _Scheme


@asn1.sequence
class _EncryptedPrivateKey:
    encryption: _Encryption
    content: bytes


def encode_encrypted_key(
    content: bytes, *, salt: bytes, costs: tuple[int, int, int], iv: bytes
) -> bytes:
    """DER of an encrypted key. `content` is the ciphertext, `costs` are scrypt's N, r and p."""
    n, r, p = costs
    scrypt = _ScryptCosts(salt=salt, cost=n, block_size=r, parallelization=p)
    scheme = _Scheme(
        key_derivation=_KeyDerivation(algorithm=_SCRYPT, parameters=scrypt),
        cipher=_Cipher(algorithm=_AES_256_CBC, iv=iv),
    )
    encryption = _Encryption(algorithm=_PBES2, parameters=scheme)
    return asn1.encode_der(_EncryptedPrivateKey(encryption=encryption, content=content))
