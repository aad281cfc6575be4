"""Pinned root keys, and the documents they vouch for.

A vouched document is a JSON Web Signature (RFC 7515) in general JSON serialization:
one payload, several signatures, of which a threshold of pinned keys must be good.
`alg` is EdDSA for an Ed25519 root and ES256 for one on P-256; it has to fit the
pinned key, so nobody can choose it. Unprotected headers are ignored. This
module makes what is to be signed and never sees a private key.

Not built on joserfc: it wants every signature good instead of a threshold, its algorithms
have another meaning of "verifies", it takes header names twice, and it signs only with
private keys in memory (`tests/unit/authenticity/trust/test_second_opinion.py` shows all but
the last).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec

from authenticity.errors import (
    ConfigurationError,
    PublicKeyError,
    SignatureThresholdError,
    TrustListError,
)
from authenticity.limits import LIMITS
from authenticity.trust.keys import PublicKey, from_base64url, to_base64url, verifies
from authenticity.trust.signature_field import Algorithm

DOCUMENT_TYPE: Final = "touchstone-trust-list+jws"

_HEADER_CHARACTERS: Final = 1_024

_Kind = TypeVar("_Kind")


class _SignatureEntry(msgspec.Struct, frozen=True):
    protected: str
    signature: str


class _Document(msgspec.Struct, frozen=True):
    payload: str
    signatures: list[_SignatureEntry]


class _RootsFile(msgspec.Struct, frozen=True):
    threshold: int
    keys: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Roots:
    """The root keys a verifier pins, by `kid`, and how many of them must have signed.

    `ConfigurationError` for a threshold that cannot be met, or for one key under
    two names, which would count twice.
    """

    keys: Mapping[str, PublicKey]
    threshold: int

    def __post_init__(self) -> None:
        if not 1 <= self.threshold <= len(self.keys):
            raise ConfigurationError(
                f"a threshold of {self.threshold} cannot be met by {len(self.keys)} root keys",
                next_step="pin at least as many root keys as the threshold asks for",
            )
        if len(set(self.keys.values())) < len(self.keys):
            raise ConfigurationError(
                "one root key is pinned under two names",
                next_step="pin each root key once",
            )
        object.__setattr__(self, "keys", MappingProxyType(dict(self.keys)))


def vouched_payload(document: bytes, roots: Roots) -> bytes:
    """The payload of a document that enough of the pinned roots have signed.

    Signatures by unknown keys are passed over, so that roots can be changed one by
    one. Raises `SignatureThresholdError`, or `TrustListError` for a document that is
    too big, is not in this form or has critical header fields (none are known).
    """
    if len(document) > LIMITS.trust_list_bytes:
        raise TrustListError(
            f"{len(document)} bytes, where a trust list has at most {LIMITS.trust_list_bytes}"
        )
    envelope = _decode(document, _Document, "this is not a trust list in JWS general JSON form")
    _check_signatures(envelope, roots)
    return _from_base64url(envelope.payload, "payload")


def signing_input(payload: bytes, kid: str, algorithm: Algorithm = Algorithm.ED25519) -> bytes:
    """The bytes that the root key `kid` signs (RFC 7515, section 5.1)."""
    return f"{_protected_header(kid, algorithm)}.{to_base64url(payload)}".encode()


def assemble_jws(
    payload: bytes,
    signatures: Mapping[str, bytes],
    algorithms: Mapping[str, Algorithm] = MappingProxyType({}),
) -> bytes:
    """The document. `signatures` are the roots' 64 bytes over `signing_input`, by `kid`.

    `algorithms` names the roots that are not Ed25519. Nothing is verified here.
    """
    entries = [
        _SignatureEntry(
            _protected_header(kid, algorithms.get(kid, Algorithm.ED25519)),
            to_base64url(signature),
        )
        for kid, signature in signatures.items()
    ]
    return msgspec.json.encode(_Document(to_base64url(payload), entries))


def read_roots(document: bytes) -> Roots:
    """Pinned roots from `{"threshold": n, "keys": [JWK with "kid", …]}`.

    Raises `ConfigurationError`, whose message names what is wrong.
    """
    advice = "use the roots.json that was written with the trust list's root keys"
    try:
        file = msgspec.json.decode(document, type=_RootsFile)
        keys = {}
        for jwk in file.keys:
            kid = jwk.get("kid")
            if not isinstance(kid, str) or not kid or kid in keys:
                raise ConfigurationError("each root key needs its own kid", next_step=advice)
            keys[kid] = PublicKey.from_jwk(jwk)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"these are not root keys: {error}", next_step=advice) from error
    except PublicKeyError as error:
        raise ConfigurationError(str(error), next_step=error.next_step or advice) from error
    return Roots(keys, file.threshold)


def encode_roots(roots: Roots) -> bytes:
    """What `read_roots` reads; public, to be copied to verifiers by a trusted way."""
    keys = [{"kid": kid, **key.to_jwk()} for kid, key in roots.keys.items()]
    return msgspec.json.encode(_RootsFile(roots.threshold, keys), order="sorted")


def strict_object(content: bytes, message: str) -> dict[str, Any]:
    """A JSON object without a name twice: two readers could take another of the two."""
    try:
        value = json.loads(content.decode(), object_pairs_hook=_unique_names)
    except (ValueError, RecursionError) as error:
        raise TrustListError(f"{message}: {error}") from error
    if not isinstance(value, dict):
        raise TrustListError(message)
    return value


def _unique_names(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _protected_header(kid: str, algorithm: Algorithm) -> str:
    header = {"alg": algorithm.names.jws, "kid": kid, "typ": DOCUMENT_TYPE}
    return to_base64url(msgspec.json.encode(header))


def _check_signatures(envelope: _Document, roots: Roots) -> None:
    if len(envelope.signatures) > LIMITS.root_signatures:
        raise TrustListError(f"a trust list has at most {LIMITS.root_signatures} signatures")
    signers = {
        kid for entry in envelope.signatures if (kid := _signer(entry, envelope.payload, roots))
    }
    if len(signers) < roots.threshold:
        raise SignatureThresholdError(
            f"{len(signers)} of the pinned root keys signed this list, {roots.threshold} must have",
            next_step="check that the roots file belongs to this trust list",
        )


def _signer(entry: _SignatureEntry, payload: str, roots: Roots) -> str | None:
    """The pinned root that made this signature; None for a stranger's or a bad one."""
    header = _decode_header(entry.protected)
    if "crit" in header:
        raise TrustListError(
            "a signature of the trust list has critical header fields, and none are known",
            next_step="update this software",
        )
    kid = header.get("kid")
    root = roots.keys.get(kid) if isinstance(kid, str) else None
    if root is None or header.get("typ") != DOCUMENT_TYPE:
        return None
    if header.get("alg") != root.algorithm.names.jws:
        return None
    message = f"{entry.protected}.{payload}".encode()
    signature = _from_base64url(entry.signature, "signature")
    return kid if verifies(root, message, signature) else None


def _decode_header(protected: str) -> dict[str, Any]:
    if len(protected) > _HEADER_CHARACTERS:
        raise TrustListError("a signature header of the trust list is too long")
    return strict_object(_from_base64url(protected, "header"), "a signature header is not JSON")


def _decode(document: bytes, kind: type[_Kind], message: str) -> _Kind:
    try:
        return msgspec.json.decode(document, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise TrustListError(f"{message}: {error}") from error


def _from_base64url(text: str, what: str) -> bytes:
    try:
        return from_base64url(text)
    except ValueError as error:
        raise TrustListError(f"the trust list's {what} is not base64url") from error
