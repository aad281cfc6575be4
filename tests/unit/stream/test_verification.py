"""Signatures are checked once a code, and never remembered past their trust list."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from authenticity.trust.trust_list import read_trust_list
from authenticity.trust.verdict import Doubt, Doubtful, Genuine
from authenticity.trust.verify import verify
from simulation.two_makers import World
from stream.verification import ScanVerifier


@pytest.fixture
def world() -> World:
    return World(11)


@pytest.fixture
def verifier() -> Iterator[ScanVerifier]:
    made = ScanVerifier(remembered=50, threads=2)
    yield made
    made.close()


def test_every_scan_gets_the_verdict_of_verify_in_order(
    verifier: ScanVerifier, world: World
) -> None:
    codes = [
        code
        for _ in range(70)
        for code in (world.code(), world.forged_code(), world.unsigned_code(), "no code")
    ]
    scans = [world.scan(code) for code in codes]
    for _ in range(2):  # the second time some are remembered, some forgotten
        checked = verifier.check(scans, world.trust_list)
        assert [entry.scan for entry in checked] == scans
        for scan, verdict, version in checked:
            assert verdict == verify(scan.code, world.trust_list, scan.captured_at)
            assert version == 1


def test_a_code_is_checked_once_however_often_it_is_scanned(
    verifier: ScanVerifier, world: World
) -> None:
    code = world.code()
    verifier.check([world.scan(code) for _ in range(9)], world.trust_list)
    verifier.check([world.scan(code)], world.trust_list)
    assert (verifier.misses, verifier.hits) == (1, 1)


def test_it_forgets_the_codes_that_were_not_seen_for_longest(
    verifier: ScanVerifier, world: World
) -> None:
    first = world.scan(world.code())
    verifier.check([first], world.trust_list)
    verifier.check([world.scan(world.code()) for _ in range(50)], world.trust_list)
    verifier.check([first], world.trust_list)
    assert verifier.hits == 0


def test_a_new_trust_list_has_everything_checked_again(
    verifier: ScanVerifier, world: World
) -> None:
    scan = world.scan(world.code())
    assert isinstance(verifier.check([scan], world.trust_list)[0].verdict, Genuine)
    document = world.next_trust_document(revoked={0: scan.captured_at - timedelta(days=1)})
    newer = read_trust_list(document, world.roots, at=world.now)
    [checked] = verifier.check([scan], newer)
    assert isinstance(checked.verdict, Doubtful)
    assert checked.verdict.doubt is Doubt.KEY_REVOKED
    assert checked.trust_version == 2


def test_one_code_is_checked_at_each_scans_own_capture_time(
    verifier: ScanVerifier, world: World
) -> None:
    code = world.code(expiry="261124")
    before, after = world.scan(code), world.scan(code, minutes=3 * 24 * 60)
    one, other = verifier.check([before, after], world.trust_list)
    assert one.verdict.notes == ()
    assert other.verdict.notes == ("expired",)


def test_a_phone_whose_clock_is_years_ahead_does_not_make_a_code_doubtful(
    verifier: ScanVerifier, world: World
) -> None:
    ahead = world.now + timedelta(days=40 * 365)
    scan = world.scan(world.code(), captured_at=ahead, received_at=world.now)
    [checked] = verifier.check([scan], world.trust_list)
    assert isinstance(checked.verdict, Genuine)
