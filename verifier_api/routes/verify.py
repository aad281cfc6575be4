"""`POST /v1/verify`: is this code genuine? Nothing is recorded.

The service answers it on bare ASGI (`verify_bare`): FastAPI's layers cost 1.4 times what
the whole check costs, signature included. The route (`verify`) declares it, and answers
the same with the same functions.
"""

from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Struct
from starlette.types import Receive, Scope, Send

from authenticity.records.scan import Text
from verifier_api.auth.access import AnyCaller
from verifier_api.auth.admission import Caller, caller_of
from verifier_api.http.bodies import JSON, decode, json_response, media_type, read_body
from verifier_api.http.openapi import OR_NO_TOKEN, content, described, problems, request_body
from verifier_api.http.parameters import Language, language_asked
from verifier_api.http.problems import Problem, problem_response
from verifier_api.i18n.translator import Translator
from verifier_api.services.answers import Answer
from verifier_api.services.probing import paid
from verifier_api.services.recording import CodeText, unrecorded_scan
from verifier_api.state import AppState, State

PATH: Final = "/v1/verify"
_JSON_HEADER: Final = (b"content-type", JSON.encode())
_encoder = msgspec.json.Encoder()


class CheckBody(Struct, frozen=True):
    """What `POST /v1/verify` takes. `session`: scans of the same session are not "others"."""

    code: CodeText
    session: Text | None = None


STRUCTS: Final = (CheckBody, Answer)
router = APIRouter(default_response_class=Response)


@router.post(
    PATH,
    operation_id="verify",
    summary="Is this code genuine? Nothing is recorded.",
    responses={
        200: described("The answer", Answer),
        **problems(400, 401, 408, 413, 415, 422, 429, 503),
    },
    openapi_extra={**request_body(content(CheckBody)), **OR_NO_TOKEN},
)
async def verify(
    request: Request, state: State, caller: AnyCaller, translator: Language
) -> Response:
    """Where a token cannot be looked up in time, the answer is that for anybody."""
    content_type = request.headers.get("content-type")
    return json_response(await _answer(state, request.receive, content_type, caller, translator))


async def verify_bare(state: AppState, scope: Scope, receive: Receive, send: Send) -> None:
    """The same on bare ASGI."""
    headers = dict(reversed(scope["headers"]))  # of several lines the first, as in Starlette
    try:
        translator = state.translator(
            language_asked(scope["query_string"]), _text(headers.get(b"accept-language"))
        )
        content_type = _text(headers.get(b"content-type"))
        answer = await _answer(state, receive, content_type, caller_of(scope), translator)
    except Problem as problem:
        await problem_response(problem)(scope, receive, send)
        return
    body = _encoder.encode(answer)
    start = [_JSON_HEADER, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": start})
    await send({"type": "http.response.body", "body": body})


async def _answer(
    state: AppState,
    receive: Receive,
    content_type: str | None,
    caller: Caller,
    translator: Translator,
) -> Answer:
    media_type(content_type, JSON)
    limits, principal = state.limits, caller.principal
    raw = await read_body(receive, limits.scan_body_bytes, limits.body_within_s, caller.meter)
    body = decode(raw, CheckBody)
    scan = unrecorded_scan(body.code, principal, state.clock(), state.hashes, body.session)
    return paid(caller, await state.checker.check(scan, principal, translator))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
