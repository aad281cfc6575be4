"""Who an item is: GTIN and serial, written as one URI."""

from functools import lru_cache
from hashlib import blake2b
from typing import NewType
from urllib.parse import quote, unquote

ItemId = NewType("ItemId", str)
"""`https://id.gs1.org/01/{gtin14}/21/{serial}`, the serial percent-encoded; or,
for text that names no item, `urn:touchstone:text:{32 hex digits}`."""

EntityId = NewType("EntityId", str)
"""What an alert may be about beside an item: a batch, `https://id.gs1.org/01/{gtin14}/10/{lot}`;
a custody leg, its batch with `#` and the scanner's eight hex digits; a batch in one country, its
batch with `#` and the country's two capitals; or a scanner,
`urn:touchstone:scanner:{hex digits}`."""

ITEM_PREFIX = "https://id.gs1.org/01/"
TEXT_PREFIX = "urn:touchstone:text:"
SCANNER_PREFIX = "urn:touchstone:scanner:"
_PART = "#"
_GTIN_AT = len(ITEM_PREFIX)
_GTIN_END = _GTIN_AT + 14
_SERIAL_AT = _GTIN_END + len("/21/")
_COUNTRY_CHARACTERS = 2


def item_id(gtin: str, serial: str) -> ItemId:
    """The item with this 14-digit GTIN and decoded serial. Neither is checked here."""
    plain = serial.isascii() and serial.isalnum()  # spares the usual serial the slow way
    return ItemId(f"{ITEM_PREFIX}{gtin}/21/{serial if plain else quote(serial, safe='')}")


def text_id(text: str) -> ItemId:
    """A stand-in id for text that names no item: the same text, the same id."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return ItemId(TEXT_PREFIX + digest)


def names_an_item(item: ItemId) -> bool:
    """Whether this id stands for GTIN and serial, not for a mere text."""
    return item.startswith(ITEM_PREFIX)


def gtin_and_serial(item: ItemId) -> tuple[str, str] | None:
    """The 14-digit GTIN and the decoded serial, or None for a mere text."""
    if not item.startswith(ITEM_PREFIX):
        return None
    serial = item[_SERIAL_AT:]
    return item[_GTIN_AT:_GTIN_END], unquote(serial) if "%" in serial else serial


def gtin_of(item: ItemId) -> str | None:
    """The 14-digit GTIN, or None for a mere text."""
    return item[_GTIN_AT:_GTIN_END] if names_an_item(item) else None


def serial_of(item: ItemId) -> str | None:
    """The decoded serial, or None for a mere text."""
    return unquote(item[_SERIAL_AT:]) if names_an_item(item) else None


@lru_cache(4_096)
def batch_entity(gtin: str, lot: str) -> EntityId:
    """The packs of this product that carry this lot, or, where it is empty, none."""
    return EntityId(f"{ITEM_PREFIX}{gtin}/10/{quote(lot, safe='')}")


def custody_leg_entity(gtin: str, lot: str, number: int) -> EntityId:
    """Those packs of a batch that one known scanner had in custody."""
    return EntityId(f"{batch_entity(gtin, lot)}{_PART}{number:08x}")


@lru_cache(4_096)
def batch_in_country_entity(gtin: str, lot: str, country: str) -> EntityId:
    """Those packs of a batch that were seen in one country (ISO 3166-1 alpha-2)."""
    return EntityId(f"{batch_entity(gtin, lot)}{_PART}{country}")


def batch_within(entity: EntityId) -> EntityId:
    """The batch that a custody leg, or a batch in one country, is part of; any other entity as
    it is."""
    return EntityId(entity.partition(_PART)[0])


def gtin_and_lot(entity: EntityId) -> tuple[str, str | None]:
    """The product and the lot of a batch, or of a part of one; the lot is None where its packs
    carry none. Of any other entity both are empty."""
    batch = batch_within(entity)
    if not batch.startswith(ITEM_PREFIX):
        return "", None
    return batch[_GTIN_AT:_GTIN_END], unquote(batch[_GTIN_END + len("/10/") :]) or None


def country_of(entity: EntityId) -> str | None:
    """The country of a batch in one country, None for any other entity."""
    part = entity.partition(_PART)[2]
    return part if len(part) == _COUNTRY_CHARACTERS else None


def is_about_custodian(entity: EntityId) -> bool:
    """Whether it is about what one scanner had in custody: a scanner or a custody leg, no batch."""
    is_part = _PART in entity and country_of(entity) is None
    return entity.startswith(SCANNER_PREFIX) or is_part


def scanner_entity(number: int, *, known: bool) -> EntityId:
    """A scanner by the hash that histories keep of it: of its publisher if it is known, of
    its session otherwise."""
    return EntityId(f"{SCANNER_PREFIX}{'a' if known else 's'}{number:08x}")


def network_entity(number: int) -> EntityId:
    """Whoever scans anonymously from one network, by the number that histories keep of it."""
    return EntityId(f"{SCANNER_PREFIX}n{number:08x}")
