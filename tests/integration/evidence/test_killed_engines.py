"""Law 4 on both engines: what attackers sent, shuffled, doubled and folded by engines that are
killed, ends in the bytes of the pure replay."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.faults.traffic import Traffic, replay_beside
from benchmarks.faults.worker_faults import killed_workers
from events.embedded.log import EmbeddedLog
from events.topics import BATCHES
from ledger.records import Role
from tests.integration.engine.installation import Installation

from .attacks import names_of, requests, timed
from .site import ABROAD, PARIS, Site, attacked_service

pytestmark = pytest.mark.slow

KILLS = 2


@seed(10)
@settings(
    max_examples=12, phases=[Phase.generate], database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(st.data())
def _attack_one_pack(site: Site, data: st.DataObject) -> None:
    serial = site.stand.world.serial()
    code = site.stand.world.code(serial)
    site.scan(code, site.address(PARIS))
    for sent in data.draw(requests(names_of(site.stand.world, code, serial))):
        timed_bodies = [timed(body, site.clock.now) for body in sent.bodies]
        site.send(sent.door, sent.address, timed_bodies)
        site.clock.pass_(hours=20)


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> Traffic:
    """Every door, a flood, copied packs and a campaign, as the service put them on the log."""
    folder: Path = tmp_path_factory.mktemp("attack")
    with attacked_service(folder) as site:
        _attack_one_pack(site)
        shop = site.bearer(Role.RIGHTS_HOLDER, "shop-1", ["9521234"])
        for _ in range(8):
            code = site.stand.world.code()
            for city in ABROAD:
                address = site.address(city)
                site.send("array", address, [{"code": code, "session": f"{n}"} for n in range(9)])
                site.clock.pass_(days=1)
            site.known_scan(code, shop, "Paris", act="sell", channel="retail")
        site.settle()
        scans, world = site.recorded_lines(), site.stand.world
        log = EmbeddedLog(folder / "log.sqlite")
        batches = [entry.value for entry in log.read(BATCHES, 0, 100)]
        log.close()
    shuffled = scans + random.Random(1).sample(scans, len(scans) // 2)
    random.Random(2).shuffle(shuffled)
    recorded = tmp_path_factory.mktemp("recorded")
    known = Traffic(shuffled, batches, world.trust_document, world.roots_document, b"")
    replayed = replay_beside(recorded, known, scans)
    assert b'"kind":"campaign"' in replayed
    return known._replace(replayed=replayed)


def test_an_embedded_engine_that_is_killed_ends_in_the_same_bytes(
    tmp_path: Path, attack: Traffic
) -> None:
    installation = Installation(tmp_path / "data", attack.roots_document)
    try:
        installation.publish_trust_list(attack.trust_document)
        portion = -(-len(attack.scans) // KILLS)
        for number in range(KILLS):
            installation.publish_scans(attack.scans[number * portion :][:portion])
            if number == KILLS - 1:
                installation.publish_batches(attack.batches)
            installation.start()
            installation.wait_until_something_is_exported()
            installation.kill()
        installation.start()
        installation.wait_until_exported(attack.replayed)
        assert installation.dead_letters() == []
    finally:
        installation.close()


def test_workers_on_kafka_that_are_killed_end_in_the_same_bytes(
    tmp_path: Path, attack: Traffic
) -> None:
    outcome = killed_workers(tmp_path, attack, workers=2, kills=2)
    assert outcome.unharmed, outcome
