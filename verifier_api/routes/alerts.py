"""`/v1/alerts`: alerts and the cases made of them, and the stream of their changes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query, Response
from msgspec import Meta, Struct
from pydantic import WithJsonSchema

from authenticity.detection.alerts import Alert
from authenticity.detection.findings import FindingKind
from authenticity.detection.policy import Severity
from authenticity.gs1.item import ItemId, gtin_of, names_an_item
from authenticity.records.scan import Instant
from ledger.records import AlertFilter, AlertRecord, CaseChange, CaseError, CaseState, CaseStep
from verifier_api.auth.access import AnyRole, Authorization, CaseRole
from verifier_api.http.bodies import JSON, body_of, json_response
from verifier_api.http.event_stream import EventStream
from verifier_api.http.openapi import content, described, problems, request_body
from verifier_api.http.parameters import Cursor, Language, PageSize
from verifier_api.http.problems import CONFLICT, INVALID, NOT_FOUND, TOO_MANY, Problem
from verifier_api.i18n.findings import LocalizedFinding, localize
from verifier_api.i18n.translator import Translator
from verifier_api.routes.items import is_gtin
from verifier_api.services.feed_watch import Listener
from verifier_api.state import State

_Member = TypeVar("_Member", bound=StrEnum)


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


class CaseBody(Struct, frozen=True):
    """What `PATCH /v1/alerts/{id}` takes; closing needs a reason."""

    state: Annotated[str, Meta(max_length=20)]
    reason: Annotated[str, Meta(max_length=2_000)] = ""


STRUCTS: Final = (Alerts, Case, CaseBody)
router = APIRouter(default_response_class=Response)


def _schema(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema(schema)


def _members(kind: type[StrEnum]) -> WithJsonSchema:
    return _schema(type="array", items={"enum": [member.value for member in kind]})


AlertId = Annotated[str, Path(alias="id"), _schema(type="string", pattern="^[0-9a-f]{32}$")]


async def alert_filter(
    principal: AnyRole,
    kind: Annotated[list[str], Query(), _schema(type="array", items={"type": "string"})] = [],  # noqa: B006
    severity: Annotated[list[str], Query(), _members(Severity)] = [],  # noqa: B006
    case: Annotated[list[str], Query(), _members(CaseState)] = [],  # noqa: B006
    retracted: Annotated[str | None, Query(), _schema(enum=["true", "false"])] = None,
    item: Annotated[str | None, Query(), _schema(type="string")] = None,
    since: Annotated[str | None, Query(), _schema(type="string", format="date-time")] = None,
) -> AlertFilter:
    """What the query narrows the alerts to, within the principal's company prefixes."""
    return AlertFilter(
        principal.entitlement,
        _named(FindingKind, kind, "kind"),
        _named(Severity, severity, "severity"),
        _named(CaseState, case, "case"),
        _flag(retracted),
        _item(item) if item is not None else None,
        _moment(since),
    )


@router.get(
    "/v1/alerts",
    operation_id="alerts",
    summary="Alerts in the order they were raised.",
    responses={200: described("Some of them", Alerts), **problems(401, 403, 422, 429, 503)},
)
async def alerts(
    where: Annotated[AlertFilter, Depends(alert_filter)],
    state: State,
    after: Cursor,
    limit: PageSize,
    translator: Language,
) -> Response:
    """Narrowed by the query; `next` continues, null at the end."""
    found = await state.reader.alerts(where, after=after, limit=limit)
    cases = tuple(_case(record, translator) for record in found.items)
    return json_response(Alerts(cases, found.after))


@router.get(
    "/v1/alerts/stream",
    operation_id="alertStream",
    summary="Alert changes as server-sent events, until the token ends.",
    responses={
        200: {"description": "Events", "content": {"text/event-stream": {}}},
        **problems(401, 403, 422, 429, 503),
    },
)
async def alert_stream(
    principal: AnyRole,
    state: State,
    authorization: Authorization,
    last_event_id: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            description="Go on after this event; 0 from the first. Default: from now.",
        ),
        _schema(type="string", pattern="^[0-9]{1,18}$"),
    ] = None,
) -> Response:
    """A comment goes out as heartbeat while nothing changes. It ends when the token does."""
    limits, feed = state.limits, state.feed
    after = _event_number(last_event_id)
    if not feed.take_place(principal.name, most=limits.streams, most_each=limits.streams_per_token):
        raise Problem(
            TOO_MANY, "too many event streams are open", "close one", {"Retry-After": "5"}
        )
    release = partial(feed.leave, principal.name)
    try:
        if after is None:
            after = await state.reader.newest_feed_number()
    except BaseException:
        release()
        raise
    find = partial(state.authenticator.find, authorization)
    listener = Listener(principal, find, state.clock)
    events = feed.events(
        listener, after, batch=limits.stream_batch, heartbeat_s=limits.stream_heartbeat_s
    )

    async def ended() -> None:
        await listener.until_ended(limits.stream_token_every_s)
        feed.wake()

    return EventStream(
        events, ended=ended, release=release, end_within_s=limits.stream_end_within_s
    )


@router.get(
    "/v1/alerts/{id}",
    operation_id="alert",
    summary="One alert with its case.",
    responses={200: described("It", Case), **problems(401, 403, 404, 422, 429, 503)},
)
async def alert(
    principal: AnyRole, state: State, alert_id: AlertId, translator: Language
) -> Response:
    """404 alike for an alert that does not exist and for one about another's brand."""
    record = await state.reader.alert(alert_id, principal.entitlement)
    return json_response(_case(_found(record), translator))


@router.patch(
    "/v1/alerts/{id}",
    operation_id="changeCase",
    summary="Move its case. Closing needs a reason.",
    responses={
        200: described("As it is now", Case),
        **problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503),
    },
    openapi_extra=request_body(content(CaseBody)),
)
async def change_case(
    principal: CaseRole,
    body: Annotated[CaseBody, Depends(body_of(CaseBody, JSON, "application/merge-patch+json"))],
    state: State,
    alert_id: AlertId,
    translator: Language,
) -> Response:
    """The step is recorded under the principal's name."""
    (case,) = _named(CaseState, [body.state], "state")
    change = CaseChange(case, body.reason.strip() or None, principal.name)
    try:
        record = await state.reader.change_case(alert_id, change, principal.entitlement)
    except CaseError as error:
        raise Problem(CONFLICT, str(error), error.next_step) from None
    return json_response(_case(_found(record), translator))


def _case(record: AlertRecord, translator: Translator) -> Case:
    alert = record.alert
    localized = localize(
        alert.kind, alert.probability, alert.reasons, translator, alert.retracted_because
    )
    return Case(alert, localized, record.raised_at, record.updated_at, record.case, record.steps)


def _found(record: AlertRecord | None) -> AlertRecord:
    if record is None:
        raise Problem(NOT_FOUND, "there is no such alert, or it is not yours", "see /v1/alerts")
    return record


def _named(kind: type[_Member], texts: Sequence[str], name: str) -> tuple[_Member, ...]:
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
    if names_an_item(item) and gtin is not None and not is_gtin(gtin):
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


def _event_number(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Problem(INVALID, "Last-Event-ID is no event of ours", "leave it out, or send 0")
    return int(text)
