"""The input of the pipeline: a maker's trust list, packs, scans of them, a steady load."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from authenticity.gs1.code import read_code
from authenticity.gs1.item import ItemId, item_id
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import PUBLIC_PAGE, SCAN_FORMAT, Act, Channel, Scan, encode_scan
from authenticity.trust.jws import encode_roots
from benchmarks.speed.printed_codes import NOW, printed_codes
from benchmarks.speed.signed_trust_list import signed_document, trust_list_of
from benchmarks.speed.stamped import stamped
from events.publisher import Record
from events.topics import SCANS, scan_key
from simulation.seeded_signer import SeededSigner

SEOUL: Final = Place(37.5665, 126.978, 0.02, PlaceSource.GPS, "KR")
PARIS: Final = Place(48.8566, 2.3522, 0.02, PlaceSource.GPS, "FR")
SCANS_A_SECOND: Final = 1_000
TICK_S: Final = 0.01
_SCANS_A_TICK: Final = int(SCANS_A_SECOND * TICK_S)
_TICKS_AN_ATTACK: Final = 10
_TICKS_BETWEEN: Final = 100
_BEGIN: Final = NOW - timedelta(days=25)
_APART: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Pack:
    """One item and the code printed on it."""

    item: ItemId
    code: str


class Maker:
    """A maker with a key, on a trust list of 200 issuers that one root has signed."""

    def __init__(self) -> None:
        self._signer = SeededSigner(1, "bench")
        self.trust_document, roots = signed_document(trust_list_of(self._signer))
        self.roots_document = encode_roots(roots)

    def packs(self, count: int) -> list[Pack]:
        """All different, and the same ones every time."""
        packs = []
        for code in printed_codes(self._signer, count):
            ais = dict(read_code(code).ais)
            packs.append(Pack(item_id(ais["01"], ais["21"]), code))
        return packs

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Trust list and roots as files, for programs of their own."""
        trust, roots = folder / "trust.jws", folder / "roots.json"
        trust.write_bytes(self.trust_document)
        roots.write_bytes(self.roots_document)
        return trust, roots


def scans_of_each(packs: Iterable[Pack], visit: int, place: Place = SEOUL) -> list[Record]:
    """A scan of each pack, each in a session of its own.

    The next `visit` is another scan, two days later: nothing to alert about.
    """
    begin = _BEGIN + visit * _APART
    return [
        _record(pack, f"look-{visit}", begin + timedelta(milliseconds=number), place, number)
        for number, pack in enumerate(packs)
    ]


def attacks(packs: Sequence[Pack]) -> list[tuple[Record, Record]]:
    """For each pack a sale in a Seoul shop, and one in Paris a day later: proof of two packs."""
    return [
        (
            _record(pack, "seoul", _BEGIN, SEOUL, 0, shop="shop-seoul"),
            _record(pack, "paris", _BEGIN + timedelta(days=1), PARIS, 0, shop="shop-paris"),
        )
        for pack in packs
    ]


def packs_needed(seconds: int) -> int:
    """How many packs `ticks` asks for, at most."""
    return seconds * SCANS_A_SECOND


def ticks(packs: Sequence[Pack], seconds: int) -> Iterator[tuple[list[Record], ItemId | None]]:
    """What to publish every 10 ms, and the item whose alert the first of it decides, if any.

    Each attacked pack is sold in one city, and a second later in another; all other
    scans are the first ones of packs.
    """
    count = round(seconds / TICK_S)
    attacked = attacks(packs[: max(0, (count - _TICKS_BETWEEN) // _TICKS_AN_ATTACK)])
    others = iter(scans_of_each(packs[len(attacked) :], 0))
    for number in range(count):
        records: list[Record] = []
        deciding: ItemId | None = None
        attack, rest = divmod(number, _TICKS_AN_ATTACK)
        if rest == 0:
            back = attack - _TICKS_BETWEEN // _TICKS_AN_ATTACK
            if 0 <= back < len(attacked):
                records.append(attacked[back][1])
                deciding = packs[back].item
            if attack < len(attacked):
                records.append(attacked[attack][0])
        while len(records) < _SCANS_A_TICK:
            records.append(next(others))
        yield records, deciding


def _record(
    pack: Pack,
    name: str,
    captured_at: datetime,
    place: Place,
    number: int,
    *,
    shop: str | None = None,
) -> Record:
    scan_id = f"{name}-{pack.item.rpartition('/')[2]}"
    scan = Scan(
        SCAN_FORMAT, scan_id, shop or PUBLIC_PAGE, pack.code, captured_at,
        captured_at + timedelta(seconds=1), Channel.RETAIL if shop else Channel.CONSUMER,
        shop is not None, f"s-{scan_id}", place, Act.SELL if shop else None,
    )  # fmt: skip
    raw = encode_scan(stamped(scan, number))
    return Record(SCANS, scan_key(pack.item, pack.code), raw)
