"""In every world the truth is exact: the ceiling, the journeys of a pack, the names of causes."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from math import radians, sqrt

import pytest
from msgspec import UNSET
from msgspec.structs import replace as replaced

from authenticity.history.observation import great_circle_km
from authenticity.records.network import NetworkClass
from authenticity.records.scan import REFUSALS, Act, RefusalGround
from simulation.attackers import Attackers
from simulation.attacks import FAMILIES, AttackFamily
from simulation.behaviour import Rates
from simulation.handling import NO_HANDLING, Handling
from simulation.networks import Uplinks
from simulation.noise import SILENCE
from simulation.owners import ONE_LOOK, Owners
from simulation.presets import KEPT_OUT, scenario_named
from simulation.traffic import Line, Scenario, Traffic
from simulation.truth import Thing, Truth
from tests.support.benchmark_world import attacked_by, everything, scenario

OWNERS = Owners(
    again=0.4, again_days=6, regular=0.3, holiday=0.15, moved=0.1, elsewhere=0.3,
    household_most=4, session_days=7, sold_on=0.5,
)  # fmt: skip
HANDLING = Handling(
    clinics=0.15, clerks=0.15, parcels=0.3, unbooked_returns=0.2, double_sales=0.2, listed=0.02,
    refused=0.5, aid=0.15,
)  # fmt: skip
BUSY = Rates(
    consumer=0.3, inspected=0.1, traveller=0.1, resale=0.1, owners=OWNERS, handling=HANDLING
)
ATTACKERS = Attackers(outlets_most=50, patient=0.5, poison_exits=10, shortest_wave=0.05)
CAUSES = {
    "looks again", "regular look", "holiday", "moved", "sold on", "clinic", "counter", "parcel",
    "sold after an unbooked return", "double sale", "listing", "papers refused", "released", "aid",
}  # fmt: skip
AIRCRAFT_KMH = 860.0
ONE_CITY_KM = 60.0


@pytest.fixture(scope="module")
def busy() -> list[Line]:
    return everything(Traffic(scenario(1_500, scan_rates=(0.3,), rates=BUSY)))


@pytest.mark.parametrize("family", FAMILIES)
def test_as_many_codes_become_known_as_the_ceiling_says(family: AttackFamily) -> None:
    """Within four deviations, where all that a settings object can say is said."""
    traffic = attacked_by(
        family, items=1_500, attack_rate=0.013, rates=BUSY, attackers=ATTACKERS,
        most_copies=100,
    )  # fmt: skip
    ceilings = {c.item: c.ceiling for record in traffic.attacks() for c in record.items}
    known = {
        truth.item for _, truth in everything(traffic) if truth.first_detectable_at is not None
    }
    assert ceilings and known <= set(ceilings)
    expected = sum(ceilings.values())
    deviation = sqrt(sum(each * (1 - each) for each in ceilings.values()))
    assert abs(len(known) - expected) <= 4 * deviation + 0.02 * expected


def test_every_behaviour_has_a_name_in_the_truth(busy: list[Line]) -> None:
    assert {truth.behaviour for _, truth in busy} >= CAUSES


@pytest.mark.parametrize(
    ("behaviour", "off"),
    [
        ("looks again", replace(OWNERS, again=0.0)),
        ("regular look", replace(OWNERS, regular=0.0)),
        ("holiday", replace(OWNERS, holiday=0.0)),
        ("moved", replace(OWNERS, moved=0.0)),
        ("sold on", replace(OWNERS, sold_on=0.0)),
        ("clinic", replace(HANDLING, clinics=0.0)),
        ("counter", replace(HANDLING, clerks=0.0)),
        ("parcel", replace(HANDLING, parcels=0.0)),
        ("sold after an unbooked return", replace(HANDLING, unbooked_returns=0.0)),
        ("double sale", replace(HANDLING, double_sales=0.0)),
        ("listing", replace(HANDLING, listed=0.0)),
        ("papers refused", replace(HANDLING, refused=0.0)),
        ("aid", replace(HANDLING, aid=0.0)),
    ],
)
def test_each_behaviour_can_be_switched_off(behaviour: str, off: Owners | Handling) -> None:
    changed = {"owners": off} if isinstance(off, Owners) else {"handling": off}
    rates = replace(BUSY, **changed)
    lines = everything(Traffic(scenario(400, scan_rates=(0.3,), rates=rates)))
    assert behaviour not in {truth.behaviour for _, truth in lines}


def flown_kmh(one: Truth, other: Truth) -> float:
    """What carried the pack from one true place to the other; 0 within a city."""
    km = great_circle_km(
        radians(one.true_lat), radians(other.true_lat), radians(other.true_lon - one.true_lon)
    )
    hours = (other.true_at - one.true_at).total_seconds() / 3_600
    return km / max(hours, 1e-3) if km > ONE_CITY_KM else 0.0


def too_fast(lines: list[Line]) -> list[tuple[str, str, float]]:
    """Pairs of neighbouring visits to one genuine pack that no aircraft joins."""
    journeys: dict[str, list[Truth]] = {}
    for scan, truth in lines:
        if truth.thing is Thing.PACK and scan.operation is None and truth.attack is None:
            journeys.setdefault(truth.physical, []).append(truth)
    ordered = [sorted(journey, key=lambda truth: truth.true_at) for journey in journeys.values()]
    pairs = [pair for journey in ordered for pair in pairwise(journey)]
    return [
        (one.behaviour, other.behaviour, kmh) for one, other in pairs
        if (kmh := flown_kmh(one, other)) > AIRCRAFT_KMH
    ]  # fmt: skip


def test_no_genuine_pack_is_faster_than_an_aircraft(busy: list[Line]) -> None:
    assert too_fast(busy) == []


@pytest.mark.parametrize("name", ["drawn", *KEPT_OUT])
def test_no_genuine_pack_of_a_named_world_is_faster(name: str) -> None:
    assert too_fast(everything(Traffic(scenario_named(name, 31, 1_000)))) == []


def test_sessions_live_as_long_as_they_are_said_to() -> None:
    for days, most in ((0.0, 1.0), (7.0, 7 * 86_400.0), (365.0, 365 * 86_400.0)):
        rates = replace(BUSY, owners=replace(OWNERS, session_days=days))
        first: dict[str, float] = {}
        longest = 0.0
        for scan, truth in everything(Traffic(scenario(400, scan_rates=(0.3,), rates=rates))):
            if truth.behaviour in ("looks again", "regular look") and scan.session:
                at = truth.true_at.timestamp()
                longest = max(longest, at - first.setdefault(scan.session, at))
        assert longest <= most
        assert days == 0.0 or longest > 0.1 * min(most, 1e6)


def test_a_phone_with_a_tunnel_is_at_home_and_abroad_by_turns() -> None:
    """One network abroad again and again, and the line at home between: A, B, A, B."""
    noise = replace(SILENCE, vpn=0.5, uplinks=Uplinks(habit=0.5, line=1.0))
    owners = Owners(again=1.0, again_days=3, session_days=0)
    lines = everything(
        Traffic(scenario(600, scan_rates=(0.3,), noise=noise, rates=Rates(owners=owners)))
    )
    networks: dict[str, Counter[str]] = {}
    for scan, truth in lines:
        if truth.behaviour == "looks again" and scan.network is not None:
            networks.setdefault(truth.physical, Counter())[scan.network.network] += 1
    many = [each for each in networks.values() if each.total() >= 8]
    assert len(many) > 20
    assert all(len(each) <= 3 for each in many)
    assert sum(len(each) > 1 for each in many) > 0.9 * len(many)


@pytest.mark.parametrize(
    ("uplinks", "kind"),
    [
        (Uplinks(relay=1.0), NetworkClass.RELAY),
        (Uplinks(gateway=1.0), NetworkClass.HOSTING),
        (Uplinks(satellite=1.0), NetworkClass.FIXED),
        (Uplinks(esim=1.0), NetworkClass.MOBILE),
    ],
)
def test_rare_uplinks_are_what_a_database_would_call_them(
    uplinks: Uplinks, kind: NetworkClass
) -> None:
    noise = replace(SILENCE, uplinks=uplinks)
    lines = everything(Traffic(scenario(400, scan_rates=(0.3,), noise=noise)))
    scans = [scan for scan, _ in lines if scan.network is not None]
    assert scans
    assert {scan.network.kind for scan in scans if scan.network} == {kind}


def test_an_owner_abroad_may_keep_an_address_of_home() -> None:
    noise = replace(SILENCE, uplinks=Uplinks(roaming=1.0))
    rates = Rates(owners=Owners(holiday=1.0))
    lines = everything(Traffic(scenario(600, scan_rates=(0.3,), noise=noise, rates=rates)))
    abroad = [line for line in lines if line.truth.behaviour == "holiday"]
    assert len(abroad) > 20
    for scan, truth in abroad:
        assert truth.noise == ("roaming",)
        assert scan.network is not None and scan.network.country != truth.true_country


def test_clocks_of_a_publisher_are_off_together() -> None:
    noise = replace(SILENCE, wrong_clocks=0.5, wrong_clock_limit_s=7_200.0)
    lines = everything(Traffic(scenario(1_500, noise=noise)))
    off: dict[str, set[int]] = {}
    for scan, truth in lines:
        if scan.authorised:
            error = round((scan.captured_at - truth.true_at).total_seconds())
            off.setdefault(scan.publisher, set()).add(error)
    assert all(len(errors) == 1 for errors in off.values())
    wrong = sum(errors != {0} for errors in off.values())
    assert 0.3 * len(off) < wrong < 0.7 * len(off)


def test_a_release_that_is_not_registered_happens_all_the_same() -> None:
    traffic = Traffic(scenario(3_000, noise=replace(SILENCE, undated=1.0)))
    assert {header.released_at for _, header in traffic.headers()} == {None}
    assert traffic.world.pack(0).batch.released_at is not None
    dated = Traffic(scenario(3_000))
    assert [line.scan for line in traffic.of_pack(7)] == [line.scan for line in dated.of_pack(7)]


def test_a_refusal_for_papers_is_followed_by_a_release() -> None:
    rates = Rates(inspected=0.5, handling=replace(NO_HANDLING, refused=1.0))
    lines = everything(Traffic(scenario(300, rates=rates)))
    acts: dict[str, list[Act | None]] = {}
    for scan, truth in sorted(lines, key=lambda line: line.truth.true_at):
        if truth.behaviour in ("papers refused", "released"):
            acts.setdefault(truth.item, []).append(scan.act)
    assert len(acts) > 50
    assert all(each == [Act.INSPECT_NONCONFORMANT, Act.RELEASE] for each in acts.values())


def test_a_genuine_pack_that_is_seized_for_papers_is_released_too() -> None:
    handling = Handling(refused=1.0, refused_seized=1.0)
    lines = everything(attacked_by(AttackFamily.COPIES, items=600, rates=Rates(
        inspected=0.5, handling=handling)))  # fmt: skip
    acts: dict[str, list[Act | None]] = {}
    for scan, truth in sorted(lines, key=lambda line: line.scan.captured_at):
        if truth.behaviour in ("papers refused", "released") and not truth.noise:
            acts.setdefault(truth.item, []).append(scan.act)
    assert acts
    life = [Act.INSPECT_NONCONFORMANT, Act.SEIZE, Act.RELEASE]
    assert all(each == life for each in acts.values())


def refusing(
    grounds_stated: float, *, grounds_wrong: float = 0.0, releases_unrecorded: float = 0.0
) -> list[Line]:
    handling = Handling(
        refused=0.5,
        grounds_stated=grounds_stated,
        grounds_wrong=grounds_wrong,
        releases_unrecorded=releases_unrecorded,
    )
    rates = Rates(inspected=0.5, handling=handling)
    return everything(attacked_by(AttackFamily.COPIES, items=600, rates=rates))


def test_officers_say_why_they_refuse_as_often_as_is_set_and_nothing_else_changes() -> None:
    never, half, always = refusing(0.0), refusing(0.5), refusing(1.0)
    stated: dict[str, set[object]] = {}
    for scan, truth in always:
        if scan.act in REFUSALS:
            stated.setdefault(f"{truth.behaviour}, {truth.genuine}", set()).add(scan.refused_for)
    assert stated == {
        "papers refused, True": {RefusalGround.DOCUMENTS, RefusalGround.STORAGE_CONDITIONS},
        "inspection, False": {RefusalGround.SUSPECTED_FALSIFIED},
        "seizure, False": {RefusalGround.SUSPECTED_FALSIFIED},
    }
    refused = [scan for scan, _ in half if scan.act in REFUSALS]
    assert 0.4 < sum(scan.refused_for is not UNSET for scan in refused) / len(refused) < 0.6
    for lines in (half, always):
        silent = [line._replace(scan=replaced(line.scan, refused_for=UNSET)) for line in lines]
        assert silent == never


def test_a_ground_may_be_wrong_and_a_release_unrecorded_as_often_as_is_set() -> None:
    of_falsified = RefusalGround.SUSPECTED_FALSIFIED
    wrong = [
        scan
        for scan, truth in refusing(1.0, grounds_wrong=1.0)
        if scan.act in REFUSALS and truth.genuine == (scan.refused_for is of_falsified)
    ]
    assert len(wrong) == sum(scan.act in REFUSALS for scan, _ in refusing(1.0))
    recorded = [scan for scan, _ in refusing(0.0) if scan.act is Act.RELEASE]
    fewer = [scan for scan, _ in refusing(0.0, releases_unrecorded=0.5) if scan.act is Act.RELEASE]
    assert recorded
    assert 0.3 < len(fewer) / len(recorded) < 0.7
    assert all(scan.act is not Act.RELEASE for scan, _ in refusing(0.0, releases_unrecorded=1.0))


def test_a_staffs_phones_scan_many_packs() -> None:
    rates = Rates(handling=Handling(aid=1.0, aid_packs=100))
    noise = SILENCE
    lines = everything(Traffic(scenario(600, scan_rates=(0.01,), noise=noise, rates=rates)))
    packs: dict[str, set[str]] = {}
    for scan, truth in lines:
        if truth.behaviour == "aid" and scan.session:
            packs.setdefault(scan.session, set()).add(truth.physical)
    assert max(map(len, packs.values())) > 50


def test_owners_with_one_look_are_those_of_the_benchmark() -> None:
    assert Scenario(1, 1).rates.owners == ONE_LOOK
    assert not ONE_LOOK.have_phones
    assert Rates().are_plain and not BUSY.are_plain
