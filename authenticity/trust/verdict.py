"""What a code alone proves, offline."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from authenticity.gs1.item import ItemId

IssuerId = NewType("IssuerId", str)


class Doubt(StrEnum):
    """Why a code is not to be believed."""

    UNREADABLE = "unreadable"
    MANGLED = "mangled"
    UNSIGNED = "unsigned"
    FOREIGN_SIGNATURE = "foreign-signature"
    FORGED = "forged"
    UNKNOWN_ISSUER = "unknown-issuer"
    NOT_ENTITLED = "not-entitled"
    KEY_NOT_VALID = "key-not-valid"
    KEY_REVOKED = "key-revoked"
    STALE_TRUST_LIST = "stale-trust-list"
    NEWER_KEY = "newer-key"


class Note(StrEnum):
    """A side note. It never changes the verdict."""

    LOOKALIKE_HOST = "lookalike-host"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Genuine:
    """Signed by a key that its issuer was entitled to use for this GTIN.

    It proves that the code was issued, not that the item in the hand is the
    one it was issued for. `lot` and `expiry` (YYMMDD, as printed) are signed;
    None where the code carries none. `provisional`: the trust list is past its
    date but within its grace.
    """

    item: ItemId
    issuer: IssuerId
    issuer_name: str
    key_slot: int
    lot: str | None
    expiry: str | None
    notes: tuple[Note, ...] = ()
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Read, but not to be believed. `doubt` says why, `offset` where reading stopped.

    `item` is what the text claims to be, where it can be read; `lot` and `expiry`
    are what it claims, unproven. `issuer` holds the claimed GTIN's company prefix,
    which says nothing about who printed the code. `revoked_at` is set for
    `Doubt.KEY_REVOKED` alone: a batch registered before it stays genuine, which
    only the item's history can tell. `key_slot`: of the issuer's key under which the
    signature verifies; None where none does.
    """

    doubt: Doubt
    offset: int | None = None
    detail: str = ""
    item: ItemId | None = None
    issuer: IssuerId | None = None
    issuer_name: str | None = None
    lot: str | None = None
    expiry: str | None = None
    revoked_at: datetime | None = None
    notes: tuple[Note, ...] = ()
    key_slot: int | None = None


Verdict = Genuine | Doubtful
