"""What the ledger gives to its readers."""

from datetime import datetime
from enum import StrEnum
from typing import Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import FindingKind
from authenticity.detection.policy import Severity
from authenticity.errors import InputError
from authenticity.gs1.item import ITEM_PREFIX, SCANNER_PREFIX, TEXT_PREFIX, EntityId, ItemId
from authenticity.records.dead_letter import DeadLetter
from authenticity.trust.entitlement import Entitlement

Prefixes = tuple[str, ...] | None
"""GS1 company prefixes that a token is limited to; None for no limit. What they open is told
by `authenticity.trust.entitlement` alone."""

T = TypeVar("T")

BEYOND_PRODUCTS: Final = "}"
"""Above every key that begins with a GTIN; with it begin those of scanners."""

decode_alert: Final = msgspec.json.Decoder(Alert).decode
encode_alert: Final = msgspec.json.encode


class CaseError(InputError):
    """A change of a case that its state does not allow, or that lacks a reason."""


class CaseState(StrEnum):
    """Where people are with an alert."""

    NEW = "new"
    ACTIVE = "active"
    INVESTIGATING = "investigating"
    ESCALATED = "escalated"
    CLOSED = "closed"


CASE_MOVES: Final[dict[CaseState, frozenset[CaseState]]] = {
    CaseState.NEW: frozenset({CaseState.ACTIVE, CaseState.INVESTIGATING, CaseState.CLOSED}),
    CaseState.ACTIVE: frozenset({CaseState.INVESTIGATING, CaseState.ESCALATED, CaseState.CLOSED}),
    CaseState.INVESTIGATING: frozenset({CaseState.ACTIVE, CaseState.ESCALATED, CaseState.CLOSED}),
    CaseState.ESCALATED: frozenset({CaseState.INVESTIGATING, CaseState.CLOSED}),
    CaseState.CLOSED: frozenset({CaseState.ACTIVE}),
}
"""From each state to these. A closed case may be taken up again."""


class Page(Struct, Generic[T], frozen=True):
    """Some of a list; given back as `after` the cursor continues it, None at its end."""

    items: tuple[T, ...]
    after: str | None


class CaseStep(Struct, frozen=True):
    """One change of a case, by whom and why. Times are UTC."""

    state: CaseState
    reason: str | None
    by: str
    at: datetime


class AlertRecord(Struct, frozen=True):
    """An alert as it stands, with its case. The case is `new` until `steps` say otherwise."""

    alert: Alert
    raised_at: datetime
    updated_at: datetime
    case: CaseState
    steps: tuple[CaseStep, ...]


class AlertFilter(Struct, frozen=True):
    """Which alerts; what is None or empty does not narrow. `since`: updated at or after.
    `entitlement`: of whose GTINs; None for all of them, and for alerts about scanners."""

    entitlement: Entitlement | None
    kinds: tuple[FindingKind, ...] = ()
    severities: tuple[Severity, ...] = ()
    cases: tuple[CaseState, ...] = ()
    retracted: bool | None = None
    item: ItemId | None = None
    since: datetime | None = None


class FeedEntry(Struct, frozen=True):
    """One change of an alert, in the order in which the ledger knew it."""

    number: int
    at: datetime
    alert: Alert


class CaseChange(Struct, frozen=True):
    """What somebody wants to do with a case. Closing needs a reason."""

    state: CaseState
    reason: str | None
    by: str


class PartsHeld(Struct, frozen=True):
    """How much of the serial list of a large batch is here: `held` of `parts` parts."""

    held: int
    parts: int


class Role(StrEnum):
    """What a token allows."""

    OFFICER = "officer"
    RIGHTS_HOLDER = "rights-holder"
    ISSUER = "issuer"
    ADMIN = "admin"


class TokenRecord(Struct, frozen=True):
    """A bearer token without its secret. `name` is the publisher of its scans. `gateway`: it
    sends the scans of its users, passes their networks, and has no role."""

    id: str
    role: Role | None
    name: str
    prefixes: Prefixes
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    gateway: bool = False


class StoredDeadLetter(Struct, frozen=True):
    """A dead letter with its number in the ledger and the source it came from."""

    number: int
    source: str
    dead_letter: DeadLetter


def to_key(item: ItemId | EntityId) -> str:
    """The key of an item or an entity in the tables: its id without what all ids share.

    Keys are in the order of the ids: products with their batches and items, then scanners,
    then texts.
    """
    if item.startswith(ITEM_PREFIX):
        return item[len(ITEM_PREFIX) :]
    if item.startswith(SCANNER_PREFIX):
        return BEYOND_PRODUCTS + item[len(SCANNER_PREFIX) :]
    return "~" + item.removeprefix(TEXT_PREFIX)


def from_key(key: str) -> ItemId:
    """Inverse of `to_key`. For the key of an entity it is the entity's id."""
    if key.startswith("~"):
        return ItemId(TEXT_PREFIX + key[1:])
    if key.startswith(BEYOND_PRODUCTS):
        return ItemId(SCANNER_PREFIX + key[1:])
    return ItemId(ITEM_PREFIX + key)


def is_about_entity(key: str) -> bool:
    """Whether a batch or a scanner has this key, rather than an item."""
    return key.startswith(BEYOND_PRODUCTS) or key.startswith("/10/", 14)
