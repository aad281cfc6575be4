"""Signers, and the key files of those on this machine.

No other module touches the bytes of private keys.

A key lies on disk as PKCS#8 (RFC 5958) in PEM, encrypted with AES-256 under a key
that scrypt (RFC 7914, section 7) makes of the passphrase; `openssl pkey -in FILE`
reads it. Python cannot wipe memory: a process that holds a signer holds its key
until it ends.
"""

import os
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NoReturn, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from authenticity.errors import KeyFileError
from authenticity.trust.keys import PublicKey, p256_signature_from_der
from authenticity.trust.signature_field import SIGNATURE_BYTES, Algorithm
from keys.encrypted_key import encode_encrypted_key
from keys.guarded_files import read_guarded, write_new_private

_SCRYPT_N: Final = 1 << 14  # 16 MB; the most that OpenSSL opens without being told to
_SCRYPT_R: Final = 8
_SCRYPT_P: Final = 1

_ECDSA_SHA256: Final = ec.ECDSA(SHA256())

_PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey


class Signer(Protocol):
    """One private key, wherever it lives: a file, a PKCS#11 token, a KMS.

    `sign` returns the 64 bytes that `authenticity.trust.keys.verifies` takes, and
    may be called from several threads at once. A signer is not sent to another
    process: each process opens its own (see `KeyFile`).
    """

    @property
    def algorithm(self) -> Algorithm: ...

    @property
    def key_slot(self) -> int: ...

    @property
    def public_key(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes: ...


class SignerSource(Protocol):
    """How a process opens a signer of its own. Small, and able to be sent to it."""

    def open(self) -> Signer: ...


class FileSigner:
    """A private key read from a file and held in memory."""

    __slots__ = ("_sign", "algorithm", "key_slot", "public_key")

    def __init__(self, private_key: _PrivateKey, key_slot: int) -> None:
        self.key_slot = key_slot
        self.public_key = _public_key(private_key)
        self.algorithm = self.public_key.algorithm
        self._sign = _signing_function(private_key)

    def sign(self, message: bytes) -> bytes:
        return self._sign(message)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer does not travel; send its KeyFile")


@dataclass(frozen=True, slots=True)
class KeyFile:
    """An encrypted key file and what opens it.

    `expected` is the thumbprint of the public key it must belong to. Travels between our own
    processes over a pipe; its repr hides the passphrase.
    """

    path: Path
    key_slot: int
    passphrase: bytes = field(repr=False)
    expected: str | None = None

    def open(self) -> FileSigner:
        """Raises `KeyFileError`: missing, exposed, damaged, other passphrase, other key."""
        signer = FileSigner(_decrypt(self.path, self.passphrase), self.key_slot)
        if self.expected is not None and signer.public_key.thumbprint != self.expected:
            raise KeyFileError(
                f"{self.path} does not hold the private key of the public key on record",
                next_step="restore the right file from your backup",
            )
        return signer


def generate_key_file(
    folder: Path, stem: str, algorithm: Algorithm, passphrase: bytes
) -> tuple[Path, PublicKey]:
    """A new key in a new file `{stem}-{start of the thumbprint}.pem`; never overwrites one.

    Raises `KeyFileError`, also for an empty passphrase.
    """
    if not passphrase:
        raise KeyFileError(
            "a private key is not written without a passphrase", next_step="choose a long one"
        )
    private_key: _PrivateKey
    if algorithm is Algorithm.ED25519:
        private_key = Ed25519PrivateKey.generate()
    else:
        private_key = ec.generate_private_key(ec.SECP256R1())
    public_key = _public_key(private_key)
    path = folder / f"{stem}-{public_key.thumbprint[:12]}.pem"
    write_new_private(path, _encrypt(private_key, passphrase))
    return path, public_key


def _signing_function(private_key: _PrivateKey) -> Callable[[bytes], bytes]:
    """libsodium for Ed25519: 1.7 times OpenSSL's rate, and deterministic (RFC 8032)."""
    if isinstance(private_key, Ed25519PrivateKey):
        secret = crypto_sign_seed_keypair(private_key.private_bytes_raw())[1]
        return lambda message: crypto_sign(message, secret)[:SIGNATURE_BYTES]
    return lambda message: p256_signature_from_der(private_key.sign(message, _ECDSA_SHA256))


def _public_key(private_key: _PrivateKey) -> PublicKey:
    public = private_key.public_key()
    if isinstance(private_key, Ed25519PrivateKey):
        encoding, form = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        return PublicKey(Algorithm.ED25519, public.public_bytes(encoding, form))
    encoding = serialization.Encoding.X962
    form = serialization.PublicFormat.UncompressedPoint
    return PublicKey(Algorithm.ECDSA_P256, public.public_bytes(encoding, form))


def _decrypt(path: Path, passphrase: bytes) -> _PrivateKey:
    content = read_guarded(path)
    try:
        private_key = serialization.load_pem_private_key(content, passphrase)
    except TypeError:
        raise KeyFileError(
            f"{path} is not encrypted",
            next_step="encrypt it: openssl pkcs8 -topk8 -scrypt -in OLD -out NEW",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError(
            f"{path} does not open with this passphrase (or is damaged)",
            next_step="try the passphrase again, or restore the file from your backup",
        ) from None
    if isinstance(private_key, Ed25519PrivateKey):
        return private_key
    if isinstance(private_key, ec.EllipticCurvePrivateKey) and isinstance(
        private_key.curve, ec.SECP256R1
    ):
        return private_key
    raise KeyFileError(
        f"{path} holds neither an Ed25519 nor a P-256 key",
        next_step="restore the file that `touchstone keys` made",
    )


def _encrypt(private_key: _PrivateKey, passphrase: bytes) -> bytes:
    """PKCS#8 in PEM under PBES2 with scrypt (RFC 8018, section 6.2, and RFC 7914, section 7).

    `cryptography` reads this form, and its own writer would be weaker: PBKDF2 with
    2,048 rounds, which a graphics card tries a million times a second.
    """
    plain = private_key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    salt, iv = os.urandom(16), os.urandom(16)
    key = Scrypt(salt, length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P).derive(passphrase)
    padder = PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(iv)).encryptor()
    secret = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
    costs = (_SCRYPT_N, _SCRYPT_R, _SCRYPT_P)
    return _pem(encode_encrypted_key(secret, salt=salt, costs=costs, iv=iv))


def _pem(der: bytes) -> bytes:
    text = b64encode(der)
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    begin, end = (b"-----%s ENCRYPTED PRIVATE KEY-----" % word for word in (b"BEGIN", b"END"))
    return b"\n".join([begin, *lines, end, b""])
