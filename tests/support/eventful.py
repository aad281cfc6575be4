"""A little of everything that can happen, and what must be known of it in the end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.records.batch import Batch, BatchStatus
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import Act, Scan, encode_scan
from ledger.administration import Snapshot
from simulation.two_makers import LYON, PARIS, TOKYO, World
from stream.export import lines_of
from stream.replay import Replay


def exported(folder: Path) -> list[bytes]:
    """What `touchstone export` prints of the ledger in this folder."""
    with Snapshot(folder / "ledger.sqlite") as ledger:
        return list(
            lines_of(ledger.alerts(), ledger.histories(), ledger.batch_registry(), DEFAULT_POLICY)
        )


def replayed(world: World, scans: Sequence[Scan], batches: Sequence[Batch]) -> list[bytes]:
    replay = Replay(world.trust_list, BatchRegistry(batches), DEFAULT_POLICY)
    replay.feed(enumerate((encode_scan(scan) for scan in scans), 1))
    lines = list(replay.final_lines())
    replay.close()
    assert replay.refused == []
    return lines


KINDS = (
    "clone-confirmed",
    "wrong-batch",
    "recalled",
    "forged",
    "unsigned",
    "campaign",
)
"""What must be found in the eventful scene and a campaign together."""


EVERYTHING = 56
"""Records of the eventful scene and a campaign together."""
A_DAY = 24 * 60
"""In minutes."""


def campaign(world: World, *, items: int = 8) -> tuple[list[Scan], list[Scan]]:
    """A batch, lot C1, of which a shop sells packs whose codes strangers in other countries
    scanned before, so that they seem copied; and the late scans that explain it: the shop had
    sold each already, and it was brought back."""
    scans, late = [], []
    shop: dict[str, Any] = {"publisher": "shop-1", "channel": "retail", "place": LYON}
    for number in range(items):
        code = world.code(lot="C1")
        strangers = world.strangers(code, 4, every=A_DAY)
        sold = world.officer_scan(code, **shop, act=Act.SELL, minutes=number)
        scans += [*strangers, sold]
        late += [
            world.officer_scan(code, **shop, act=Act.SELL, minutes=number - 9 * A_DAY),
            world.officer_scan(code, **shop, act=Act.REACTIVATE, minutes=number - 60),
        ]
    return scans, late


def kinds_of(lines: Sequence[bytes]) -> set[str]:
    """Those of the alerts among these lines that are in `KINDS`."""
    alerts = [line for line in lines if line.startswith(b'{"type":"alert"')]
    return {kind for kind in KINDS if any(f'"kind":"{kind}"'.encode() in a for a in alerts)}


def eventful(world: World) -> tuple[list[Scan], list[Batch]]:
    """Clones, reuse, forgeries, junk, a relabelled pack, a recalled and a late batch."""
    copied, sold, plain, other = (world.code() for _ in range(4))
    recalled = world.code(lot="R1")
    serial = world.serial()
    shop: dict[str, Any] = {"publisher": "shop-1", "channel": "retail", "act": Act.SELL}
    scans = [
        world.scan(copied, place=PARIS),
        world.scan(copied, minutes=30, place=TOKYO),
        world.officer_scan(sold, **shop),
        world.officer_scan(sold, **(shop | {"publisher": "shop-2"}), minutes=600),
        world.scan(plain),
        world.scan(plain, minutes=5),
        world.scan(other),
        world.scan(recalled),
        world.scan(world.code(serial)),
        world.officer_scan(world.unsigned_code(serial, lot="X9"), minutes=7),
        world.officer_scan(world.forged_code()),
        world.officer_scan(world.unsigned_code()),
        world.scan("no code at all"),
    ]
    batches = [
        world.batch(),
        world.batch(batch_id="late", lot="R1"),
        world.batch(batch_id="late", lot="R1", revision=2, status=BatchStatus.RECALLED),
    ]
    return scans, batches
