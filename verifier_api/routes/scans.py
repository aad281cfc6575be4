"""`POST /v1/scans`: record one scan, or up to 10,000, and answer for each."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Struct

from authenticity.records.scan import Scan
from verifier_api.auth.access import AnyCaller
from verifier_api.auth.admission import Caller
from verifier_api.auth.principals import ANONYMOUS
from verifier_api.http.bodies import (
    JSON,
    LINES,
    NDJSON,
    decode,
    is_array,
    json_response,
    lines_of,
    media_type,
    read_body,
)
from verifier_api.http.openapi import (
    OR_NO_TOKEN,
    Json,
    content,
    problems,
    reference,
    request_body,
)
from verifier_api.http.parameters import Language
from verifier_api.http.problems import (
    NOT_RECORDED,
    PROBLEM_JSON,
    TOO_LARGE,
    Problem,
    present_trace_id,
)
from verifier_api.i18n.translator import Translator
from verifier_api.services.answers import Answer
from verifier_api.services.probing import paid
from verifier_api.services.recording import ScanBody, record_of, scan_of, unrecorded_scan
from verifier_api.services.stamping import PassedNetwork, Stamp
from verifier_api.state import AppState, State

RECORDED: Final = 202
PARTLY_RECORDED: Final = 207
UNAVAILABLE: Final = 503
_NOT_ACKNOWLEDGED: Final = "the log did not acknowledge in time"
_AGAIN: Final = "send the same scan again with the same scan_id: it counts once"
_LINES_A_TURN: Final = 512

_encoder = msgspec.json.Encoder()


class LineRefused(Struct, frozen=True):
    """One line of a bulk request that is no scan, or that this principal may not send, or
    whose answer is not paid for (429): that one can be sent again after `Retry-After`."""

    line: int
    type: str
    title: str
    status: int
    detail: str
    next_step: str
    recorded: bool = False


class BulkResult(Struct, frozen=True):
    """One result for each line, in order: an `Answer`, or `LineRefused`."""

    results: tuple[Any, ...]  # msgspec encodes a union of untagged structs, but gives no schema
    recorded: int
    refused: int


class NotRecorded(Struct, frozen=True):
    """Problem details with what could still be said: nothing here was recorded."""

    type: str
    title: str
    status: int
    detail: str
    next_step: str
    trace_id: str
    answer: Answer | None = None
    results: tuple[Any, ...] = ()


STRUCTS: Final = (ScanBody, PassedNetwork, BulkResult, LineRefused, NotRecorded, Answer)
_ONE_OR_MANY: Final[Json] = {
    JSON: {
        "schema": {
            "anyOf": [
                reference(ScanBody),
                {"type": "array", "items": reference(ScanBody), "maxItems": 10_000},
            ]
        }
    },
    LINES: {"schema": {"type": "string"}},
}
_RESULT: Final[Json] = {"anyOf": [reference(Answer), reference(BulkResult)]}
router = APIRouter(default_response_class=Response)


@router.post(
    "/v1/scans",
    status_code=RECORDED,
    operation_id="recordScans",
    summary="Record one scan, or up to 10,000, and answer. 202: the log has all of them. "
    "207: see `recorded` of each. 503: nothing is known to be recorded; the answer is in the "
    "body.",
    responses={
        202: {"description": "Recorded", "content": {JSON: {"schema": _RESULT}, LINES: {}}},
        207: {
            "description": "Some lines are not recorded",
            "content": {**content(BulkResult), LINES: {}},
        },
        503: {"description": "Not recorded", "content": content(NotRecorded, PROBLEM_JSON)},
        **problems(400, 401, 403, 408, 413, 415, 422, 429),
    },
    openapi_extra={**request_body(_ONE_OR_MANY), **OR_NO_TOKEN},
)
async def record_scans(
    request: Request, state: State, caller: AnyCaller, translator: Language
) -> Response:
    """The answer comes only once the log has the scan, durably."""
    limits = state.limits
    kind = media_type(request.headers.get("content-type"), JSON, *NDJSON)
    largest = limits.bulk_body_bytes
    if caller.principal == ANONYMOUS:  # who may send few codes is not listened to for megabytes
        largest = min(largest, limits.anonymous_burst * limits.scan_body_bytes)
    raw = await read_body(request.receive, largest, limits.body_within_s, caller.meter)
    if kind == JSON and not is_array(raw):
        _check_size(raw, limits.scan_body_bytes)
        return await _record_one(state, caller, decode(raw, ScanBody), translator)
    caller.identified()
    lines = lines_of(raw, kind, limits.bulk_lines, caller.meter)
    wants_lines = any(kind in request.headers.get("accept", "") for kind in NDJSON)
    return await _record_many(state, lines, caller, translator, wants_lines=wants_lines)


async def _record_one(
    state: AppState, caller: Caller, body: ScanBody, translator: Translator
) -> Response:
    if caller.unavailable is not None:
        scan = unrecorded_scan(body.code, ANONYMOUS, state.clock(), state.hashes)
        answer = paid(caller, await state.checker.check(scan, ANONYMOUS, translator))
        return _not_recorded("who you are could not be checked in time", answer)
    scan = scan_of(body, state.clock(), state.stamp(caller))
    answer, recorded = await record_and_check(state, scan, caller, translator)
    answer = msgspec.structs.replace(
        answer, recorded=recorded, scan_id=body.scan_id or scan.scan_id
    )
    if not recorded:
        return _not_recorded(_NOT_ACKNOWLEDGED, answer)
    return json_response(answer, status_code=RECORDED)


async def record_and_check(
    state: AppState, scan: Scan, caller: Caller, translator: Translator
) -> tuple[Answer, bool]:
    """The answer, and whether the log acknowledged the scan. Neither waits for the other.

    Raises `Problem` 429 for an answer that is not paid for; the scan may be recorded then, and
    counts once if it is sent again.
    """
    item = state.checker.trust().check_signature(scan.code).finding.item
    recording = asyncio.create_task(state.recorder.record([record_of(scan, item)]))
    checked = await state.checker.check(scan, caller.principal, translator)
    recorded = await recording
    state.metrics.recorded(int(recorded), int(not recorded))
    return paid(caller, checked), recorded


async def _record_many(
    state: AppState,
    lines: Sequence[bytes | msgspec.Raw],
    caller: Caller,
    translator: Translator,
    *,
    wants_lines: bool,
) -> Response:
    results: list[Answer | LineRefused | None] = [None] * len(lines)
    read = await _read_lines(state, lines, state.stamp(caller), results)
    scans = [scan for _, _, scan in read]
    checked = await state.checker.check_many(scans, caller.principal, translator)
    taken: list[tuple[_Line, Answer]] = []
    headers: Mapping[str, str] = {}
    for line, each in zip(read, checked, strict=True):
        try:
            taken.append((line, paid(caller, each)))
        except Problem as problem:  # later ones may be answered: those they are entitled to
            results[line.place] = _line_refused(line.place + 1, problem)
            headers = problem.headers
    flags = await state.recorder.record_many(
        [record_of(line.scan, answer.item) for line, answer in taken]
    )
    for (line, answer), flag in zip(taken, flags, strict=True):
        scan_id = line.body.scan_id or line.scan.scan_id
        results[line.place] = msgspec.structs.replace(answer, recorded=flag, scan_id=scan_id)
    recorded = sum(flags)
    state.metrics.recorded(recorded, len(flags) - recorded)
    done = tuple(result for result in results if result is not None)
    if flags and not recorded:
        return _not_recorded(_NOT_ACKNOWLEDGED, results=done)
    return _bulk_response(done, recorded, headers, wants_lines=wants_lines)


class _Line(NamedTuple):
    """A line of a bulk request that is a scan."""

    place: int
    body: ScanBody
    scan: Scan


async def _read_lines(
    state: AppState,
    lines: Sequence[bytes | msgspec.Raw],
    stamp: Stamp,
    results: list[Answer | LineRefused | None],
) -> list[_Line]:
    """The scans among these lines; of the others the refusals are put into `results`."""
    read: list[_Line] = []
    for place, line in enumerate(lines):
        try:
            _check_size(bytes(line), state.limits.scan_body_bytes)
            body = decode(line, ScanBody)
            read.append(_Line(place, body, scan_of(body, state.clock(), stamp)))
        except Problem as problem:
            results[place] = _line_refused(place + 1, problem)
        if place % _LINES_A_TURN == _LINES_A_TURN - 1:
            await asyncio.sleep(0)  # ten thousand lines must not stop the other requests
    return read


def _check_size(raw: bytes, limit_bytes: int) -> None:
    if len(raw) > limit_bytes:
        raise Problem(
            TOO_LARGE, f"one scan is larger than {limit_bytes:,} bytes", "send the code text alone"
        )


def _line_refused(line: int, problem: Problem) -> LineRefused:
    details = problem.details()
    return LineRefused(
        line, details.type, details.title, details.status, details.detail, details.next_step
    )


def _not_recorded(
    detail: str,
    answer: Answer | None = None,
    results: tuple[Answer | LineRefused, ...] = (),
) -> Response:
    kind = NOT_RECORDED
    refusal = NotRecorded(
        kind.type,
        kind.title,
        UNAVAILABLE,
        detail,
        _AGAIN,
        present_trace_id(),
        answer and msgspec.structs.replace(answer, recorded=False),
        results,
    )
    return Response(
        _encoder.encode(refusal),
        UNAVAILABLE,
        media_type=PROBLEM_JSON,
        headers={"Retry-After": "1"},
    )


def _bulk_response(
    results: tuple[Answer | LineRefused, ...],
    recorded: int,
    headers: Mapping[str, str],
    *,
    wants_lines: bool,
) -> Response:
    refused = len(results) - recorded
    status = PARTLY_RECORDED if refused else RECORDED
    if wants_lines:
        return Response(_encoder.encode_lines(results), status, headers, media_type=LINES)
    result = BulkResult(results, recorded, refused)
    return json_response(result, status_code=status, headers=headers)
