"""The one path from an item's history to what is concluded from it.

1. `prints_of`: which registered batches the prints of its codes belong to.
2. `evidence_of`: believed and doubtful observations, the clone score, proof of copies.
3. `item_findings`: what the rules find.
4. `revise`: which alerts to publish, change or retract, and why they are retracted.
5. `signals_of`: what the item says about its batch and about scanners.

A pure function of (history, batches, policy): findings rest on capture times, and on
arrival for lateness alone. Evidence such as a speed or a number of sessions is never a
finding by itself.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from authenticity.detection.alerts import Alert, revise, told_of_entity, told_of_item
from authenticity.detection.evidence import Evidence, evidence_of
from authenticity.detection.findings import Finding, FindingKind
from authenticity.detection.policy import Policy
from authenticity.detection.prints import prints_of
from authenticity.detection.retraction import why_of_entity, why_of_item
from authenticity.detection.rules import item_findings
from authenticity.detection.signals import Signal, assess_entity, signals_of
from authenticity.gs1.item import EntityId, ItemId
from authenticity.history.history import History
from authenticity.records.batch_registry import BatchRegistry


class ItemAssessment(NamedTuple):
    """What a history gives reason to say. `findings`: most severe first, then by kind."""

    evidence: Evidence
    findings: tuple[Finding, ...]


class ItemUpdate(NamedTuple):
    """An assessment, and what to publish of it.

    `alerts` are those that are new, changed or retracted; `signals` all that the history
    gives, sorted.
    """

    assessment: ItemAssessment
    alerts: Sequence[Alert]
    signals: tuple[Signal, ...]


def assess_history(
    item: ItemId, history: History, batch_registry: BatchRegistry, policy: Policy
) -> ItemAssessment:
    """Steps 1 to 3: the same history, batches and policy give the same findings."""
    prints = prints_of(item, history.observations, batch_registry)
    evidence = evidence_of(history, prints, policy)
    return ItemAssessment(evidence, item_findings(evidence))


def assess_item_update(
    item: ItemId,
    history: History,
    published: Mapping[FindingKind, Alert],
    batch_registry: BatchRegistry,
    policy: Policy,
) -> ItemUpdate:
    """All steps. `published` holds the newest alert of every kind ever published for the item."""
    assessment = assess_history(item, history, batch_registry, policy)
    evidence, findings = assessment
    alerts = revise(
        item,
        published,
        told_of_item(findings, evidence.policy),
        lambda alert: why_of_item(alert, evidence, findings, batch_registry),
    )
    return ItemUpdate(assessment, alerts, signals_of(item, evidence, findings))


def assess_entity_update(
    entity: EntityId,
    signals: Sequence[Signal],
    published: Mapping[FindingKind, Alert],
    batch_registry: BatchRegistry,
    policy: Policy,
) -> Sequence[Alert]:
    """The alerts about a batch or a scanner that are new, changed or retracted.

    `signals`: all about it, as `assess_entity` takes them. `published`: as above. The batches
    say why an alert is retracted, and decide nothing.
    """
    findings = assess_entity(signals, policy)
    return revise(
        ItemId(entity),
        published,
        told_of_entity(findings, policy),
        lambda alert: why_of_entity(alert, signals, findings, batch_registry, policy),
    )
