"""What the demonstration counts of alerts on batches and scanners."""

from datetime import timedelta

from authenticity.gs1.item import ItemId, batch_entity, gtin_of
from authenticity.records.scan import to_epoch_ms
from authenticity.trust.trust_list import read_trust_list
from authenticity.trust.verify import verify
from demo.running_results import Results, SeenAlert
from simulation.attacks import AttackFamily
from simulation.score import Outcome
from simulation.traffic import Line, Scenario, Traffic

ITEMS = 400
TRAFFIC = Traffic(Scenario(seed=1, items=ITEMS))
WORLD = TRAFFIC.world
TRUST_LIST = read_trust_list(WORLD.trust_document, WORLD.roots, at=WORLD.start)
LINES = sorted(
    (line for index in range(ITEMS) for line in TRAFFIC.of_pack(index)),
    key=lambda line: to_epoch_ms(line.scan.received_at),
)
END = LINES[-1].scan.received_at + timedelta(days=1)


def results_after(lines: list[Line], alert: SeenAlert) -> Results:
    results = Results({})
    for line in lines:
        verdict = verify(line.scan.code, TRUST_LIST, line.scan.captured_at)
        results.published(line, verdict, 0.0)
    results.alerted(alert, 1.0)
    return results


def campaign_on(item: ItemId, lot: str) -> SeenAlert:
    gtin = gtin_of(item)
    assert gtin
    return SeenAlert("c", ItemId(batch_entity(gtin, lot)), "campaign", "critical", False, "many")


def lot_of(line: Line) -> str:
    verdict = verify(line.scan.code, TRUST_LIST, line.scan.captured_at)
    assert verdict.lot
    return verdict.lot


def test_a_campaign_on_the_batch_catches_an_attack_on_many_of_its_packs() -> None:
    attacked = next(line for line in LINES if line.truth.attack is AttackFamily.FEW_COPIES)
    results = results_after(LINES, campaign_on(attacked.truth.item, lot_of(attacked)))
    outcome = results.score(END)
    assert outcome.outcomes[AttackFamily.FEW_COPIES] == {Outcome.CAUGHT: 1}
    assert outcome.false_alerts == 0
    assert results.recent[-1].truth != "false alert"


def test_a_campaign_on_an_honest_batch_is_a_false_alert() -> None:
    honest = [line for line in LINES if line.truth.attack is None]
    results = results_after(honest, campaign_on(honest[0].truth.item, lot_of(honest[0])))
    outcome = results.score(END)
    assert (outcome.false_alerts, outcome.false_kinds["campaign"]) == (1, 1)
    assert results.recent[-1].truth == "false alert"


def test_an_alert_on_a_scanner_is_counted_for_no_code() -> None:
    scanner = ItemId("urn:touchstone:scanner:s0000abcd")
    results = results_after(LINES[:50], SeenAlert("p", scanner, "probing", "high", False, ""))
    assert results.score(END).false_alerts == 0
    assert results.recent[-1].truth == "a scanner"
