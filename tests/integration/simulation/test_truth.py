"""The labels are right: what the truth says follows from what happens."""

from collections import Counter

import pytest

from authenticity.trust.trust_list import read_trust_list
from authenticity.trust.verdict import Doubt, Doubtful, Genuine
from authenticity.trust.verify import verify
from simulation.attacks import COPYING, FAMILIES, AttackFamily, plan_attacks
from simulation.noise import MANGLING, SILENCE, Noise
from simulation.score import Outcome
from simulation.traffic import Line, Scenario, Traffic
from tests.integration.simulation.replayed import lines_of, replayed

QUIET = Traffic(Scenario(seed=5, items=4_000, attack_rate=0.02, noise=SILENCE))
NOISY = Traffic(Scenario(seed=5, items=4_000, attack_rate=0.02))

AGAIN = {"duplicate", "backlog"}
EXPECTED_DOUBTS: dict[AttackFamily | None, frozenset[Doubt]] = {
    AttackFamily.FORGED: frozenset({Doubt.FORGED}),
    AttackFamily.UNSIGNED: frozenset({Doubt.UNSIGNED}),
    AttackFamily.GUESSING_FAST: frozenset({Doubt.UNSIGNED, Doubt.FORGED}),
    AttackFamily.GUESSING_SLOW: frozenset({Doubt.UNSIGNED, Doubt.FORGED}),
}


@pytest.fixture(scope="module")
def quiet() -> list[Line]:
    return lines_of(QUIET)


@pytest.fixture(scope="module")
def noisy() -> list[Line]:
    return lines_of(NOISY)


def test_a_pack_has_the_same_traffic_whatever_was_asked_before(noisy: list[Line]) -> None:
    alone = Traffic(NOISY.scenario)
    for index in (3_999, 17, 1_234):
        assert alone.of_pack(index) == NOISY.of_pack(index)


def test_scan_ids_are_unique_but_for_duplicates(noisy: list[Line]) -> None:
    first_deliveries = [scan.scan_id for scan, truth in noisy if AGAIN.isdisjoint(truth.noise)]
    assert len(set(first_deliveries)) == len(first_deliveries)
    assert {scan.scan_id for scan, _ in noisy} == set(first_deliveries)


def test_a_duplicate_differs_in_its_arrival_alone(noisy: list[Line]) -> None:
    originals = {s.scan_id: s for s, truth in noisy if AGAIN.isdisjoint(truth.noise)}
    duplicates = [scan for scan, truth in noisy if not AGAIN.isdisjoint(truth.noise)]
    assert duplicates
    for scan in duplicates:
        original = originals[scan.scan_id]
        assert scan.received_at > original.received_at
        assert scan.code == original.code and scan.captured_at == original.captured_at


def test_codes_verify_exactly_as_their_family_says(quiet: list[Line]) -> None:
    world = QUIET.world
    trust_list = read_trust_list(world.trust_document, world.roots, at=world.start)
    seen: Counter[str] = Counter()
    for scan, truth in quiet:
        verdict = verify(scan.code, trust_list, scan.captured_at)
        doubts = EXPECTED_DOUBTS.get(None if truth.genuine else truth.attack, frozenset())
        if truth.behaviour == "print read":
            doubts = frozenset({Doubt.UNSIGNED})
        if doubts:
            assert isinstance(verdict, Doubtful) and verdict.doubt in doubts
        else:  # copies carry the real code: the signature cannot tell
            assert isinstance(verdict, Genuine)
        assert verdict.item == truth.item
        seen[truth.attack or "none"] += 1
    assert set(seen) == {"none", *FAMILIES}


def test_every_family_is_launched_as_often_as_the_others() -> None:
    plan = plan_attacks(seed=3, items=64_000, rate=0.005, batches=128)
    attacks = {a for index in range(64_000) if (a := plan.attack_on(index)) is not None}
    assert Counter(attack.family for attack in attacks) == dict.fromkeys(FAMILIES, 20)


def test_no_attack_is_planned_at_rate_zero() -> None:
    plan = plan_attacks(seed=3, items=1_000, rate=0.0)
    assert all(plan.attack_on(index) is None for index in range(1_000))


def test_a_clone_is_detectable_when_its_second_physical_item_has_arrived(
    noisy: list[Line],
) -> None:
    by_item: dict[str, list[Line]] = {}
    for line in noisy:
        if line.truth.attack in COPYING:
            by_item.setdefault(line.truth.item, []).append(line)
    assert by_item
    for lines in by_item.values():
        first_of: dict[str, float] = {}
        for scan, truth in lines:
            if truth.thing == "screen" or scan.operation or not MANGLING.isdisjoint(truth.noise):
                continue
            at = scan.received_at.timestamp()
            first_of[truth.physical] = min(at, first_of.get(truth.physical, at))
        expected = sorted(first_of.values())[1] if len(first_of) > 1 else None
        detectable_at = lines[0].truth.first_detectable_at
        assert (detectable_at.timestamp() if detectable_at else None) == expected


def test_honest_codes_are_never_detectable(noisy: list[Line]) -> None:
    honest = [truth for _, truth in noisy if truth.attack is None]
    assert honest
    assert all(truth.first_detectable_at is None and truth.genuine for truth in honest)


def test_nothing_is_captured_outside_the_simulated_days(quiet: list[Line]) -> None:
    start = QUIET.scenario.start
    assert all(0 <= (scan.captured_at - start).days < QUIET.scenario.days for scan, _ in quiet)


@pytest.mark.parametrize(
    ("silenced", "name"),
    [
        (Noise(vpn=0), "vpn"),
        (Noise(skewed_clocks=0), "clock-skew"),
        (Noise(duplicates=0), "duplicate"),
        (Noise(backlogs=0), "backlog"),
        (Noise(case_mangled=0), "case-mangled"),
        (Noise(keys_swapped=0), "keys-swapped"),
        (Noise(truncated=0), "truncated"),
        (Noise(out_of_order=0), "out-of-order"),
        (Noise(late_officers=0, late_consumers=0, late_partners=0), "late"),
    ],
)
def test_each_noise_can_be_switched_off(noisy: list[Line], silenced: Noise, name: str) -> None:
    def causes_of(lines: list[Line]) -> set[str]:
        return {cause for _, truth in lines for cause in truth.noise}

    scenario = Scenario(seed=5, items=4_000, attack_rate=0.02, noise=silenced)
    assert causes_of(lines_of(Traffic(scenario))) == causes_of(noisy) - {name}
    assert name in causes_of(noisy)


def test_officers_upload_late_but_never_later_than_two_weeks(noisy: list[Line]) -> None:
    delays = [
        (scan.received_at - scan.captured_at).total_seconds() / 86_400
        for scan, truth in noisy
        if scan.channel == "customs" and AGAIN.isdisjoint(truth.noise)
    ]
    assert max(delays) > 1
    assert max(delays) <= 14


def test_without_noise_no_honest_pack_raises_an_alert_but_a_traded_one() -> None:
    """Retries, households, shelves, flights and returns alone are no clones."""
    result = replayed(QUIET)
    assert result.honest_codes > 1_000
    assert set(result.false_kinds) <= {"diverted"}
    assert result.false_alerts <= 0.002 * result.honest_codes


def seen_from_two_networks(lines: list[Line], family: AttackFamily) -> set[str]:
    """Attacks of this family with a fake whose text, unmangled, a known scanner read, or
    anonymous ones in two networks: no one network may say what is forged."""
    seen: dict[tuple[str, str], set[str]] = {}
    for scan, truth in lines:
        fake = truth.attack is family and not truth.genuine and MANGLING.isdisjoint(truth.noise)
        if fake and truth.attack_id:
            networks = {scan.network.network} if scan.network else {"known", "scanner"}
            seen.setdefault((truth.attack_id, truth.item), set()).update(networks)
    return {attack for (attack, _), networks in seen.items() if len(networks) > 1}


def test_a_replay_catches_forged_and_unsigned_codes_in_two_networks_and_some_copies(
    noisy: list[Line],
) -> None:
    result = replayed(NOISY)
    for family in (AttackFamily.FORGED, AttackFamily.UNSIGNED):
        outcomes = result.outcomes[family]
        assert outcomes[Outcome.CAUGHT] >= len(seen_from_two_networks(noisy, family)) >= 3
        assert outcomes[Outcome.NOTICED] == 0
    copies = result.outcomes[AttackFamily.COPIES]
    assert copies[Outcome.CAUGHT] > 0
    assert copies[Outcome.CAUGHT] + copies[Outcome.NOTICED] > copies[Outcome.MISSED]
    assert result.false_alerts < 0.01 * result.honest_codes
