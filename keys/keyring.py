"""The public facts of a key store: roots, issuers, their keys, rotations and revocations.

Kept as `keyring.json`. No private key is in it, but whoever can change it decides
what the next trust list says: it is guarded like the keys.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from authenticity.errors import KeyFileError
from authenticity.trust.issuers import Issuer, IssuerKey, TrustList
from authenticity.trust.jws import Roots
from authenticity.trust.keys import PublicKey
from authenticity.trust.verdict import IssuerId
from keys.durable_files import write_durably
from keys.guarded_files import PRIVATE_FILE, read_guarded

KEYRING_FORMAT: Final = 1
KEYRING_FILE: Final = "keyring.json"

_Moment = Annotated[datetime, Meta(tz=True)]


class RootRecord(Struct, frozen=True):
    """One root key. `file` is relative to the key store."""

    kid: str
    public_key: dict[str, str]
    file: str
    created_at: _Moment


class KeyRecord(Struct, frozen=True, omit_defaults=True):
    """One key of an issuer. `retired_at`: from then on it signs nothing new, but stays valid."""

    slot: Annotated[int, Meta(ge=0, le=255)]
    public_key: dict[str, str]
    file: str
    not_before: _Moment
    not_after: _Moment
    retired_at: _Moment | None = None
    revoked_at: _Moment | None = None
    revocation_reason: str | None = None

    @property
    def public(self) -> PublicKey:
        return PublicKey.from_jwk(self.public_key)

    @property
    def kind(self) -> str:
        """The algorithm's name on the command line."""
        return self.public.algorithm.names.command_line

    @property
    def may_sign(self) -> bool:
        return self.retired_at is None and self.revoked_at is None

    def state_at(self, at: datetime) -> str:
        """`signing`, `retired`, `revoked` or `expired`, for people."""
        if self.revoked_at is not None:
            return "revoked"
        if at > self.not_after:
            return "expired"
        return "signing" if self.may_sign else "retired"


class IssuerRecord(Struct, frozen=True):
    """One issuer; `keys` in order of their slots."""

    id: str
    name: str
    company_prefixes: tuple[str, ...]
    hosts: tuple[str, ...]
    keys: tuple[KeyRecord, ...]

    @property
    def signing_key(self) -> KeyRecord | None:
        """The newest key that may sign."""
        return next((key for key in reversed(self.keys) if key.may_sign), None)


class Keyring(Struct, frozen=True):
    """The whole keyring. `trust_list_version` is the version exported last, 0 before the first."""

    v: int
    threshold: Annotated[int, Meta(ge=1)]
    roots: tuple[RootRecord, ...]
    issuers: tuple[IssuerRecord, ...] = ()
    trust_list_version: Annotated[int, Meta(ge=0)] = 0

    def issuer(self, issuer_id: str) -> IssuerRecord:
        """Raises `KeyFileError` naming the known ones."""
        for issuer in self.issuers:
            if issuer.id == issuer_id:
                return issuer
        known = ", ".join(issuer.id for issuer in self.issuers) or "none yet"
        raise KeyFileError(
            f"no issuer {issuer_id!r} in this key store (known: {known})",
            next_step="add it with `touchstone keys add-issuer`, or use a known id",
        )

    def with_issuer(self, changed: IssuerRecord) -> "Keyring":
        """The keyring with this issuer in place of the one with its id, or added."""
        others = [issuer for issuer in self.issuers if issuer.id != changed.id]
        issuers = sorted([*others, changed], key=lambda issuer: issuer.id)
        return msgspec.structs.replace(self, issuers=tuple(issuers))

    @property
    def pinned_roots(self) -> Roots:
        """What verifiers pin."""
        keys = {root.kid: PublicKey.from_jwk(root.public_key) for root in self.roots}
        return Roots(keys, self.threshold)

    def trust_list(self, *, version: int, issued_at: datetime, expires_at: datetime) -> TrustList:
        """What a trust list of these facts says. Raises `TrustListError` if they conflict."""
        issuers = tuple(_to_issuer(record) for record in self.issuers)
        return TrustList(version, issued_at, expires_at, issuers)


def load_keyring(folder: Path) -> Keyring:
    """Raises `KeyFileError` if there is none, or it is exposed or damaged."""
    path = folder / KEYRING_FILE
    if not path.exists():
        raise KeyFileError(
            f"there is no key store in {folder}",
            next_step="make one with `touchstone keys init`, or name its folder with --keys",
        )
    try:
        keyring = msgspec.json.decode(read_guarded(path), type=Keyring)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise KeyFileError(
            f"{path} is damaged: {error}", next_step="restore it from your backup"
        ) from None
    if keyring.v != KEYRING_FORMAT:
        raise KeyFileError(
            f"{path} has format version {keyring.v}, this program knows {KEYRING_FORMAT}",
            next_step="upgrade this program",
        )
    return keyring


def save_keyring(folder: Path, keyring: Keyring) -> None:
    """Atomic and durable. The caller holds the store's lock."""
    content = msgspec.json.format(msgspec.json.encode(keyring), indent=2)
    write_durably(folder / KEYRING_FILE, content + b"\n", mode=PRIVATE_FILE)


def _to_issuer(record: IssuerRecord) -> Issuer:
    return Issuer(
        id=IssuerId(record.id),
        name=record.name,
        company_prefixes=record.company_prefixes,
        hosts=record.hosts,
        keys=tuple(_to_key(key) for key in record.keys),
    )


def _to_key(record: KeyRecord) -> IssuerKey:
    public = record.public
    return IssuerKey(
        slot=record.slot,
        algorithm=public.algorithm,
        public_key=public,
        not_before=record.not_before,
        not_after=record.not_after,
        revoked_at=record.revoked_at,
        revocation_reason=record.revocation_reason,
    )
