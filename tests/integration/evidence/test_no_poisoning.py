"""Law 1: nobody who merely sends scans makes a genuine pack look copied.

Every pack here is genuine: it is scanned at home in Paris, perhaps sold in Paris by a shop, and
perhaps taken along on one trip. All attacks of a module meet one service and one lot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.records import Role

from .attacks import Request, against_the_service, names_of, requests, timed
from .site import ABROAD, DOORS, HARMLESS, NEW_YORK, PARIS, SYDNEY, TOKYO, Body, Site

RAISING = {"clone-suspected", "clone-confirmed", "campaign", "diverted", "reused-after-end"}


@dataclass
class Pack:
    """A genuine pack, with what an attacker makes of its code."""

    code: str
    names: tuple[str, ...]


def new_pack(site: Site, lot: str = "L1") -> Pack:
    serial = site.stand.world.serial()
    code = site.stand.world.code(serial, lot=lot)
    return Pack(code, names_of(site.stand.world, code, serial))


@pytest.fixture(scope="module")
def shop(site: Site) -> dict[str, str]:
    return site.bearer(Role.RIGHTS_HOLDER, "shop-1", ["9521234"])


def test_one_network_never_raises_a_genuine_pack_above_seen_before(
    site: Site, shop: dict[str, str]
) -> None:
    @against_the_service(12)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        pack = new_pack(site)
        home, hotel = site.address(PARIS), site.address(data.draw(st.sampled_from(ABROAD)))
        life = data.draw(
            st.sampled_from([["home"], ["home", "sold", "home"], ["sold", "home", "hotel"]])
        )
        attack = data.draw(requests(pack.names))
        before = site.received
        steps: list[str | Request] = [*attack, *life]
        for step in data.draw(st.permutations(steps)):
            if step == "sold":
                site.known_scan(pack.code, shop, "Paris", act="sell", channel="retail")
            elif isinstance(step, str):
                site.scan(pack.code, home if step == "home" else hotel, session=step)
            else:
                sent = [timed(body, site.clock.now) for body in step.bodies]
                site.send(step.door, step.address, sent)
            site.clock.pass_(hours=data.draw(st.sampled_from([0, 0, 1, 30, 80])))
        seen = site.seen(pack.code)
        assert seen.standings <= set(HARMLESS)
        assert not seen.raised, seen.raised
        assert seen.item["findings_of_batch"] == seen.officer["findings_of_batch"] == []
        assert max(seen.counts) <= site.received - before

    law()
    assert not site.alerts_of_lot("L1")


@pytest.mark.parametrize(
    "life",
    [
        ["attack", "attack", "sold", "home", "hotel", "attack"],
        ["home", "hotel", "attack", "attack"],
    ],
)
@pytest.mark.parametrize("door", DOORS)
def test_one_network_adds_nothing_to_an_honest_journey(
    site: Site, shop: dict[str, str], door: str, life: list[str]
) -> None:
    """With all networks taken together these packs look copied; without the attacker's, not."""
    pack = new_pack(site)
    home, hotel, attacker = (site.address(city) for city in (PARIS, NEW_YORK, TOKYO))
    for number, step in enumerate(life):
        if step == "sold":
            sell(site, pack, shop)
        elif step == "attack":
            captured_at = site.clock.now.isoformat()
            body = {"code": pack.code, "scan_id": f"{number}", "captured_at": captured_at}
            site.send(door, attacker, [body | {"session": f"s{n}{number}"} for n in range(5)])
        else:
            site.scan(pack.code, home if step == "home" else hotel)
        site.clock.pass_(days=8)
    seen = site.seen(pack.code)
    assert seen.standings <= set(HARMLESS)
    assert not seen.raised & RAISING


def early_scans(site: Site, pack: Pack, addresses: Sequence[str]) -> None:
    """Scans abroad of a pack that is sold in Paris a day later."""
    for address in addresses:
        site.scan(pack.code, address)
        site.clock.pass_(days=1)


def sell(site: Site, pack: Pack, shop: dict[str, str]) -> None:
    site.known_scan(pack.code, shop, "Paris", act="sell", channel="retail")


@pytest.mark.parametrize("door", DOORS)
def test_one_network_makes_no_campaign_whatever_number_of_packs(
    site: Site, shop: dict[str, str], door: str
) -> None:
    """It scans every pack many times before it is sold: what copies sold elsewhere would show."""
    lot = f"one-{door}"
    packs = [new_pack(site, lot) for _ in range(12)]
    site.stand.register(site.stand.world.batch(batch_id=lot, lot=lot, markets=("FR",)))
    for number in range(3):
        now = site.clock.now.isoformat()
        sent: list[Body] = [
            {"code": pack.code, "scan_id": f"{number}", "session": f"s{number}", "captured_at": now}
            for pack in packs
        ]
        assert site.send(door, f"{TOKYO}:cafe:{number}::1", sent) == len(packs)
        site.clock.pass_(days=1)
    for pack in packs:
        sell(site, pack, shop)
    for pack in packs:
        seen = site.seen(pack.code)
        assert seen.standings <= set(HARMLESS)
        assert not seen.raised & RAISING
    assert not site.alerts_of_lot(lot)


@pytest.mark.parametrize("networks", [2, 3])
def test_few_networks_suspect_packs_and_make_no_campaign_of_any_number(
    site: Site, shop: dict[str, str], networks: int
) -> None:
    lot = f"few-{networks}"
    site.stand.register(site.stand.world.batch(batch_id=lot, lot=lot, markets=("FR",)))
    addresses = [site.address(city) for city in (TOKYO, NEW_YORK, SYDNEY)[:networks]]
    packs = [new_pack(site, lot) for _ in range(12)]
    for pack in packs:
        early_scans(site, pack, addresses)
        sell(site, pack, shop)
    for pack in packs:
        seen = site.seen(pack.code)
        assert seen.standings <= {*HARMLESS, "caution"}
        if seen.consumer["standing"] == "caution":
            assert "scanned elsewhere" in seen.consumer["advice"]["text"]
            assert {each["kind"] for each in seen.consumer["findings"]} <= {
                "seen-before", "clone-suspected",
            }  # fmt: skip
        assert "clone-confirmed" not in seen.alerts
    assert not site.alerts_of_lot(lot)


def test_packs_seen_from_networks_of_their_own_make_a_campaign(
    site: Site, shop: dict[str, str]
) -> None:
    """So that the two laws above are not kept by raising nothing at all."""
    lot = "many"
    site.stand.register(site.stand.world.batch(batch_id=lot, lot=lot, markets=("FR",)))
    packs = [new_pack(site, lot) for _ in range(12)]
    for pack in packs:
        early_scans(site, pack, [site.address(city) for city in (TOKYO, NEW_YORK, SYDNEY) * 2])
        sell(site, pack, shop)
    site.settle()
    assert site.alerts_of_lot(lot) == {"campaign"}
    assert site.seen(packs[0].code).consumer["standing"] == "caution"


@pytest.mark.parametrize("networks", [1, 2])
def test_forged_codes_under_an_invented_serial_alert_from_two_networks_on(
    site: Site, networks: int
) -> None:
    serial = site.stand.world.serial()
    code = site.stand.world.forged_code(serial)
    for _ in range(networks):
        assert site.send("array", site.address(TOKYO), [{"code": code, "session": "s"}] * 5) == 5
    site.settle()
    assert site.alerts(site.stand.world.item(serial)) == ({"forged"} if networks > 1 else set())
