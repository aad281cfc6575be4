"""A replay in memory: the pure core over lines of a simulation."""

from collections.abc import Iterable

from authenticity.alert import revise
from authenticity.batch import Catalogue
from authenticity.history import history_of
from authenticity.item import ItemId, text_id
from authenticity.policy import DEFAULT_POLICY
from authenticity.sighting import Sighting, sight
from authenticity.standing import assess_item
from authenticity.trust import read_trust_list
from authenticity.verify import verify
from producers.simulation.score import Score, gather, score
from producers.simulation.traffic import Line, Traffic


def lines_of(traffic: Traffic) -> list[Line]:
    """Everything that arrives, pack by pack."""
    return [line for index in range(traffic.scenario.items) for line in traffic.of_pack(index)]


def alerts_of(traffic: Traffic, lines: Iterable[Line]) -> list[tuple[ItemId, str]]:
    """The standing alerts of a replay, as (item, kind)."""
    world = traffic.world
    trust_list = read_trust_list(world.trust_document, world.roots, at=world.start)
    catalogue = Catalogue(world.batch(number) for number in world.batches)
    sightings: dict[ItemId, list[Sighting]] = {}
    for scan, _ in lines:
        verdict = verify(scan.code, trust_list, scan.captured_at)
        item = verdict.item or text_id(scan.code)
        sightings.setdefault(item, []).append(sight(scan, verdict, trust_list.version))
    alerts: list[tuple[ItemId, str]] = []
    for item, seen in sightings.items():
        found = assess_item(item, history_of(seen), catalogue, DEFAULT_POLICY).findings
        alerts += [(a.item, a.kind) for a in revise(item, {}, found, DEFAULT_POLICY)]
    return alerts


def replayed(traffic: Traffic) -> Score:
    """The score of a replay of everything."""
    lines = lines_of(traffic)
    return score(gather(line.truth for line in lines), alerts_of(traffic, lines))
