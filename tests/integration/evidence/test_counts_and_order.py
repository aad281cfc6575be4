"""Laws 3 and 4: nobody is told of more than was received; any order ends in the same bytes."""

import random
import re

from hypothesis import given
from hypothesis import strategies as st

from authenticity.detection.policy import DEFAULT_POLICY
from ledger.administration import Snapshot
from ledger.records import Role
from stream.export import lines_of
from stream.replay import Replay

from .attacks import against_the_service, bodies, names_of, timed
from .site import ABROAD, DOORS, HOSTED, NOWHERE, PARIS, TUNNELLED, Body, Site

_everywhere = st.sampled_from([PARIS, *ABROAD, HOSTED, TUNNELLED, NOWHERE])
_addresses = st.builds("{}:{:x}::1".format, _everywhere, st.integers(0, 20))


def numbers_in(view: Body) -> list[int]:
    """Every number of scanners in the text that a person reads."""
    text = view["advice"]["text"]
    return [int(number.replace(",", "")) for number in re.findall(r"([\d,]+) others", text)]


@against_the_service(8)
@given(st.data())
def _counts_law(site: Site, data: st.DataObject) -> None:
    serial = site.stand.world.serial()
    code = site.stand.world.code(serial)
    names = names_of(site.stand.world, code, serial)
    before = site.received
    networks = {address := site.address(PARIS)}
    site.scan(code, address)
    for _ in range(data.draw(st.integers(1, 6))):
        sent = data.draw(st.lists(bodies(names), min_size=1, max_size=20))
        twice = sent * data.draw(st.integers(1, 3))
        door, address = data.draw(st.sampled_from(DOORS)), data.draw(_addresses)
        networks.add(address)
        site.send(door, address, [timed(body, site.clock.now) for body in twice])
        site.clock.pass_(hours=data.draw(st.sampled_from([0, 30])))
        seen = site.seen(code)
        received = site.received - before
        most = min(received, len(networks))
        assert max(seen.counts) <= most
        assert not [n for n in numbers_in(seen.consumer) if n > most], seen.consumer["advice"]


def test_nobody_is_told_of_more_scans_than_were_received_nor_of_more_networks(site: Site) -> None:
    _counts_law(site)


def test_one_scan_sent_a_thousand_times_counts_once(site: Site) -> None:
    code = site.stand.world.code()
    body = {
        "code": code, "scan_id": "1", "session": "s", "captured_at": site.clock.now.isoformat(),
    }  # fmt: skip
    for door in ("array", "lines"):
        assert site.send(door, f"{PARIS}:1::1", [body] * 500) == 500
    seen = site.seen(code)
    assert set(seen.counts) == {1}


def test_a_retry_of_a_scan_out_of_bounds_counts_once(site: Site) -> None:
    """Its capture time becomes its arrival, which differs from one retry to the next."""
    code = site.stand.world.code()
    body = {"code": code, "scan_id": "1", "session": "s", "captured_at": "2020-01-01T00:00:00Z"}
    for _ in range(5):
        assert site.send("one", f"{PARIS}:1::1", [body]) == 1
        site.clock.pass_(minutes=1)
    seen = site.seen(code)
    assert set(seen.counts) <= {0, 1}
    assert not seen.alerts


def test_the_attack_replayed_in_any_order_and_doubled_ends_in_the_bytes_of_the_ledger(
    site: Site,
) -> None:
    """All that the tests of this file sent, and copied packs with a campaign."""
    shop = site.bearer(Role.RIGHTS_HOLDER, "shop-1", ["9521234"])
    site.stand.register(site.stand.world.batch(batch_id="R", lot="R", markets=("FR",)))
    for _ in range(8):
        code = site.stand.world.code(lot="R")
        for city in ABROAD:
            site.send("array", site.address(city), [{"code": code, "session": "s"}] * 2)
            site.clock.pass_(days=1)
        site.known_scan(code, shop, "Paris", act="sell", channel="retail")
    site.settle()
    assert site.alerts_of_lot("R") == {"campaign"}
    with Snapshot(site.stand.folder / "ledger.sqlite") as ledger:
        batch_registry = ledger.batch_registry()
        expected = list(
            lines_of(ledger.alerts(), ledger.histories(), batch_registry, DEFAULT_POLICY)
        )
    recorded = site.recorded_lines()
    for seed in range(3):
        rng = random.Random(seed)
        shuffled = recorded + rng.sample(recorded, len(recorded) // 2)
        rng.shuffle(shuffled)
        replay = Replay(site.stand.world.trust_list, batch_registry, DEFAULT_POLICY)
        replay.feed(enumerate(shuffled, 1))
        assert replay.refused == []
        assert list(replay.final_lines()) == expected
        replay.close()
