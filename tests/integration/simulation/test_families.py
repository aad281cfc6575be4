"""Every attack family leaves the traces that it should, and no others."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest

from authenticity.gs1.item import ItemId, gtin_of, serial_of
from authenticity.records.batch import Batch
from authenticity.records.place import PlaceSource
from authenticity.records.scan import Act, Channel
from authenticity.records.serial_filter import may_hold
from authenticity.trust.trust_list import read_trust_list
from authenticity.trust.verdict import Doubt, Doubtful, Genuine
from authenticity.trust.verify import verify
from simulation.attacks import FAMILIES, AttackFamily
from simulation.traffic import Line, Traffic
from tests.support.benchmark_world import attacked_by, everything, scenario


def attacked(traffic: Traffic) -> list[Line]:
    found = [line for line in everything(traffic) if line.truth.attack is not None]
    assert found
    return found


def by_item(lines: Iterable[Line]) -> Iterator[tuple[ItemId, list[Line]]]:
    grouped: dict[ItemId, list[Line]] = {}
    for line in lines:
        grouped.setdefault(line.truth.item, []).append(line)
    yield from grouped.items()


def fakes_of(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if line.truth.thing == "fake"]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_can_be_switched_off_alone(family: AttackFamily) -> None:
    others = tuple(each for each in FAMILIES if each is not family)
    plan = Traffic(scenario(3_000, attack_rate=0.01, families=others)).plan
    launched = {plan.attack(number)[0].family for number in range(plan.count)}
    assert launched == set(others)


def test_all_packs_of_one_attack_are_of_one_batch() -> None:
    traffic = Traffic(scenario(20_000, attack_rate=0.002))
    for number in range(traffic.plan.count):
        _, taken = traffic.plan.attack(number)
        assert len(taken) >= 1
        assert len({traffic.world.batch_number(index) for index in taken}) == 1


def test_copies_of_the_same_city_stay_in_it() -> None:
    traffic = attacked_by(AttackFamily.SAME_CITY, items=1_500, scan_rates=(0.3,))
    for _, lines in by_item(attacked(traffic)):
        fakes = fakes_of(line for line in lines if line.truth.behaviour == "first look")
        assert len({line.truth.true_country for line in fakes}) <= 1
        for line in fakes:
            other = fakes[0].truth
            assert abs(line.truth.true_lat - other.true_lat) < 0.7


def test_copies_taken_before_the_sale_are_seen_before_the_original_is_sold() -> None:
    traffic = attacked_by(AttackFamily.BEFORE_SALE, items=3_000, attack_rate=0.02)
    checked = 0
    for _, lines in by_item(attacked(traffic)):
        first_scans = [line for line in lines if line.truth.behaviour == "first look"]
        fakes = [line.truth.true_at for line in first_scans if not line.truth.genuine]
        originals = [line.truth.true_at for line in first_scans if line.truth.genuine]
        if fakes and originals:
            checked += 1
            assert min(fakes) < min(originals)
    assert checked > 5


def test_copies_taken_after_use_are_seen_after_the_original_was_opened() -> None:
    traffic = attacked_by(AttackFamily.AFTER_USE, items=3_000, attack_rate=0.02)
    checked = 0
    for _, lines in by_item(attacked(traffic)):
        originals = [line.truth.true_at for line in lines if line.truth.behaviour == "first look"
                     and line.truth.genuine]  # fmt: skip
        fakes = [line.truth.true_at for line in fakes_of(lines)]
        if fakes and originals:
            checked += 1
            assert min(originals) < min(fakes)
    assert checked > 5


def test_a_destroyed_or_sold_item_is_seen_again_later() -> None:
    for _, lines in by_item(attacked(attacked_by(AttackFamily.REUSE))):
        ends = [line.truth.true_at for line in lines if line.truth.genuine and line.scan.act]
        assert len(ends) == 1
        assert all(line.truth.true_at > ends[0] for line in fakes_of(lines))


def test_a_colluding_scanner_speaks_for_every_copy() -> None:
    traffic = attacked_by(AttackFamily.COLLUDING)
    records = {record.id: record for record in traffic.attacks()}
    assert {record.style for record in records.values()} == {"till", "wholesaler"}
    spoken: dict[str, set[str]] = {}
    fakes: dict[str, set[str]] = {}
    for scan, truth in attacked(traffic):
        if truth.thing == "fake" and truth.attack_id:
            fakes.setdefault(truth.attack_id, set()).add(truth.physical)
            if scan.act in (Act.SELL, Act.INSPECT_CONFORMANT) and scan.authorised:
                assert scan.publisher == records[truth.attack_id].publisher
                spoken.setdefault(truth.attack_id, set()).add(truth.physical)
    assert spoken == fakes


def test_copies_travel_on_under_the_sscc_of_the_case_that_was_emptied() -> None:
    lines = attacked(attacked_by(AttackFamily.SWAPPED_CONTENTS))
    shipments = [line for line in lines if line.scan.operation]
    assert {line.truth.thing for line in shipments} == {"pack", "fake"}
    for _, of_item in by_item(shipments):
        assert len({line.scan.operation for line in of_item}) == 1
        order = [line.truth.genuine for line in sorted(of_item, key=lambda x: x.truth.true_at)]
        assert order == sorted(order, reverse=True)


def test_a_stolen_key_signs_what_no_batch_holds() -> None:
    traffic = attacked_by(AttackFamily.STOLEN_KEY, items=1_500)
    world = traffic.world
    trust_list = read_trust_list(world.trust_document, world.roots, at=world.start)
    batches = {(b.gtin, b.lot): b for b in (world.batch(number) for number in world.batches)}
    kinds: set[str] = set()
    held: list[bool] = []
    for scan, truth in attacked(traffic):
        verdict = verify(scan.code, trust_list, scan.captured_at)
        assert isinstance(verdict, Genuine)
        batch = batches.get((gtin_of(truth.item) or "", verdict.lot))
        kinds.add("existing lot" if batch else "invented lot")
        if batch is not None:
            held.append(may_hold(batch.serials or b"", serial_of(truth.item) or ""))
    assert sum(held) <= 0.02 * len(held)  # a filter takes one in 1,024 for its own
    assert kinds == {"existing lot", "invented lot"}
    assert {record.style for record in traffic.attacks()} == kinds


@pytest.mark.parametrize(
    ("family", "least_days", "most_days"),
    [(AttackFamily.GUESSING_FAST, 0.0, 0.05), (AttackFamily.GUESSING_SLOW, 8.0, 61.0)],
)
def test_guesses_come_from_the_sessions_on_record_fast_or_slow(
    family: AttackFamily, least_days: float, most_days: float
) -> None:
    traffic = attacked_by(family, items=2_000, attack_rate=0.005)
    records = {record.id: record for record in traffic.attacks()}
    times: dict[str, list[float]] = {}
    for scan, truth in attacked(traffic):
        assert truth.thing == "screen" and not truth.genuine
        assert truth.attack_id is not None
        assert scan.session in records[truth.attack_id].sessions
        times.setdefault(truth.attack_id, []).append(truth.true_at.timestamp())
    for each in times.values():
        assert least_days <= (max(each) - min(each)) / 86_400 <= most_days


def test_diverted_packs_are_genuine_and_sold_outside_their_markets() -> None:
    traffic = attacked_by(AttackFamily.DIVERSION)
    first_scans = [line for line in attacked(traffic) if line.truth.behaviour == "first look"]
    assert first_scans
    for line in first_scans:
        batch = _batch_of(traffic, line)
        assert line.truth.genuine and line.truth.true_country not in batch.markets


def _batch_of(traffic: Traffic, line: Line) -> Batch:
    return traffic.world.pack(int(line.truth.physical.split("-")[1])).batch


def test_a_relabelled_pack_is_read_in_plain_text_by_a_known_scanner() -> None:
    traffic = attacked_by(AttackFamily.RELABELLED)
    world = traffic.world
    trust_list = read_trust_list(world.trust_document, world.roots, at=world.start)
    read = [line for line in attacked(traffic) if line.truth.behaviour == "print read"]
    assert read
    for scan, truth in read:
        verdict = verify(scan.code, trust_list, scan.captured_at)
        assert isinstance(verdict, Doubtful) and verdict.doubt is Doubt.UNSIGNED
        assert scan.authorised and verdict.item == truth.item
        batch = _batch_of(traffic, Line(scan, truth))
        assert (verdict.lot, verdict.expiry) != (batch.lot, batch.expiry)


def test_poison_is_scanned_from_a_screen_in_places_where_nobody_is() -> None:
    traffic = attacked_by(AttackFamily.POISONING)
    poison = [line for line in attacked(traffic) if line.truth.behaviour == "poisoning"]
    assert {record.style for record in traffic.attacks()} == {
        "burst", "spread", "one fresh session a scan"
    }  # fmt: skip
    for scan, truth in poison:
        assert truth.thing == "screen" and truth.genuine
        assert not scan.authorised and scan.channel is Channel.CONSUMER
    elsewhere = [
        line for line in poison
        if line.scan.place and line.scan.place.country != line.truth.true_country
    ]  # fmt: skip
    assert len(elsewhere) > len(poison) / 2


def test_a_poisoner_has_few_networks_and_invents_places_and_times_alone() -> None:
    traffic = attacked_by(AttackFamily.POISONING)
    networks: dict[str, set[str]] = {}
    backdated = 0
    for scan, truth in attacked(traffic):
        if truth.behaviour != "poisoning" or truth.attack_id is None:
            continue
        assert scan.network is not None and not scan.clamped
        networks.setdefault(truth.attack_id, set()).add(scan.network.network)
        assert scan.place is not None and scan.place.source is PlaceSource.GPS
        assert scan.received_at - scan.captured_at <= timedelta(hours=72)
        backdated += truth.true_at - scan.captured_at > timedelta(minutes=6)
    sizes = {len(each) for each in networks.values()}
    assert min(sizes) == 1 and 1 < max(sizes) <= 4
    assert backdated


@pytest.mark.parametrize("family", [AttackFamily.GUESSING_FAST, AttackFamily.GUESSING_SLOW])
def test_who_guesses_serials_has_one_network(family: AttackFamily) -> None:
    networks: dict[str, set[str]] = {}
    for scan, truth in attacked(attacked_by(family)):
        if truth.behaviour == "guess" and truth.attack_id is not None:
            assert scan.network is not None
            networks.setdefault(truth.attack_id, set()).add(scan.network.network)
    assert networks and all(len(each) == 1 for each in networks.values())


def test_an_attack_leaves_the_codes_beside_it_honest() -> None:
    """The genuine pack beside an invented serial lives on, without a label."""
    traffic = attacked_by(AttackFamily.UNSIGNED, attack_rate=0.05)
    concerned = {item.item for each in traffic.attacks() for item in each.items}
    for _, truth in everything(traffic):
        assert (truth.attack is not None) == (truth.item in concerned)


def test_one_serial_is_on_ten_to_ten_thousand_copies() -> None:
    traffic = Traffic(
        scenario(12_000, attack_rate=0.005, families=(AttackFamily.COPIES,), most_copies=10_000)
    )
    fakes = sorted(record.items[0].fakes for record in traffic.attacks())
    assert fakes[0] >= 10 and fakes[-1] <= 10_000
    assert fakes[0] < 40 and fakes[-1] > 3_000
    middle = fakes[len(fakes) // 2]
    assert 100 < middle < 1_000  # log-uniform: half of them below 316
