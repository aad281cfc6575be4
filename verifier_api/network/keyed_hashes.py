"""Hashes under the installation's secret: 64 bits that nobody outside can compute or choose.

HMAC-SHA-256, cut to 16 hexadecimal digits. Each use has a domain of its own, so that a hash
of one kind says nothing about another kind.
"""

import hmac
from typing import Final

import msgspec

SECRET_BYTES: Final = 32

FINGERPRINT_BYTES: Final = 16

_pack = msgspec.msgpack.Encoder().encode


class KeyedHashes:
    """Hashes of one installation: all its service processes share the secret."""

    def __init__(self, secret: bytes) -> None:
        """Raises `ValueError` for a secret of another length."""
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"the secret has {len(secret)} bytes, not {SECRET_BYTES}")
        self._secret = secret

    def fingerprint(self) -> bytes:
        """What tells this secret from another, and no more."""
        return hmac.digest(self._secret, b"fingerprint of the secret", "sha256")[:FINGERPRINT_BYTES]

    def network(self, packed: bytes) -> str:
        """Of the network of an address: its first address, 4 or 16 bytes."""
        return self._hash(b"network\0", packed)

    def passed_network(self, gateway: str, network: str) -> str:
        """Of a network that a gateway names: another gateway's of the same name differs."""
        return self._hash(b"gateway\0", _pack((gateway, network)))

    def selection(self, publisher: str, scan_id: str) -> str:
        """What decides whether a history keeps a scan: the same wherever it is sent again from."""
        return self._hash(b"selection\0", _pack((publisher, scan_id)))

    def session(self, publisher: str, session: str) -> str:
        """In place of a session that an anonymous caller names."""
        return self._hash(b"session\0", _pack((publisher, session)))

    def _hash(self, domain: bytes, content: bytes) -> str:
        return hmac.digest(self._secret, domain + content, "sha256")[:8].hex()
