"""How well anybody could do: the chance that scans tell of an attack at all.

A code that is on `fakes` packs beside the original shows only when two of these packs have
been scanned. With scan probability 5 % and 10 copies that is one attack in ten.
"""

from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from authenticity.gs1.item import ItemId
from simulation.attacks import AttackFamily

ATTACK_FORMAT: Final = 1


def two_seen(fakes: int, fake: float, original: float) -> float:
    """P(at least two of the original and its copies are scanned), each on its own.

    `fake` and `original` are the probabilities that one copy, and the original, is
    scanned at all.
    """
    none_of_fakes = (1 - fake) ** fakes
    one_of_fakes = fakes * fake * (1 - fake) ** (fakes - 1) if fakes else 0.0
    return 1 - none_of_fakes - (1 - original) * one_of_fakes


def one_seen(fakes: int, fake: float) -> float:
    """P(at least one of so many packs is scanned)."""
    return 1 - (1 - fake) ** fakes


def any_of(*probabilities: float) -> float:
    """P(at least one of these independent events)."""
    none = 1.0
    for probability in probabilities:
        none *= 1 - probability
    return 1 - none


class AttackedItem(Struct, frozen=True):
    """One code that an attack is about.

    `fakes` packs carry it beside the original (or without one, where it was never
    issued). `ceiling` is the probability that scans could tell anybody of the attack on
    this code: for copies, that at least two of the packs are scanned.
    """

    item: ItemId
    fakes: int
    scan_probability: float
    original_scan_probability: float
    ceiling: float


class AttackRecord(Struct, frozen=True):
    """One attack, whether or not it left a scan.

    `begins_at`, UTC, is when its goods or scans first appear. `publisher` and `sessions`
    are the attackers' own, where they scan themselves; fresh ones are not listed.
    """

    v: int
    id: str
    family: AttackFamily
    style: str
    begins_at: datetime
    items: tuple[AttackedItem, ...]
    publisher: str | None
    sessions: tuple[str, ...]

    @property
    def ceiling(self) -> float:
        """P(scans could tell of the attack by one of its codes)."""
        hidden = 1.0
        for item in self.items:
            hidden *= 1 - item.ceiling
        return 1 - hidden


_decoder = msgspec.json.Decoder(AttackRecord)


def encode_attack(record: AttackRecord) -> bytes:
    """One line of JSON, without the line feed."""
    return msgspec.json.encode(record)


def decode_attack(line: bytes) -> AttackRecord:
    """Inverse of `encode_attack`. Raises `msgspec.ValidationError`: only we write these."""
    return _decoder.decode(line)
