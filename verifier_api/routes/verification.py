"""`POST /v1/verify` answers; `POST /v1/scans` records and answers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from authenticity.errors import UnavailableError
from authenticity.records.scan import Scan
from verifier_api.auth.principals import ANONYMOUS, Principal
from verifier_api.http.bodies import (
    JSON,
    NDJSON,
    CheckBody,
    ScanBody,
    decode,
    is_array,
    lines_of,
    media_type,
    read_body,
)
from verifier_api.http.problems import (
    NOT_RECORDED,
    PROBLEM_JSON,
    TOO_LARGE,
    Problem,
    present_trace_id,
    problem_response,
)
from verifier_api.i18n.translator import Translator
from verifier_api.services.answers import Answer
from verifier_api.services.recording import look_only, record_of, scan_of
from verifier_api.state import AppState

LINES: Final = "application/x-ndjson"
RECORDED: Final = 202
PARTLY: Final = 207
UNAVAILABLE: Final = 503
_UNREAD: Final = "the log did not acknowledge in time"
_AGAIN: Final = "send the same scan again with the same scan_id: it counts once"

_encoder = msgspec.json.Encoder()


class LineRefused(Struct, frozen=True):
    """One line of a bulk request that is no scan, or that this caller may not send."""

    line: int
    type: str
    title: str
    status: int
    detail: str
    next_step: str
    recorded: bool = False


class BulkResult(Struct, frozen=True):
    """One result for each line, in order: an `Answer`, or `LineRefused`."""

    results: tuple[Any, ...]  # a union of untagged structs cannot be decoded, only encoded
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


@dataclass(frozen=True)
class Codes:
    """The two endpoints."""

    running: AppState

    async def verify_hot(self, scope: Scope, receive: Receive, send: Send) -> None:
        """`POST /v1/verify` on bare ASGI: the framework's layers cost as much as a signature."""
        try:
            answer = await self._verified(scope, receive, dict(scope["headers"]))
        except Problem as problem:
            await problem_response(problem)(scope, receive, send)
            return
        body = _encoder.encode(answer)
        headers = [_JSON_HEADER, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _verified(
        self, scope: Scope, receive: Receive, headers: dict[bytes, bytes]
    ) -> Answer:
        running = self.running
        forwarded = _text(headers.get(b"x-forwarded-for"))
        authorization = _text(headers.get(b"authorization"))
        principal = ANONYMOUS
        if authorization is None:
            running.charge(scope, forwarded)
        else:
            try:
                principal = await running.principals.find(authorization)
            except UnavailableError:
                pass  # who it is cannot be told now: answered as anybody, from the code alone
            except Problem:
                running.charge(scope, forwarded)
                raise
        media_type(_text(headers.get(b"content-type")), JSON)
        limits = running.limits
        raw = await read_body(receive, limits.scan_body_bytes, limits.body_within_s)
        body = decode(raw, CheckBody)
        words = running.words_for(
            _lang(scope["query_string"]), _text(headers.get(b"accept-language"))
        )
        look = look_only(body, principal, running.clock())
        return await running.checker.check(look, principal, words)

    async def record(self, request: Request) -> Response:
        """`POST /v1/scans`: 202 with the answer only once the log has the scan."""
        running, limits = self.running, self.running.limits
        kind = media_type(request.headers.get("content-type"), JSON, LINES, *NDJSON)
        anonymous = request.headers.get("authorization") is None
        largest = limits.bulk_body_bytes
        if anonymous:  # who may send few codes is not listened to for megabytes
            largest = min(largest, limits.anonymous_burst * limits.scan_body_bytes)
        raw = await read_body(request.receive, largest, limits.body_within_s)
        words = translator_for(running, request)
        if kind == JSON and not is_array(raw):
            _single_size(raw, limits.scan_body_bytes)
            return await self._record_one(request, decode(raw, ScanBody), words)
        lines = lines_of(raw, kind, limits.bulk_lines)
        principal = await running.principal(request, len(lines) if anonymous else 1)
        return await self._record_many(request, lines, principal, words)

    async def _record_one(self, request: Request, body: ScanBody, words: Translator) -> Response:
        running = self.running
        try:
            principal = await running.principal(request)
        except UnavailableError:
            scan = scan_of(body, ANONYMOUS, running.clock())
            answer = await running.checker.check(scan, ANONYMOUS, words)
            return _not_recorded("who you are could not be checked in time", answer)
        scan = scan_of(body, principal, running.clock())
        answer, recorded = await self.record_scan(scan, principal, words)
        answer = msgspec.structs.replace(
            answer, recorded=recorded, scan_id=body.scan_id or scan.scan_id
        )
        if not recorded:
            return _not_recorded(_UNREAD, answer)
        return Response(_encoder.encode(answer), RECORDED, media_type=JSON)

    async def record_scan(
        self, scan: Scan, principal: Principal, words: Translator
    ) -> tuple[Answer, bool]:
        """Publish and look up at the same time: neither waits for the other."""
        running = self.running
        item = running.checker.trust().check_signature(scan.code).finding.item
        recording = asyncio.create_task(running.recorder.record([record_of(scan, item)]))
        answer = await running.checker.check(scan, principal, words)
        recorded = await recording
        running.metrics.recorded(int(recorded), int(not recorded))
        return answer, recorded

    async def _record_many(
        self,
        request: Request,
        lines: Sequence[bytes | msgspec.Raw],
        principal: Principal,
        words: Translator,
    ) -> Response:
        running = self.running
        results: list[Answer | LineRefused | None] = [None] * len(lines)
        places, bodies, scans = [], [], []
        for place, line in enumerate(lines):
            try:
                _single_size(bytes(line), running.limits.scan_body_bytes)
                body = decode(line, ScanBody)
                scans.append(scan_of(body, principal, running.clock()))
            except Problem as problem:
                results[place] = _line_refused(place + 1, problem)
            else:
                places.append(place)
                bodies.append(body)
            if place % 512 == 511:
                await asyncio.sleep(0)  # ten thousand lines must not stop the others
        answers = await running.checker.check_many(scans, principal, words)
        records = [
            record_of(scan, answer.item) for scan, answer in zip(scans, answers, strict=True)
        ]
        flags = await running.recorder.record_many(records)
        for place, body, scan, answer, flag in zip(
            places, bodies, scans, answers, flags, strict=True
        ):
            results[place] = msgspec.structs.replace(
                answer, recorded=flag, scan_id=body.scan_id or scan.scan_id
            )
        recorded = sum(flags)
        running.metrics.recorded(recorded, len(flags) - recorded)
        done = tuple(result for result in results if result is not None)
        return _bulk_response(request, done, recorded, log_failed=bool(flags) and not recorded)


_JSON_HEADER: Final = (b"content-type", JSON.encode())


def translator_for(running: AppState, request: Request) -> Translator:
    """By `?lang=` or Accept-Language."""
    return running.words_for(
        request.query_params.get("lang"), request.headers.get("accept-language")
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _lang(query: bytes) -> str | None:
    if not query:
        return None
    found = [part[5:] for part in query[:200].split(b"&") if part.startswith(b"lang=")]
    return found[0].decode("latin-1") if found else None


def _single_size(raw: bytes, limit_bytes: int) -> None:
    if len(raw) > limit_bytes:
        raise Problem(
            TOO_LARGE, f"one scan is larger than {limit_bytes:,} bytes", "send the code text alone"
        )


def _line_refused(line: int, problem: Problem) -> LineRefused:
    told = problem.details()
    return LineRefused(line, told.type, told.title, told.status, told.detail, told.next_step)


def _not_recorded(detail: str, answer: Answer) -> Response:
    kind = NOT_RECORDED
    told = NotRecorded(
        kind.type, kind.title, UNAVAILABLE, detail, _AGAIN, present_trace_id(),
        msgspec.structs.replace(answer, recorded=False),
    )  # fmt: skip
    return Response(
        _encoder.encode(told), UNAVAILABLE, media_type=PROBLEM_JSON, headers={"Retry-After": "1"}
    )


def _bulk_response(
    request: Request,
    results: tuple[Answer | LineRefused, ...],
    recorded: int,
    *,
    log_failed: bool,
) -> Response:
    if log_failed:
        kind = NOT_RECORDED
        told = NotRecorded(
            kind.type, kind.title, UNAVAILABLE, _UNREAD, _AGAIN, present_trace_id(), results=results
        )
        return Response(
            _encoder.encode(told), UNAVAILABLE, media_type=PROBLEM_JSON,
            headers={"Retry-After": "1"},
        )  # fmt: skip
    refused = len(results) - recorded
    status = PARTLY if refused else RECORDED
    if any(kind in request.headers.get("accept", "") for kind in NDJSON):
        return Response(_encoder.encode_lines(results), status, media_type=LINES)
    return Response(
        _encoder.encode(BulkResult(results, recorded, refused)), status, media_type=JSON
    )
