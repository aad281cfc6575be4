"""Law 2: nobody who merely sends scans takes back what other networks and known scanners raised,
or has them forgotten.

A copied pack here was scanned abroad, each time from another network, before the shop in Paris
sold the one that the maker made.
"""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.history.history import NETWORKS
from authenticity.history.observation import network_number
from ledger.records import Role

from .attacks import against_the_service, bodies, names_of, requests, timed
from .site import (
    ABROAD,
    DOORS,
    HOSTED,
    NOWHERE,
    PARIS,
    TUNNELLED,
    Body,
    Site,
)


@pytest.fixture(scope="module")
def shop(site: Site) -> dict[str, str]:
    return site.bearer(Role.RIGHTS_HOLDER, "shop-1", ["9521234"])


def copied_pack(
    site: Site, shop: dict[str, str], addresses: list[str]
) -> tuple[str, tuple[str, ...]]:
    """A code of which copies are suspected, and the names that can be made of it."""
    serial = site.stand.world.serial()
    code = site.stand.world.code(serial)
    for address in addresses:
        site.scan(code, address)
        site.clock.pass_(days=1)
    site.known_scan(code, shop, "Paris", act="sell", channel="retail")
    seen = site.seen(code)
    assert seen.consumer["standing"] == seen.item["standing"] == "caution"
    assert "clone-suspected" in seen.alerts
    return code, names_of(site.stand.world, code, serial)


def abroad(site: Site, number: int) -> list[str]:
    return [site.address(ABROAD[n % 4]) for n in range(number)]


def assert_still_suspected(site: Site, code: str) -> None:
    seen = site.seen(code)
    assert seen.standings == {"caution"}
    assert "clone-suspected" in seen.alerts


_nowhere = st.sampled_from([HOSTED, TUNNELLED, NOWHERE])
_anywhere = st.one_of(
    st.builds("{}:{:x}::1".format, _nowhere, st.integers(0, 40)),
    st.sampled_from(
        [
            "192.0.2.200", "198.51.100.200", "8.8.8.8", "10.1.2.3", "172.16.9.9", "127.0.0.1",
            "fd00::1", "fe80::1", "2001:0:1::1", "2002:808:808::1", "64:ff9b:1::1", "0.0.0.0",
        ]
    ),
)  # fmt: skip
"""Addresses of which the service knows no place, in as many networks as one likes."""


@pytest.mark.parametrize("networks", [6, 8])
def test_scans_from_nowhere_retract_nothing(
    site: Site, shop: dict[str, str], networks: int
) -> None:
    @against_the_service(6)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        code, names = copied_pack(site, shop, abroad(site, networks))
        for _ in range(data.draw(st.integers(1, 12))):
            sent = data.draw(st.lists(bodies(names), min_size=1, max_size=6))
            timed_bodies = [timed(body, site.clock.now) for body in sent]
            site.send(data.draw(st.sampled_from(DOORS)), data.draw(_anywhere), timed_bodies)
            site.clock.pass_(hours=data.draw(st.sampled_from([0, 1, 30])))
        assert_still_suspected(site, code)

    law()


def test_many_scans_of_the_genuine_code_from_nowhere_retract_nothing(
    site: Site, shop: dict[str, str]
) -> None:
    """What silenced it once: ten scans without a place, six with GPS."""
    code, _ = copied_pack(site, shop, abroad(site, 6))
    gps = {"lat": 48.86, "lon": 2.35, "accuracy_km": 0.01, "source": "gps", "country": "FR"}
    for city in (HOSTED, TUNNELLED, NOWHERE):
        for number in range(20):
            body: Body = {"code": code, "session": f"{city}{number}"}
            bodies_ = [body, body | {"place": gps}]
            assert site.send("array", site.address(city), bodies_) == 2
            site.clock.pass_(hours=2)
    assert_still_suspected(site, code)


def test_a_network_that_scanned_it_already_retracts_nothing_by_scanning_again(
    site: Site, shop: dict[str, str]
) -> None:
    @against_the_service(6)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        addresses = abroad(site, data.draw(st.integers(6, 8)))
        code, names = copied_pack(site, shop, addresses)
        attacker = data.draw(st.sampled_from(addresses)).removesuffix("::1")
        for _ in range(data.draw(st.integers(1, 6))):
            sent = data.draw(st.lists(bodies(names), min_size=1, max_size=12))
            address = f"{attacker}:{data.draw(st.integers(0, 0xFFFF)):x}::2"
            door = data.draw(st.sampled_from(DOORS))
            site.send(door, address, [timed(body, site.clock.now) for body in sent])
            site.clock.pass_(hours=data.draw(st.sampled_from([0, 1, 30])))
        assert_still_suspected(site, code)

    law()


def test_one_network_of_its_own_does_not_retract_what_several_others_raised(
    site: Site, shop: dict[str, str]
) -> None:
    """One more network is one more witness: it may tip what hangs by a hair, not this."""

    @against_the_service(10)
    @given(st.data())
    def law(data: st.DataObject) -> None:
        code, names = copied_pack(site, shop, abroad(site, 6))
        for door, address, sent in data.draw(requests(names)):
            site.send(door, address, [timed(body, site.clock.now) for body in sent])
            site.clock.pass_(hours=data.draw(st.sampled_from([0, 1, 30])))
        assert_still_suspected(site, code)

    law()


def test_one_network_at_home_does_not_retract_what_several_others_raised(
    site: Site, shop: dict[str, str]
) -> None:
    for networks in (6, 8):
        code, _ = copied_pack(site, shop, abroad(site, networks))
        address = site.address(PARIS)
        for number in range(30):
            site.scan(code, address, session=f"s{number}")
            site.clock.pass_(hours=1)
        assert_still_suspected(site, code)


def test_what_known_scanners_proved_is_not_taken_back(site: Site, shop: dict[str, str]) -> None:
    other = site.bearer(Role.RIGHTS_HOLDER, "shop-2", ["9521234"])
    code = site.stand.world.code()
    site.known_scan(code, shop, "Paris", act="sell", channel="retail")
    site.known_scan(code, other, "Paris", act="sell", channel="retail")
    assert "clone-confirmed" in site.seen(code).alerts
    for number in range(40):
        site.send("one", site.address(ABROAD[number % 4]), [{"code": code}] * 3)
    seen = site.seen(code)
    assert "clone-confirmed" in seen.alerts
    assert seen.standings == {"suspect"}


def kept_networks(site: Site, code: str) -> set[int]:
    history = site.stand.history(code)
    assert history is not None
    return {each.network for each in history.observations if each.is_network_derived}


def number_of_network(site: Site, address: str) -> int:
    network = site.stand.state.locator.evidence(ip_address(address)).network
    return network_number(network)


_COUNTRIES = [
    "AD",
    "AE",
    "AF",
    "AG",
    "AI",
    "AL",
    "AM",
    "AO",
    "AR",
    "AS",
    "AT",
    "AU",
    "AW",
    "AX",
    "AZ",
    "BA",
    "BB",
    "BD",
    "BE",
    "BF",
    "BG",
    "BH",
    "BI",
    "BJ",
]


def _flood(site: Site, code: str, address: Callable[[int], str]) -> None:
    """Ground ids and sessions, extreme capture times, many countries: 240 scans."""
    offsets = (timedelta(hours=-72), timedelta(minutes=5), timedelta(days=-3_000), timedelta())
    for part in range(6):
        sent: list[Body] = [
            {
                "code": code, "scan_id": f"{part}-{n}", "session": f"{n * 7919}",
                "captured_at": (site.clock.now + offsets[n % 4]).isoformat(),
                "place": {
                    "lat": (n * 7) % 80, "lon": (n * 31) % 170, "accuracy_km": 0.0,
                    "source": "gps", "country": _COUNTRIES[n % len(_COUNTRIES)],
                },
            }
            for n in range(40)
        ]  # fmt: skip
        assert site.send("lines" if part % 2 else "array", address(part), sent) == 40


@pytest.mark.parametrize("where", ["one network", "nowhere"])
def test_what_honest_people_scan_after_a_flood_is_kept_and_seen(
    site: Site, shop: dict[str, str], where: str
) -> None:
    """The fair share of one network is one place of twelve."""
    code = site.stand.world.code()
    if where == "nowhere":
        _flood(site, code, lambda _: site.address(HOSTED))
    else:
        _flood(site, code, lambda part: f"198.51.100.{part + 1}")
    honest = [site.address(ABROAD[n % 4]) for n in range(NETWORKS - 1)]
    for address in honest:
        site.scan(code, address)
        site.clock.pass_(hours=20)
    site.known_scan(code, shop, "Paris", act="sell", channel="retail")
    seen = site.seen(code)
    assert {number_of_network(site, address) for address in honest} <= kept_networks(site, code)
    assert_still_suspected(site, code)
    assert max(seen.counts) <= 241 + len(honest)


def test_a_flood_after_honest_scans_displaces_one_of_them_at_most(
    site: Site, shop: dict[str, str]
) -> None:
    code = site.stand.world.code()
    honest = [site.address(ABROAD[n % 4]) for n in range(NETWORKS)]
    for address in honest:
        site.scan(code, address)
        site.clock.pass_(hours=20)
    site.known_scan(code, shop, "Paris", act="sell", channel="retail")
    assert_still_suspected(site, code)
    _flood(site, code, lambda part: f"198.51.100.{part + 1}")
    before = {number_of_network(site, address) for address in honest}
    assert_still_suspected(site, code)
    assert len(before - kept_networks(site, code)) <= 1
