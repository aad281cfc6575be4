"""Items with two scans each, as a ledger in service holds them by the million."""

from collections.abc import Iterator
from hashlib import blake2b
from random import Random
from typing import Final

from authenticity.gs1.item import ItemId, item_id
from authenticity.history.history import encode_history, history_of
from authenticity.history.observation import Observation
from authenticity.records.scan import to_epoch_ms
from authenticity.records.serial import ALPHABET
from benchmarks.speed.printed_codes import NOW

_GTIN: Final = "09521234000013"


def seen_items(count: int) -> Iterator[tuple[ItemId, bytes]]:
    """Items and their encoded histories, in the random order in which packs are first scanned."""
    numbers = list(range(count))
    Random(count).shuffle(numbers)
    for number in numbers:
        observations = (observation_of(number, 0), observation_of(number, 1))
        yield numbered_item(number), encode_history(history_of(observations))


def numbered_item(number: int) -> ItemId:
    """An item whose serial follows from the number, spread like random minted serials."""
    digest = int.from_bytes(blake2b(number.to_bytes(8, "big"), digest_size=12).digest(), "big")
    serial = ""
    for _ in range(16):
        digest, digit = divmod(digest, len(ALPHABET))
        serial += ALPHABET[digit]
    return item_id(_GTIN, serial)


def observation_of(number: int, visit: int) -> Observation:
    """An observation of a phone: session and network of its own, a place, a lot, an expiry."""
    mixed = (number * 1_000_003 + visit) * 0x9E3779B97F4A7C15 % 2**64
    return Observation(
        mixed, mixed >> 32, to_epoch_ms(NOW) + visit * 86_400_000, mixed >> 31 & 0xFFFFFFFF, 0, 0,
        0, 3, 375_665, 1_269_780, 2_000, "KR", "L2026-07", 281231, mixed >> 32 & 0xFFFFFFFF | 1, 1,
        1, 1, 0, 0, 0,
    )  # fmt: skip
