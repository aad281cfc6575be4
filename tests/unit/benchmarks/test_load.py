"""The benchmark's scans mean what its figures say of them."""

from collections.abc import Iterable

import pytest

from authenticity.detection.findings import FindingKind
from authenticity.detection.item_state import ItemChange, KnownItem
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.gs1.item import ItemId
from authenticity.history.history import decode_history
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import decode_scan
from authenticity.trust.jws import read_roots
from authenticity.trust.trust_list import TrustList, read_trust_list
from authenticity.trust.verdict import Genuine
from authenticity.trust.verify import verify
from benchmarks.speed.pipeline.load import (
    SCANS_A_SECOND,
    Maker,
    Pack,
    attacks,
    packs_needed,
    scans_of_each,
    ticks,
)
from benchmarks.speed.printed_codes import NOW
from benchmarks.speed.seen_items import numbered_item, seen_items
from events.publisher import Record
from stream.step import CheckedScan, step, updates_of


@pytest.fixture(scope="module")
def maker() -> Maker:
    return Maker()


@pytest.fixture(scope="module")
def packs(maker: Maker) -> list[Pack]:
    return maker.packs(40)


def _trust_list(maker: Maker) -> TrustList:
    return read_trust_list(maker.trust_document, read_roots(maker.roots_document), at=NOW)


def _folded(
    maker: Maker, records: Iterable[Record], known: dict[ItemId, KnownItem]
) -> list[ItemChange]:
    """Fold these records; `known` is brought up to date."""
    trust_list = _trust_list(maker)
    scans = [decode_scan(record.value) for record in records]
    checked = [CheckedScan(s, verify(s.code, trust_list, s.captured_at), 1) for s in scans]
    changes = step(updates_of(checked), known, BatchRegistry(), DEFAULT_POLICY)
    for change in changes:
        history = decode_history(change.history)
        alerts = {alert.kind: alert for alert in change.alerts}
        known[change.item] = KnownItem(history, change.version + 1, alerts)
    return changes


def test_every_code_is_genuine_when_it_is_scanned(maker: Maker, packs: list[Pack]) -> None:
    trust_list = _trust_list(maker)
    for record in scans_of_each(packs, 0) + scans_of_each(packs, 9):
        scan = decode_scan(record.value)
        assert isinstance(verify(scan.code, trust_list, scan.captured_at), Genuine)


def test_further_scans_grow_the_histories_and_alert_about_nothing(
    maker: Maker, packs: list[Pack]
) -> None:
    known: dict[ItemId, KnownItem] = {}
    for visit in range(3):
        changes = _folded(maker, scans_of_each(packs, visit), known)
        assert {change.item for change in changes} == {pack.item for pack in packs}
        assert not any(change.alerts for change in changes)
    assert {len(item.history.observations) for item in known.values()} == {3}


def test_the_second_scan_of_an_attack_decides_an_alert_on_its_item(
    maker: Maker, packs: list[Pack]
) -> None:
    known: dict[ItemId, KnownItem] = {}
    pairs = attacks(packs)
    assert not any(c.alerts for c in _folded(maker, (first for first, _ in pairs), known))
    changes = _folded(maker, (second for _, second in pairs), known)
    assert {change.item for change in changes} == {pack.item for pack in packs}
    for change in changes:
        assert FindingKind.CLONE_CONFIRMED in {alert.kind for alert in change.alerts}


def test_the_paced_load_is_as_fast_as_it_says_and_no_scan_comes_twice(maker: Maker) -> None:
    seconds = 3
    packs = maker.packs(packs_needed(seconds))
    taken = list(ticks(packs, seconds))
    records = [record for some, _ in taken for record in some]
    assert len(taken) == seconds * 100
    assert {len(some) for some, _ in taken} == {SCANS_A_SECOND // 100}
    assert len({record.value for record in records}) == len(records)


def test_a_deciding_scan_comes_first_in_its_tick_a_second_after_its_pair(maker: Maker) -> None:
    packs = maker.packs(packs_needed(3))
    taken = list(ticks(packs, 3))
    deciding = [(number, some[0], item) for number, (some, item) in enumerate(taken) if item]
    assert len(deciding) == 20
    for number, record, item in deciding:
        assert record.key == item.encode()
        [first] = [
            at for at, (some, _) in enumerate(taken[:number])
            if any(other.key == record.key for other in some)
        ]  # fmt: skip
        assert number - first == 100


def test_prefilled_items_are_what_a_scan_of_them_finds() -> None:
    items = dict(seen_items(50))
    assert items.keys() == {numbered_item(number) for number in range(50)}
    assert all(len(decode_history(history).observations) == 2 for history in items.values())
