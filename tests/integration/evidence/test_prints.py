"""Codes with other prints under one serial, signed with a stolen key, as the service answers."""

from typing import Any

import pytest

from authenticity.records.batch import BatchStatus
from authenticity.records.serial_filter import build_filter

from .site import ABROAD, PARIS, Site


def _registered(site: Site, lot: str, *serials: str, **changes: Any) -> None:
    """A batch of this lot that lists these serials."""
    batch = site.stand.world.batch(
        batch_id=f"{lot} {serials[0]}",
        lot=lot,
        serials=build_filter(serials),
        count=len(serials),
        **changes,
    )
    site.stand.register(batch)


@pytest.mark.parametrize("first", [None, "P", "P1X", "NOBODYS"])
def test_no_scan_of_another_print_makes_an_invented_serial_of_a_listed_lot_good(
    site: Site, first: str | None
) -> None:
    world, serial = site.stand.world, site.stand.world.serial()
    _registered(site, "P1", world.serial())
    real = world.code(serial, lot="P1")
    assert site.verify(real, site.address(PARIS))["standing"] == "suspect"
    for city in ABROAD[:2]:
        site.scan(world.code(serial, lot=first), site.address(city))
    site.settle()
    site.clock.pass_(minutes=1)
    assert site.scan(real, site.address(PARIS))["standing"] == "suspect"
    seen = site.seen(real)
    assert seen.standings == {"suspect"}
    assert seen.consumer["findings"][0]["kind"] == "never-issued"
    assert "never-issued" in seen.alerts


def test_no_scan_and_no_batch_of_a_thief_takes_a_pack_out_of_a_recall(site: Site) -> None:
    world, serial = site.stand.world, site.stand.world.serial()
    pack, thiefs = world.code(serial, lot="Q1"), world.code(serial, lot="Q")
    _registered(site, "Q", serial)
    site.scan(thiefs, site.address(ABROAD[0]))
    _registered(site, "Q1", serial, status=BatchStatus.RECALLED)
    site.scan(pack, site.address(PARIS))
    seen = site.seen(pack)
    assert seen.standings == {"suspect"}
    assert "recalled" in seen.alerts
    assert site.verify(thiefs, site.address(PARIS))["standing"] == "suspect"


def test_a_pack_that_its_batch_lists_is_never_red_for_what_else_is_scanned(site: Site) -> None:
    world, serial = site.stand.world, site.stand.world.serial()
    _registered(site, "R1", serial)
    _registered(site, "R2", world.serial())
    pack = world.code(serial, lot="R1")
    site.scan(world.code(serial, lot="R2"), site.address(ABROAD[0]))
    site.scan(pack, site.address(PARIS))
    seen = site.seen(pack)
    assert seen.standings == {"caution"}
    assert seen.consumer["findings"][0]["kind"] == "wrong-batch"
    assert {"never-issued", "wrong-batch"} <= seen.alerts


def test_a_print_that_nobody_registered_is_said_to_be_so_at_every_scan(site: Site) -> None:
    world = site.stand.world
    _registered(site, "T1", world.serial())
    code = world.code(lot="NOBODYS")
    for number, city in enumerate((PARIS, *ABROAD[:1])):
        answer = site.scan(code, site.address(city))
        assert answer["standing"] == ("seen-before" if number else "verified")
        assert answer["provisional"]
        assert "not told us of this batch yet" in answer["advice"]["text"]
        site.settle()
