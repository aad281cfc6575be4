"""Honest behaviour is as frequent as its rates say, and each can be switched off."""

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from math import radians
from typing import Any

import pytest

from authenticity.history.observation import great_circle_km
from authenticity.records.network import NetworkClass, NetworkEvidence
from authenticity.records.place import PlaceSource
from authenticity.records.scan import SCAN_FORMAT, decode_scan, encode_scan
from simulation.behaviour import Rates
from simulation.chain import Chain
from simulation.cities import ADDRESSES, CITIES, COUNTRIES
from simulation.noise import SILENCE, Noise
from simulation.traffic import BENCHMARK, Line, Scenario, Traffic
from tests.support.benchmark_world import everything, scenario

OFTEN = Rates(
    consumer=0.5, shown=0.002, viral=0.002, inspected=0.05, destroyed=0.02, returned=0.2,
    traveller=0.1, resale=0.2,
)  # fmt: skip
LIVELY = scenario(2_000, rates=OFTEN, scan_rates=(), chain=Chain(tills=0.5, parallel_batches=1.0))


@pytest.fixture(scope="module")
def lively() -> list[Line]:
    return everything(Traffic(LIVELY))


def network_of(line: Line) -> NetworkEvidence:
    assert line.scan.network is not None
    return line.scan.network


def behaviours(lines: list[Line]) -> Counter[str]:
    return Counter(line.truth.behaviour for line in lines)


def test_the_preset_has_the_numbers_of_the_design() -> None:
    world = Traffic(BENCHMARK).world
    assert len(world.batches) == 2_000
    assert len({world.product_number(batch) for batch in world.batches}) == 200
    assert len(COUNTRIES) >= 40
    assert BENCHMARK.scan_rates == (0.01, 0.05, 0.10, 0.30)
    assert BENCHMARK.chain == Chain(sharing=0.3, read_misses=(0.0, 0.1, 0.2, 0.4))


def test_every_country_has_its_addresses_and_they_are_worse_in_africa_and_asia() -> None:
    assert set(ADDRESSES) == set(COUNTRIES)
    assert all(3 <= each.fixed_km <= 16 for each in ADDRESSES.values())
    far = {each.mobile_km for each in ADDRESSES.values() if each.region in ("Africa", "Asia")}
    near = {each.mobile_km for each in ADDRESSES.values() if each.region not in ("Africa", "Asia")}
    assert min(far) > max(near) and min(near) >= 179 and max(near) <= 207
    assert len({city.name for city in CITIES}) == len(CITIES) >= 120


def test_as_many_packs_are_scanned_as_the_rate_says() -> None:
    scanned: Counter[float] = Counter()
    packs: Counter[float] = Counter()
    traffic = Traffic(scenario(8_000, seed=4, production_days=100))
    for index in range(8_000):
        rate = traffic.scan_probability(index)
        packs[rate] += 1
        lines = traffic.of_pack(index)
        scanned[rate] += any(line.truth.behaviour == "first look" for line in lines)
    assert set(packs) == {0.01, 0.05, 0.10, 0.30}
    for rate, number in packs.items():
        # destroyed packs are not opened, and some are sold after the last day
        assert scanned[rate] / number == pytest.approx(rate, abs=0.008 + 0.1 * rate)


def test_one_scan_rate_can_be_set_for_all_products() -> None:
    traffic = Traffic(scenario(1_000, scan_rates=(0.05,)))
    assert {traffic.scan_probability(index) for index in range(1_000)} == {0.05}


@pytest.mark.parametrize(
    ("behaviour", "off"),
    [
        ("retry", {"retry": 0.0}),
        ("household", {"household": 0.0}),
        ("shelf", {"shelf": 0.0}),
        ("traveller", {"traveller": 0.0}),
        ("resale", {"resale": 0.0}),
        ("return", {"returned": 0.0}),
        ("inspection", {"inspected": 0.0}),
        ("destruction", {"destroyed": 0.0}),
        ("shown", {"shown": 0.0}),
        ("viral", {"viral": 0.0}),
        ("first look", {"consumer": 0.0}),
    ],
)
def test_each_behaviour_can_be_switched_off(
    lively: list[Line], behaviour: str, off: dict[str, Any]
) -> None:
    without = replace(LIVELY, items=300, rates=replace(OFTEN, **off))
    assert behaviours(lively)[behaviour] > 0
    assert behaviours(everything(Traffic(without)))[behaviour] == 0


@pytest.mark.parametrize(
    ("behaviour", "chain"),
    [
        ("shipment", Chain(sharing=0.0)),
        ("shipment", Chain(read_misses=(1.0,))),
        ("sale", Chain(tills=0.0)),
        ("parallel-trade", Chain(parallel_batches=0.0)),
    ],
)
def test_each_link_of_the_chain_can_be_switched_off(
    lively: list[Line], behaviour: str, chain: Chain
) -> None:
    assert behaviours(lively)[behaviour] > 0
    without = everything(Traffic(replace(LIVELY, items=400, chain=chain)))
    assert behaviours(without)[behaviour] == 0


def test_resale_comes_weeks_or_months_later(lively: list[Line]) -> None:
    first: dict[str, float] = {}
    gaps: list[float] = []
    for _, truth in lively:
        if truth.behaviour == "first look":
            first[truth.item] = truth.true_at.timestamp()
        if truth.behaviour == "resale":
            gaps.append((truth.true_at.timestamp() - first[truth.item]) / 86_400)
    assert min(gaps) >= 6.9
    assert sorted(gaps)[len(gaps) // 2] > 20


def test_a_shown_pack_is_scanned_by_hundreds_in_one_place(lively: list[Line]) -> None:
    by_pack: dict[str, list[Line]] = {}
    for line in lively:
        if line.truth.behaviour == "shown":
            by_pack.setdefault(line.truth.physical, []).append(line)
    assert by_pack
    for lines in by_pack.values():
        assert len({line.scan.session for line in lines}) == len(lines)
        assert len({(line.truth.true_lat, line.truth.true_lon) for line in lines}) == 1


def test_a_viral_photo_is_read_from_screens_in_many_countries(lively: list[Line]) -> None:
    viral = [line.truth for line in lively if line.truth.behaviour == "viral"]
    assert {truth.thing for truth in viral} == {"screen"}
    assert all(truth.genuine and truth.attack is None for truth in viral)
    assert len({truth.true_country for truth in viral}) > 30


def test_legal_parallel_trade_is_declared_and_read_in_a_market_that_was_added() -> None:
    traffic = Traffic(scenario(4_000, chain=Chain(parallel_batches=1.0)))
    added = 0
    for number in traffic.world.batches:
        headers = traffic.world.headers(number)
        if len(headers) > 1:
            (_, before), (_, after) = headers
            assert before.revision < after.revision
            assert set(after.markets) - set(before.markets) == {
                traffic.world.parallel_market(number)
            }
            added += 1
    assert added > len(traffic.world.batches) / 2
    for scan, truth in everything(traffic):
        if truth.behaviour == "parallel-trade":
            assert scan.authorised and scan.act is not None
            batch = traffic.world.pack(int(truth.physical.split("-")[1])).batch
            assert truth.true_country in batch.markets


def test_a_case_is_named_by_one_sscc_and_holds_two_dozen_packs() -> None:
    traffic = Traffic(scenario(2_000, chain=Chain(sharing=1.0, read_misses=(0.0,))))
    cases: dict[str, set[str]] = {}
    for scan, truth in everything(traffic):
        if scan.operation:
            cases.setdefault(scan.operation, set()).add(truth.physical)
            assert scan.operation.startswith("https://id.gs1.org/00/")
            assert len(scan.operation.rpartition("/")[2]) == 18
    assert max(map(len, cases.values())) == 24
    assert sum(map(len, cases.values())) == 2_000


def test_partners_miss_the_share_that_they_are_given() -> None:
    def shipments(misses: float) -> int:
        chain = Chain(sharing=1.0, read_misses=(misses,), parallel_batches=0.0)
        return behaviours(everything(Traffic(scenario(2_400, chain=chain, scan_rates=(0.0,)))))[
            "shipment"
        ]

    assert shipments(0.4) / shipments(0.0) == pytest.approx(0.6, abs=0.1)


def test_a_late_manifest_arrives_when_packs_of_the_batch_were_scanned() -> None:
    noise = replace(SILENCE, late_manifests=1.0)
    traffic = Traffic(scenario(4_000, noise=noise))
    earlier = 0
    first: dict[str, float] = {}
    for scan, truth in everything(traffic):
        batch = traffic.world.pack(int(truth.physical.split("-")[1])).batch
        at = scan.received_at.timestamp()
        first[batch.batch_id] = min(at, first.get(batch.batch_id, at))
    for arrives_at, header in traffic.headers():
        earlier += first.get(header.batch_id, 2e10) < arrives_at.timestamp()
    assert earlier > 0.8 * len(traffic.world.batches)


def strangers(**changes: Any) -> list[Line]:
    noise = replace(SILENCE, place_errors=True, **changes)
    lines = everything(
        Traffic(scenario(4_000, scan_rates=(0.3,), chain=Chain(sharing=0.0), noise=noise))
    )
    return [line for line in lines if line.truth.behaviour in ("first look", "shelf")]


def test_networks_and_places_come_in_their_shares() -> None:
    scans = strangers(vpn=0.05)
    tunnelled = [line for line in scans if "vpn" in line.truth.noise]
    assert len(tunnelled) / len(scans) == pytest.approx(0.05, abs=0.02)
    direct = [network_of(line) for line in scans if "vpn" not in line.truth.noise]
    kinds = Counter(network.kind for network in direct)
    assert set(kinds) == {NetworkClass.FIXED, NetworkClass.MOBILE}
    assert kinds[NetworkClass.FIXED] / len(direct) == pytest.approx(0.40, abs=0.03)
    states_place = [line.scan.place for line in scans if line.scan.place]
    assert len(states_place) / len(scans) == pytest.approx(0.25, abs=0.03)
    assert {place.source for place in states_place} == {PlaceSource.GPS}


def test_most_exits_of_tunnels_are_known_as_such_and_all_are_abroad() -> None:
    tunnelled = [line for line in strangers(vpn=1.0) if "vpn" in line.truth.noise]
    for line in tunnelled:
        assert network_of(line).country != line.truth.true_country
    unnoticed = [line for line in tunnelled if network_of(line).kind is NetworkClass.FIXED]
    assert {network_of(line).kind for line in tunnelled} == {
        NetworkClass.FIXED, NetworkClass.TUNNEL, NetworkClass.HOSTING,
    }  # fmt: skip
    assert len(unnoticed) / len(tunnelled) == pytest.approx(0.2, abs=0.1)


def test_the_errors_of_addresses_are_as_large_as_published() -> None:
    off: dict[NetworkClass, list[float]] = {NetworkClass.FIXED: [], NetworkClass.MOBILE: []}
    for line in strangers(vpn=0.0):
        network = network_of(line)
        assert network.lat is not None and network.lon is not None
        lat, lon = radians(line.truth.true_lat), radians(line.truth.true_lon)
        apart = radians(network.lon) - lon
        off[network.kind].append(great_circle_km(lat, radians(network.lat), apart))
    fixed, mobile = (sorted(errors)[len(errors) // 2] for errors in off.values())
    assert 5 < fixed < 16
    assert 179 < mobile < 320


def test_a_database_says_one_thing_of_a_network() -> None:
    said: dict[str, set[NetworkEvidence]] = {}
    for line in strangers(vpn=0.05):
        said.setdefault(network_of(line).network, set()).add(network_of(line))
    assert all(len(each) == 1 for each in said.values())


def test_a_carriers_customers_share_few_networks_and_neighbours_share_theirs() -> None:
    scans = strangers(vpn=0.0)
    users: dict[NetworkClass, Counter[str]] = {kind: Counter() for kind in NetworkClass}
    for line in scans:
        users[network_of(line).kind][network_of(line).network] += 1
    fixed, mobile = users[NetworkClass.FIXED], users[NetworkClass.MOBILE]
    assert mobile.total() / len(mobile) > 2 * fixed.total() / len(fixed)


def test_a_household_has_one_line() -> None:
    rates = replace(OFTEN, household=1.0, shown=0.0, viral=0.0, traveller=0.0, resale=0.0)
    lines = everything(Traffic(replace(LIVELY, items=600, rates=rates)))
    homes: dict[str, set[str]] = {}
    for line in lines:
        home = line.truth.behaviour in ("first look", "household", "retry")
        if home and network_of(line).kind is NetworkClass.FIXED:
            homes.setdefault(line.truth.physical, set()).add(network_of(line).network)
    assert sum(len(networks) == 1 for networks in homes.values()) == len(homes) > 100


def test_a_published_scan_is_what_a_service_would_have_made_of_it() -> None:
    lines = everything(Traffic(replace(LIVELY, items=600, noise=Noise(), attack_rate=0.05)))
    stamps: dict[str, str | None] = {}
    for scan, truth in lines:
        assert scan.v == SCAN_FORMAT and scan == decode_scan(encode_scan(scan))
        assert scan.session and re.fullmatch("[0-9a-f]{16}", scan.session)
        assert stamps.setdefault(scan.scan_id, scan.selection) == scan.selection
        if scan.authorised:
            assert scan.network is None
            continue
        assert scan.network is not None
        assert scan.place is None or scan.place.source is PlaceSource.GPS
        again = not {"duplicate", "backlog"}.isdisjoint(truth.noise)
        delay = scan.received_at - scan.captured_at
        assert again or timedelta(minutes=-5) <= delay <= timedelta(hours=72)
    assert len(set(stamps.values())) == len(stamps)


def test_a_backlog_sends_all_of_a_known_publishers_day_again() -> None:
    noise = replace(SILENCE, backlogs=0.05)
    lines = everything(Traffic(scenario(2_000, noise=noise)))
    days: dict[tuple[str, int], list[bool]] = {}
    for scan, truth in lines:
        if not scan.authorised:
            assert "backlog" not in truth.noise
            continue
        day = int(truth.true_at.timestamp() // 86_400)
        days.setdefault((scan.publisher, day), []).append("backlog" in truth.noise)
    again = [each for each in days.values() if any(each)]
    assert again
    assert all(sum(each) * 2 == len(each) for each in again)


@pytest.mark.parametrize("world", [scenario(1_000, noise=Noise()), Scenario(3, 1_000)])
def test_the_same_pack_lives_the_same_life_in_any_process(world: Scenario) -> None:
    one, other = Traffic(world), Traffic(world)
    forwards = {index: one.of_pack(index) for index in range(0, 1_000, 7)}
    for index in reversed(range(0, 1_000, 7)):
        assert other.of_pack(index) == forwards[index]
