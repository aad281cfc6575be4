"""`touchstone bench detect --worlds`: the product in drawn worlds and in those kept out."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from authenticity.detection.policy import Policy
from benchmarks.detection.dataset import Reading, chunks_of, map_packs
from benchmarks.detection.evaluation.baseline_rules import RULES
from benchmarks.detection.evaluation.code_assessment import assess_code
from benchmarks.detection.evaluation.counts import WorldCounts
from benchmarks.detection.evaluation.entity_alerts import entity_alerts
from benchmarks.detection.evaluation.reference import Reference
from benchmarks.detection.evaluation.reference_table import TablePart, part_of, table_of
from benchmarks.detection.evaluation.run_worlds import OURS, WorldResult
from benchmarks.detection.evaluation.touchstone_detector import TouchstoneDetector
from benchmarks.detection.evaluation.world_report import WorldsReport, row_of, worst_of
from benchmarks.detection.split import NamedWorld
from benchmarks.machine import machine
from simulation.traffic import Scenario, Traffic

COMMERCIAL: Final = next(rule for rule in RULES if rule.name == "commercial")
_DETECTORS: Final = (OURS, COMMERCIAL.name)
_PACKS_AT_ONCE: Final = 1_000
"""Packs are scanned dozens of times in some worlds, so that more of them would take minutes."""


def measure_worlds(
    worlds: Sequence[NamedWorld],
    items: int,
    policy: Policy,
    *,
    reference: Reference | None = None,
    workers: int | None = None,
    progress: Callable[[str, int], None] = lambda _world, _packs: None,
) -> WorldsReport:
    """Run each world once, and judge its codes by this reference too, if there is one.

    `progress` is called with its title and the packs done since the last call.
    """
    rows = []
    for world in worlds:
        scenario = world.scenario(items)
        done = partial(progress, world.title)
        parts: list[TablePart] = []
        keep = parts.append if reference else None
        result = run_scenario(scenario, policy, keep=keep, workers=workers, progress=done)
        scores = reference.judge(table_of(parts)) if reference else None
        rows.append(row_of(world.name, world.part, result, COMMERCIAL, scores))
    found = tuple(rows)
    learned_on = reference.learned_on if reference else None
    return WorldsReport(machine(), items, policy.version, found, worst_of(found), learned_on)


def run_scenario(
    scenario: Scenario,
    policy: Policy,
    *,
    keep: Callable[[TablePart], None] | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> WorldResult:
    """Ours and the commercial rule over one world. `keep` is given what a reference reads of
    its codes, some batches at a time."""
    total = WorldCounts(_DETECTORS)
    chunks = chunks_of(scenario, _PACKS_AT_ONCE)
    work = partial(_counts_of, policy=policy, with_part=keep is not None)
    for counts, part in map_packs(work, scenario, workers=workers, packs=_PACKS_AT_ONCE):
        total.add(counts)
        if keep is not None and part is not None:
            keep(part)
        progress(len(next(chunks)))
    entities = entity_alerts(total.signal_changes, policy)
    total.signal_changes.clear()
    attacks = list(Traffic(scenario).attacks())
    return WorldResult(scenario.seed, scenario.items, total, entities, attacks)


def _counts_of(
    reading: Reading, packs: range, *, policy: Policy, with_part: bool
) -> tuple[WorldCounts, TablePart | None]:
    counts, ours = WorldCounts(_DETECTORS), TouchstoneDetector(policy)
    examples = reading.of_packs(packs)
    for example in examples:
        counts.note(example, assess_code(example, ours, (COMMERCIAL,)))
    return counts, part_of(examples) if with_part else None
