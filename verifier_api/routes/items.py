"""`GET /v1/items/{gtin}/{serial}`: all that is known of one item, for those with a role."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Response
from msgspec import Struct
from pydantic import WithJsonSchema

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import Finding, FindingKind
from authenticity.detection.item_summary import summarize_item
from authenticity.detection.policy import Severity
from authenticity.detection.reasons import Reason
from authenticity.detection.standing import Standing
from authenticity.gs1.item import ItemId, batch_entity, item_id
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import batch_holding, batch_printed
from ledger.records import PartsHeld
from verifier_api.auth.access import AnyRole
from verifier_api.http.bodies import json_response
from verifier_api.http.openapi import described, problems
from verifier_api.http.parameters import Language
from verifier_api.http.problems import NOT_FOUND, Problem
from verifier_api.i18n.findings import LocalizedFinding, localize
from verifier_api.i18n.translator import Translator
from verifier_api.routes.batches import without_filter
from verifier_api.services.batched_lookups import standing_alerts
from verifier_api.services.serial_lists import standing_with_list, with_lists
from verifier_api.state import State

_GTIN_DIGITS: Final = 14
_LONGEST_SERIAL: Final = 20

Gtin = Annotated[str, Path(), WithJsonSchema({"type": "string", "pattern": "^[0-9]{14}$"})]
Serial = Annotated[
    str,
    Path(),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": _LONGEST_SERIAL}),
]


class LocalizedAlert(Struct, frozen=True):
    """A finding, with the same in words."""

    kind: FindingKind
    severity: Severity
    probability: float | None
    reasons: tuple[Reason, ...]
    words: LocalizedFinding


class ItemStanding(Struct, frozen=True):
    """All that is known of one item. `scans`: how many scanned it, at least: networks, and
    sessions of which no network is known. `first` and `last`: when, UTC, by capture of known
    scanners and by arrival of anonymous scans. `findings_of_batch` are about the whole batch.
    `serial_list`: how much of the list of the batch's serials is here, where the part that
    this serial falls into is missing."""

    item: ItemId
    standing: Standing
    findings: tuple[LocalizedAlert, ...]
    findings_of_batch: tuple[LocalizedAlert, ...]
    scans: int
    first: datetime
    last: datetime
    batch: Batch | None
    policy_version: str
    serial_list: PartsHeld | None = None


STRUCTS: Final = (ItemStanding,)
router = APIRouter(default_response_class=Response)


@router.get(
    "/v1/items/{gtin}/{serial:path}",
    operation_id="item",
    summary="All that is known of one item.",
    responses={
        200: described("Its standing", ItemStanding),
        **problems(401, 403, 404, 422, 429, 503),
    },
)
async def item(
    principal: AnyRole, state: State, gtin: Gtin, serial: Serial, translator: Language
) -> Response:
    """404 alike for an item that nobody scanned and for one of another's brand."""
    unknown = Problem(NOT_FOUND, "no scan of such an item is known, or it is not yours")
    is_item = is_gtin(gtin) and 0 < len(serial) <= _LONGEST_SERIAL
    item = item_id(gtin, serial) if is_item else None
    if item is None or not principal.is_entitled_to(item):
        raise unknown
    history = await state.reader.item(item)
    if history is None:
        raise unknown
    registry, incomplete = await with_lists(
        state.reader, await state.reader.batch_registry(), [(item, history, None)], [item]
    )
    known = summarize_item(item, history, registry, state.policy)
    of_batch: Sequence[Alert] = ()
    printed, batch = batch_printed(known.batch_match), batch_holding(known.batch_match)
    if printed is not None and printed.lot is not None:
        entity = batch_entity(printed.gtin, printed.lot)
        of_batch = await standing_alerts(state.reader, entity, principal.entitlement)
    return json_response(
        ItemStanding(
            item,
            standing_with_list(known.standing, known.batch_match),
            _localized(known.findings, translator),
            _localized(of_batch, translator),
            known.scans,
            known.first,
            known.last,
            batch and without_filter(batch),
            state.policy.version,
            incomplete.get(item),
        )
    )


def is_gtin(text: str) -> bool:
    """Whether this is a GTIN-14 by its form; its check digit is not looked at."""
    return len(text) == _GTIN_DIGITS and text.isascii() and text.isdigit()


def _localized(
    findings: Sequence[Finding | Alert], translator: Translator
) -> tuple[LocalizedAlert, ...]:
    return tuple(
        LocalizedAlert(
            found.kind,
            found.severity,
            found.probability,
            found.reasons,
            localize(found.kind, found.probability, found.reasons, translator),
        )
        for found in findings
    )
