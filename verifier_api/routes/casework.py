"""What people with a role work on: items, alerts and their cases, batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import Finding, FindingKind
from authenticity.detection.item_summary import summarize_item
from authenticity.detection.policy import Severity
from authenticity.detection.reasons import Reason
from authenticity.detection.standing import Standing
from authenticity.gs1.item import ItemId, batch_entity, gtin_of, item_id, names_an_item
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import batch_holding, batch_printed
from authenticity.records.scan import Instant
from ledger.records import AlertFilter, AlertRecord, CaseChange, CaseError, CaseState, CaseStep
from verifier_api.auth.principals import Principal, Role, require
from verifier_api.http.bodies import JSON, CaseBody, decode, media_type, read_body
from verifier_api.http.problems import CONFLICT, INVALID, NOT_FOUND, TOO_MANY, Problem
from verifier_api.i18n.findings import LocalizedFinding, localize
from verifier_api.i18n.translator import Translator
from verifier_api.routes.verification import translator_for
from verifier_api.services.batched_lookups import standing_alerts
from verifier_api.state import AppState

ANY_ROLE: Final = (Role.OFFICER, Role.RIGHTS_HOLDER, Role.ISSUER, Role.ADMIN)
CASE_ROLES: Final = (Role.RIGHTS_HOLDER, Role.ISSUER, Role.ADMIN)
_PAGE: Final = 50
_GTIN_DIGITS: Final = 14
_LONGEST_CURSOR: Final = 512

_encoder = msgspec.json.Encoder()
_Member = TypeVar("_Member", bound=StrEnum)


class LocalizedAlert(Struct, frozen=True):
    """A finding, with the same in words."""

    kind: FindingKind
    severity: Severity
    probability: float | None
    reasons: tuple[Reason, ...]
    words: LocalizedFinding


class ItemStanding(Struct, frozen=True):
    """All that is known of one item. `first` and `last` are capture times, UTC.
    `findings_of_batch` are about the whole batch."""

    item: ItemId
    standing: Standing
    findings: tuple[LocalizedAlert, ...]
    findings_of_batch: tuple[LocalizedAlert, ...]
    scans: int
    first: datetime
    last: datetime
    batch: Batch | None
    policy_version: str


class Case(Struct, frozen=True):
    """An alert, the same in words, and the case people made of it."""

    alert: Alert
    words: LocalizedFinding
    raised_at: datetime
    updated_at: datetime
    case: CaseState
    steps: tuple[CaseStep, ...]


class Alerts(Struct, frozen=True):
    """Some alerts in the order they were raised; `next` continues, null at the end."""

    alerts: tuple[Case, ...]
    next: str | None


class Batches(Struct, frozen=True):
    """Some batches by issuer and id. The filter of their serials (`serials`) is left out:
    it is large, and for the pipeline alone."""

    batches: tuple[Batch, ...]
    next: str | None


@dataclass
class CaseWork:
    """The endpoints behind a token."""

    running: AppState

    async def item(self, request: Request) -> Response:
        """`GET /v1/items/{gtin}/{serial}`. Whoever has no token learns nothing, at no cost."""
        principal = await self._caller(request, *ANY_ROLE)
        gtin, serial = request.path_params["gtin"], request.path_params["serial"]
        unknown = Problem(NOT_FOUND, "no scan of such an item is known, or it is not yours")
        item = item_id(gtin, serial) if _is_gtin(gtin) and 0 < len(serial) <= 20 else None
        if item is None or not principal.is_entitled_to(item):
            raise unknown
        reader = self.running.parts.reader
        history = await reader.item(item)
        if history is None:
            raise unknown
        policy = self.running.parts.policy
        known = summarize_item(item, history, await reader.batch_registry(), policy)
        of_batch: Sequence[Alert] = ()
        printed, batch = batch_printed(known.batch_match), batch_holding(known.batch_match)
        if printed is not None and printed.lot is not None:
            subject = batch_entity(printed.gtin, printed.lot)
            of_batch = await standing_alerts(reader, subject, principal.prefixes)
        words = translator_for(self.running, request)
        return _json(
            ItemStanding(
                item, known.standing, _told(known.findings, words), _told(of_batch, words),
                known.scans, known.first, known.last,
                batch and _without_filter(batch), policy.version,
            )
        )  # fmt: skip

    async def alerts(self, request: Request) -> Response:
        """`GET /v1/alerts`, narrowed and paged."""
        principal = await self._caller(request, *ANY_ROLE)
        query = request.query_params
        item = query.get("item")
        where = AlertFilter(
            principal.prefixes,
            _members(FindingKind, query.getlist("kind"), "kind"),
            _members(Severity, query.getlist("severity"), "severity"),
            _members(CaseState, query.getlist("case"), "case"),
            _flag(query.get("retracted")),
            _item(item) if item is not None else None,
            _moment(query.get("since")),
        )
        found = await self.running.parts.reader.alerts(
            where, after=_cursor(request), limit=self._limit(request)
        )
        words = translator_for(self.running, request)
        return _json(Alerts(tuple(_case(record, words) for record in found.items), found.after))

    async def alert(self, request: Request) -> Response:
        """`GET /v1/alerts/{id}`."""
        principal = await self._caller(request, *ANY_ROLE)
        record = await self.running.parts.reader.alert(
            request.path_params["id"], principal.prefixes
        )
        return _json(_case(_found(record), translator_for(self.running, request)))

    async def change(self, request: Request) -> Response:
        """`PATCH /v1/alerts/{id}`: move its case; closing needs a reason."""
        principal = await self._caller(request, *CASE_ROLES)
        media_type(request.headers.get("content-type"), JSON, "application/merge-patch+json")
        limits = self.running.limits
        raw = await read_body(request.receive, limits.scan_body_bytes, limits.body_within_s)
        body = decode(raw, CaseBody)
        (state,) = _members(CaseState, [body.state], "state")
        change = CaseChange(state, body.reason.strip() or None, principal.name)
        try:
            record = await self.running.parts.reader.change_case(
                request.path_params["id"], change, principal.prefixes
            )
        except CaseError as error:
            raise Problem(CONFLICT, str(error), error.next_step) from None
        return _json(_case(_found(record), translator_for(self.running, request)))

    async def stream(self, request: Request) -> Response:
        """`GET /v1/alerts/stream`: server-sent events, resumed by Last-Event-ID."""
        principal = await self._caller(request, *ANY_ROLE)
        running, limits = self.running, self.running.limits
        after = _event_number(request.headers.get("last-event-id"))
        if after is None:
            after = await running.parts.reader.newest_feed_number()
        places = running.feed.places
        if sum(places.values()) >= limits.streams or (
            places[principal.name] >= limits.streams_per_token
        ):
            raise Problem(
                TOO_MANY, "too many event streams are open", "close one", {"Retry-After": "5"}
            )
        events = running.feed.counted(
            principal.name, after, principal.prefixes,
            batch=limits.stream_batch, heartbeat_s=limits.stream_heartbeat_s,
        )  # fmt: skip
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def batches(self, request: Request) -> Response:
        """`GET /v1/batches`."""
        principal = await self._caller(request, *ANY_ROLE)
        found = await self.running.parts.reader.batches(
            principal.prefixes, after=_cursor(request), limit=self._limit(request)
        )
        told = tuple(_without_filter(batch) for batch in found.items)
        return _json(Batches(told, found.after))

    async def _caller(self, request: Request, *roles: Role) -> Principal:
        principal = await self.running.principal(request)
        require(principal, *roles)
        return principal

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit", str(_PAGE))
        most = self.running.limits.page_records
        if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= most):
            raise Problem(INVALID, f"limit={text[:20]} is not 1 to {most}", f"use limit={_PAGE}")
        return int(text)


def _json(value: Struct) -> Response:
    return Response(_encoder.encode(value), media_type=JSON)


def _without_filter(batch: Batch) -> Batch:
    return batch if batch.serials is None else msgspec.structs.replace(batch, serials=None)


def _told(findings: Sequence[Finding | Alert], words: Translator) -> tuple[LocalizedAlert, ...]:
    return tuple(
        LocalizedAlert(
            found.kind,
            found.severity,
            found.probability,
            found.reasons,
            localize(found.kind, found.probability, found.reasons, words),
        )
        for found in findings
    )


def _case(record: AlertRecord, words: Translator) -> Case:
    alert = record.alert
    told = localize(alert.kind, alert.probability, alert.reasons, words)
    return Case(alert, told, record.raised_at, record.updated_at, record.case, record.steps)


def _found(record: AlertRecord | None) -> AlertRecord:
    if record is None:
        raise Problem(NOT_FOUND, "there is no such alert, or it is not yours", "see /v1/alerts")
    return record


def _is_gtin(text: str) -> bool:
    return len(text) == _GTIN_DIGITS and text.isascii() and text.isdigit()


def _members(kind: type[_Member], texts: list[str], name: str) -> tuple[_Member, ...]:
    try:
        return tuple(kind(text) for text in texts)
    except ValueError:
        known = ", ".join(kind)
        raise Problem(INVALID, f"{name} is none of those known", f"use one of: {known}") from None


def _flag(text: str | None) -> bool | None:
    if text is not None and text not in ("true", "false"):
        raise Problem(INVALID, "retracted is neither true nor false", "use retracted=false")
    return None if text is None else text == "true"


def _item(text: str) -> ItemId:
    item = ItemId(text)
    gtin = gtin_of(item)
    if names_an_item(item) and gtin is not None and not _is_gtin(gtin):
        raise Problem(INVALID, "item is no item id", "use https://id.gs1.org/01/…/21/…")
    return item


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return msgspec.convert(text, Instant).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise Problem(
            INVALID, "since is not a time with its offset", "use since=2026-11-23T09:15:00Z"
        ) from None


def _cursor(request: Request) -> str | None:
    after = request.query_params.get("after")
    if after is not None and len(after) > _LONGEST_CURSOR:
        raise Problem(INVALID, "after is no cursor of ours", "use `next` of the page before")
    return after


def _event_number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Problem(INVALID, "Last-Event-ID is no event of ours", "leave it out, or send 0")
    return int(text)
