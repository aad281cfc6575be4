"""Alerts are counted against the truth, and nothing is called caught that was not."""

from datetime import UTC, datetime, timedelta
from typing import Any

from authenticity.gs1.item import ItemId, item_id
from simulation.attacks import AttackFamily
from simulation.score import Outcome, gather, score
from simulation.truth import TRUTH_FORMAT, Thing, Truth

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
ITEM = item_id("09521000000018", "A")
OTHER = item_id("09521000000018", "B")


def truth(item: ItemId = ITEM, **changes: Any) -> Truth:
    fields: dict[str, Any] = {
        "v": TRUTH_FORMAT,
        "scan_id": "s",
        "publisher": "consumer-web",
        "item": item,
        "physical": "p",
        "thing": Thing.PACK,
        "genuine": True,
        "attack": None,
        "attack_id": None,
        "behaviour": "first look",
        "noise": (),
        "true_at": NOON,
        "true_lat": 0.0,
        "true_lon": 0.0,
        "true_country": "KR",
        "first_detectable_at": None,
    }
    return Truth(**(fields | changes))


def copies(item: ItemId = ITEM, *, detectable: bool = True) -> Truth:
    return truth(
        item,
        attack=AttackFamily.COPIES,
        attack_id="copies-1",
        first_detectable_at=NOON if detectable else None,
    )


def outcome_of(alerts: list[tuple[ItemId, str]], *truths: Truth) -> Outcome:
    result = score(gather(truths), alerts)
    ((family, counted),) = result.outcomes.items()
    assert family is AttackFamily.COPIES
    (outcome,) = counted.elements()
    return outcome


def test_an_attack_is_caught_by_a_finding_that_names_it() -> None:
    assert outcome_of([(ITEM, "clone-suspected")], copies()) is Outcome.CAUGHT


def test_an_attack_is_only_noticed_by_a_finding_of_another_kind() -> None:
    assert outcome_of([(ITEM, "diverted")], copies()) is Outcome.NOTICED


def test_an_alert_on_another_code_catches_nothing() -> None:
    assert outcome_of([(OTHER, "clone-suspected")], copies()) is Outcome.MISSED


def test_what_nobody_could_know_is_not_missed() -> None:
    assert outcome_of([], copies(detectable=False)) is Outcome.NOT_DETECTABLE


def test_one_of_its_codes_is_enough_to_catch_an_attack() -> None:
    assert outcome_of([(OTHER, "clone-suspected")], copies(), copies(OTHER)) is Outcome.CAUGHT


def test_what_could_be_known_only_later_is_not_missed_yet() -> None:
    records = gather([copies()])
    before = score(records, [], until=NOON - timedelta(seconds=1))
    after = score(records, [], until=NOON)
    assert before.of(Outcome.NOT_DETECTABLE) == 1
    assert after.of(Outcome.MISSED) == 1


def test_an_attack_that_left_no_scan_counts_as_launched() -> None:
    result = score({}, [], launched={"forged-3": AttackFamily.FORGED})
    assert result.attacks == result.of(Outcome.NOT_DETECTABLE) == 1


def test_an_alert_on_an_honest_code_is_false_and_its_oddities_are_told() -> None:
    records = gather([truth(noise=("vpn",)), truth(behaviour="household")])
    result = score(records, [(ITEM, "clone-suspected"), (ITEM, "diverted")])
    assert (result.false_alerts, result.honest_codes) == (1, 1)
    assert set(result.false_kinds) == {"clone-suspected", "diverted"}
    assert set(result.false_causes) == {"vpn", "first look", "household"}


def test_an_alert_on_text_that_is_no_code_is_not_counted() -> None:
    result = score(gather([truth()]), [(ItemId("urn:touchstone:text:0"), "unsigned")])
    assert result.false_alerts == 0
