"""What a gateway may say of its users' networks, and where its word ends."""

from itertools import count
from typing import Any

import pytest

from authenticity.records.scan import decode_scan
from ledger.records import Role
from tests.support.patience import wait_until

from .site import DOORS, HARMLESS, PARIS, PLACES, TOKYO, Body, Site

_names = count()
JAPAN = {"kind": "fixed", "country": "JP", "lat": 35.68, "lon": 139.65, "accuracy_km": 20.0}


def passed(network: str, **place: Any) -> Body:
    return {"network": network, **(JAPAN | place)}


def gateway(site: Site) -> tuple[dict[str, str], str]:
    return site.token(None, f"gateway {next(_names)}")


def networks_of(site: Site, code: str) -> list[str]:
    """The networks of the scans of this code, as the log has them."""
    scans = [decode_scan(line) for line in site.recorded_lines()]
    return [scan.network.network for scan in scans if scan.network and scan.code == code]


@pytest.mark.parametrize("door", DOORS[:3])
@pytest.mark.parametrize("role", [None, *Role])
def test_nobody_but_a_gateway_passes_networks(site: Site, role: Role | None, door: str) -> None:
    code = site.stand.world.code()
    bearer = site.bearer(role, f"no gateway {next(_names)}", ["9521234"]) if role else {}
    body = {"code": code, "network": passed("n")}
    if door == "one":
        refused = site.client.post("/v1/scans", json=body, headers=bearer)
        assert refused.status_code == 403
    assert site.send(door, site.address(PARIS), [body] * 3, **bearer) == 0
    assert networks_of(site, code) == []


@pytest.mark.parametrize("door", DOORS[:3])
def test_the_networks_of_a_gateway_are_its_own_whatever_it_calls_them(
    site: Site, door: str
) -> None:
    """It can imitate neither an address, nor what the service made of one, nor another gateway."""
    code, address = site.stand.world.code(), f"{TOKYO}:77::1"
    site.scan(code, address)
    [own] = networks_of(site, code)
    claims = ["3fff:2:77::/48", "3fff:2:77::", "3fff:2:77::1", own, own[:8], "consumer-web", ""]
    (one, _), (two, _) = gateway(site), gateway(site)
    for bearer in (one, two):
        bodies = [{"code": code, "network": passed(claim or " ")} for claim in claims]
        assert site.send(door, address, bodies, **bearer) == len(claims)
    _, *of_gateways = networks_of(site, code)
    assert len({own, *of_gateways}) == 1 + 2 * len(claims)


def test_a_gateway_speaks_with_no_authority_and_raises_nothing_from_one_network(
    site: Site,
) -> None:
    code = site.stand.world.code()
    site.scan(code, site.address(PARIS))
    bearer, _ = gateway(site)
    for number in range(30):
        body = {"code": code, "network": passed("one", kind="mobile"), "session": f"s{number}"}
        assert site.send("one", site.address(TOKYO), [body], **bearer) == 1
        site.clock.pass_(hours=5)
    acting = {"code": code, "network": passed("one"), "act": "sell"}
    assert site.send("array", site.address(TOKYO), [acting], **bearer) == 0
    seen = site.seen(code)
    assert seen.standings <= set(HARMLESS)
    assert not seen.alerts
    history = site.stand.history(code)
    assert history is not None
    assert not any(each.actor for each in history.observations)


def test_a_gateway_that_invents_networks_is_believed_until_it_is_revoked(site: Site) -> None:
    """What the threat model says that remains: one gateway is as many networks as it names."""
    bearer, token_id = gateway(site)
    shop = site.bearer(Role.RIGHTS_HOLDER, "shop", ["9521234"])
    site.stand.register(site.stand.world.batch(batch_id="G", lot="G", markets=("FR",)))
    codes = [site.stand.world.code(lot="G") for _ in range(8)]
    cities = {"Tokyo": "JP", "New York": "US", "Sydney": "AU", "Seoul": "KR"}
    for city, country in cities.items():
        lat, lon = PLACES[city]
        bodies: list[Body] = [
            {"code": code, "network": passed(f"{city} {n}", lat=lat, lon=lon, country=country)}
            for n, code in enumerate(codes)
        ]
        assert site.send("array", site.address(PARIS), bodies, **bearer) == len(codes)
        site.clock.pass_(days=1)
    for code in codes:
        site.known_scan(code, shop, "Paris", act="sell", channel="retail")
    assert "clone-suspected" in site.seen(codes[0]).alerts
    assert site.alerts_of_lot("G") == {"campaign"}
    site.revoke(token_id)
    site.clock.pass_(minutes=1)

    def is_refused() -> bool:
        sent = {"code": codes[0], "network": passed("more")}
        return site.client.post("/v1/scans", json=sent, headers=bearer).status_code == 401

    wait_until(is_refused)


def test_a_gateway_s_scan_without_a_network_is_a_stranger_s(site: Site) -> None:
    """Whoever steals its token has no authority, and its own address places nobody."""
    code = site.stand.world.code()
    bearer, _ = gateway(site)
    assert site.send("array", site.address(TOKYO), [{"code": code}], **bearer) == 1
    acting = {"code": code, "act": "inspect-conformant"}
    assert site.send("array", site.address(TOKYO), [acting], **bearer) == 0
    site.settle()
    history = site.stand.history(code)
    assert history is not None
    [kept] = history.observations
    assert (kept.actor, kept.network) == (0, 0)
