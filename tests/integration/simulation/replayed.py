"""A replay in memory: the pure core over lines of a simulation."""

from collections.abc import Iterable

from authenticity.detection.item_summary import summarize_item
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.gs1.item import ItemId, text_id
from authenticity.history.history import history_of
from authenticity.history.observation import Observation, observe
from authenticity.records.batch_registry import BatchRegistry
from authenticity.trust.trust_list import read_trust_list
from authenticity.trust.verify import verify
from simulation.score import Score, gather, score
from simulation.traffic import Line, Traffic


def lines_of(traffic: Traffic) -> list[Line]:
    """Everything that arrives, pack by pack."""
    return [line for index in range(traffic.scenario.items) for line in traffic.of_pack(index)]


def alerts_of(traffic: Traffic, lines: Iterable[Line]) -> list[tuple[ItemId, str]]:
    """The standing alerts of a replay, as (item, kind), each about the item that it was found of,
    also what is alerted about its batch."""
    world = traffic.world
    trust_list = read_trust_list(world.trust_document, world.roots, at=world.start)
    batch_registry = BatchRegistry(world.batch(number) for number in world.batches)
    observations: dict[ItemId, list[Observation]] = {}
    for scan, _ in lines:
        verdict = verify(scan.code, trust_list, scan.captured_at)
        item = verdict.item or text_id(scan.code)
        observations.setdefault(item, []).append(observe(scan, verdict, trust_list.version))
    alerts: list[tuple[ItemId, str]] = []
    for item, seen in observations.items():
        found = summarize_item(item, history_of(seen), batch_registry, DEFAULT_POLICY).findings
        least = DEFAULT_POLICY.alert_from.rank
        alerts += [(item, finding.kind) for finding in found if finding.severity.rank >= least]
    return alerts


def replayed(traffic: Traffic) -> Score:
    """The score of a replay of everything."""
    lines = lines_of(traffic)
    return score(gather(line.truth for line in lines), alerts_of(traffic, lines))
