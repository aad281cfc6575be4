"""The trust list as a document: a JWS that pinned root keys have signed.

JSON Web Signature (RFC 7515), general JSON serialization, over canonical JSON:

```
{"version": 7, "issued_at": …, "expires_at": …, "critical": [],
 "issuers": [{"id", "name", "company_prefixes": [], "hosts": [],
   "keys": [{"slot", "algorithm": "Ed25519" | "ES256", "public_key": JWK,
             "not_before", "not_after", "revoked_at"?, "revocation_reason"?}]}]}
```

Times are RFC 3339 with an offset. Fields this version does not know are ignored,
unless the payload's `critical` names them: then the document is refused. This
module makes what is to be signed and never sees a private key.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec

from authenticity.errors import RollbackError, TrustListError
from authenticity.trust.issuers import Issuer, IssuerKey, TrustList
from authenticity.trust.jws import (
    Roots,
    assemble_jws,
    encode_roots,
    read_roots,
    signing_input,
    strict_object,
    vouched_payload,
)
from authenticity.trust.keys import PublicKey
from authenticity.trust.signature_field import Algorithm
from authenticity.trust.verdict import IssuerId

__all__ = [
    "Issuer",
    "IssuerKey",
    "Roots",
    "TrustList",
    "assemble_jws",
    "encode_payload",
    "encode_roots",
    "read_next_trust_list",
    "read_roots",
    "read_trust_list",
    "signing_input",
]

CLOCK_TOLERANCE: Final = timedelta(hours=24)
"""How far in the future a list may have been issued: clocks and time zones set wrong."""

_ALGORITHMS: Final = {algorithm.names.trust_list: algorithm for algorithm in Algorithm}
_KNOWN: Final = " or ".join(_ALGORITHMS)
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _KeyEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    slot: int
    algorithm: str
    public_key: dict[str, Any]
    not_before: _Moment
    not_after: _Moment
    revoked_at: _Moment | None = None
    revocation_reason: str | None = None


class _IssuerEntry(msgspec.Struct, frozen=True):
    id: str
    name: str
    company_prefixes: list[str]
    hosts: list[str]
    keys: list[_KeyEntry]


class _Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    version: int
    issued_at: _Moment
    expires_at: _Moment
    issuers: list[_IssuerEntry]
    critical: list[str] = []


_UNDERSTOOD: Final = frozenset(
    name for part in (_Payload, _IssuerEntry, _KeyEntry) for name in part.__struct_fields__
)


def read_trust_list(
    document: bytes, roots: Roots, *, at: datetime, seen_version: int = 0
) -> TrustList:
    """The list in a signed document, if enough pinned roots vouch for it.

    1. Bound the size, take the envelope apart.
    2. Count the distinct pinned roots whose signature verifies. Signatures by
       unknown keys are passed over, so that roots can be changed one by one.
    3. Only then read the payload: no name twice, nothing critical that this
       version does not know, a coherent list.
    4. Refuse a version below `seen_version` (rollback), and one issued more than
       `CLOCK_TOLERANCE` after `at`, the reader's own clock.

    Raises `TrustListError` or one of its kinds. *Not* refused: an expired list
    (a verdict on it is provisional, later stale) and another document of the
    version already seen, which the caller has to recognise by `digest`.
    """
    content = vouched_payload(document, roots)
    payload = _decode_payload(content)
    unknown = [name for name in payload.critical if name not in _UNDERSTOOD]
    if unknown:
        raise TrustListError(
            f"the trust list needs {unknown[0]!r} to be understood, and this version does not",
            next_step="update this software",
        )
    trust_list = _to_trust_list(payload, digest=sha256(content).hexdigest())
    if trust_list.version < seen_version:
        raise RollbackError(
            f"trust list version {trust_list.version} is older than {seen_version}, already seen",
            next_step="fetch the current list; somebody may be replaying an old one",
        )
    if trust_list.issued_at - at > CLOCK_TOLERANCE:
        raise TrustListError(
            f"the trust list was issued in the future: {trust_list.issued_at:%Y-%m-%d %H:%M} UTC",
            next_step="check this machine's clock",
        )
    return trust_list


def read_next_trust_list(
    document: bytes, roots: Roots, held: TrustList | None, *, at: datetime
) -> TrustList:
    """The list in a document that may take the place of the one held, or is that very one.

    Beside what `read_trust_list` refuses, another list of the version held: two verifiers
    would believe two lists under one number. Raises `TrustListError` or one of its kinds.
    """
    offered = read_trust_list(document, roots, at=at, seen_version=held.version if held else 0)
    if held and offered.version == held.version and offered.digest != held.digest:
        raise TrustListError(
            f"another trust list of version {held.version} is in force already",
            next_step="export the list again, so that its version grows",
        )
    return offered


def encode_payload(trust_list: TrustList) -> bytes:
    """The payload to sign: JSON, UTF-8, names sorted, no spaces, optional members left out."""
    issuers = [_from_issuer(issuer) for issuer in trust_list.issuers]
    payload = _Payload(trust_list.version, trust_list.issued_at, trust_list.expires_at, issuers)
    return msgspec.json.encode(payload, order="sorted")


def _decode_payload(content: bytes) -> _Payload:
    message = "the trust list's payload is not what its format says"
    try:
        return msgspec.convert(strict_object(content, message), _Payload)
    except msgspec.ValidationError as error:
        raise TrustListError(f"{message}: {error}") from error


def _to_trust_list(payload: _Payload, digest: str) -> TrustList:
    return TrustList(
        version=payload.version,
        issued_at=_utc(payload.issued_at),
        expires_at=_utc(payload.expires_at),
        issuers=tuple(_to_issuer(entry) for entry in payload.issuers),
        digest=digest,
    )


def _to_issuer(entry: _IssuerEntry) -> Issuer:
    return Issuer(
        id=IssuerId(entry.id),
        name=entry.name,
        company_prefixes=tuple(entry.company_prefixes),
        hosts=tuple(entry.hosts),
        keys=tuple(_to_key(key) for key in entry.keys),
    )


def _to_key(entry: _KeyEntry) -> IssuerKey:
    algorithm = _ALGORITHMS.get(entry.algorithm)
    if algorithm is None:
        raise TrustListError(f"key algorithm {entry.algorithm!r} is not {_KNOWN}")
    return IssuerKey(
        slot=entry.slot,
        algorithm=algorithm,
        public_key=PublicKey.from_jwk(entry.public_key),
        not_before=_utc(entry.not_before),
        not_after=_utc(entry.not_after),
        revoked_at=None if entry.revoked_at is None else _utc(entry.revoked_at),
        revocation_reason=entry.revocation_reason,
    )


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise TrustListError(f"{moment} is outside the years 1 to 9999 in UTC") from error


def _from_issuer(issuer: Issuer) -> _IssuerEntry:
    keys = [
        _KeyEntry(
            slot=key.slot,
            algorithm=key.algorithm.names.trust_list,
            public_key=dict(key.public_key.to_jwk()),
            not_before=key.not_before,
            not_after=key.not_after,
            revoked_at=key.revoked_at,
            revocation_reason=key.revocation_reason,
        )
        for key in issuer.keys
    ]
    prefixes, hosts = list(issuer.company_prefixes), list(issuer.hosts)
    return _IssuerEntry(issuer.id, issuer.name, prefixes, hosts, keys)
