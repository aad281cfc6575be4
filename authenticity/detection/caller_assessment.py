"""An item's standing for the one who looks at it now, code in hand.

`assess_item` says what stands in an item's history. Whoever looks at a pack asks a
narrower question: is the code in *my* hand believed, and has anybody *else* seen it?
"""

from datetime import datetime

from msgspec import Struct

from authenticity.detection.assess import batch_of, split
from authenticity.detection.findings import Finding, FindingKind, because, coarse, found
from authenticity.detection.policy import Policy
from authenticity.detection.sessions import own_numbers
from authenticity.detection.standing import Standing, assess_item
from authenticity.gs1.item import ItemId, gtin_of
from authenticity.history.history import EMPTY, History, distinct_scans, history_of, merge
from authenticity.history.observation import Observation
from authenticity.records.batch import Batch, BatchRegistry
from authenticity.records.scan import from_epoch_ms


class CallerAssessment(Struct, frozen=True):
    """Standing and findings as of one look.

    `scans`, `first` and `last` are about others' scans of believed codes: those of the
    looker's own session do not count. `first` and `last` are capture times, None
    without such a scan. `unregistered`: the maker registers batches of this product, and
    has registered none with this print: late, or not the maker's.
    """

    standing: Standing
    findings: tuple[Finding, ...]
    scans: int
    first: datetime | None
    last: datetime | None
    batch: Batch | None
    unregistered: bool


def assess_for_caller(
    item: ItemId,
    look: Observation,
    history: History | None,
    batch_registry: BatchRegistry,
    policy: Policy,
) -> CallerAssessment | None:
    """What this look and the item's history give; None if the code looked at is not believed.

    The history is judged with the look in it, so the answer is the same whether the
    look was folded into it already or not, and a repeated look gets the same answer.
    """
    alone = history_of([look])
    batch = batch_of(item, alone, batch_registry)
    if not split(alone, batch)[0]:
        return None
    known = merge(history or EMPTY, alone)
    whole = assess_item(item, known, batch_registry, policy)
    others = _of_others(known, look, whole.batch) if history else []
    standing = whole.standing
    seen_before = [f for f in whole.findings if f.kind is FindingKind.SEEN_BEFORE]
    findings = tuple(f for f in whole.findings if f.kind is not FindingKind.SEEN_BEFORE)
    ours = own_numbers(policy.of(whole.batch).own_supply_chain)
    # A case that passed is nobody's look; a pack that was taken in hand and passed is one.
    if any(observation.act or observation.channel not in ours for observation in others):
        findings += tuple(seen_before) or (_seen_before(others),)
        if standing is Standing.VERIFIED:
            standing = Standing.SEEN_BEFORE
    elif standing is Standing.SEEN_BEFORE:
        standing = Standing.VERIFIED
    captured_ms = [observation.captured_ms for observation in others]
    return CallerAssessment(
        standing,
        findings,
        distinct_scans(others),
        from_epoch_ms(min(captured_ms)) if captured_ms else None,
        from_epoch_ms(max(captured_ms)) if captured_ms else None,
        whole.batch,
        whole.batch is None and batch_registry.knows(gtin_of(item) or ""),
    )


def _of_others(history: History, look: Observation, batch: Batch | None) -> list[Observation]:
    believed, _ = split(history, batch)
    return [observation for observation in believed if observation.session != look.session]


def _seen_before(others: list[Observation]) -> Finding:
    sessions = {observation.session for observation in others}
    reason = because("scanned-in-other-sessions", at_least=coarse(len(sessions)))
    return found(FindingKind.SEEN_BEFORE, reason)
