"""`POST /v1/verify`: is this code genuine? Nothing is recorded."""

from fastapi import APIRouter, Request, Response
from msgspec import Struct

from authenticity.errors import UnavailableError
from authenticity.records.scan import Text
from verifier_api.auth.access import Authorization
from verifier_api.auth.principals import ANONYMOUS
from verifier_api.http.bodies import JSON, decode, json_response, media_type, read_body
from verifier_api.http.openapi import OR_NO_TOKEN, content, described, problems, request_body
from verifier_api.http.parameters import Language
from verifier_api.http.problems import Problem
from verifier_api.services.answers import Answer
from verifier_api.services.recording import CodeText, unrecorded_scan
from verifier_api.state import State


class CheckBody(Struct, frozen=True):
    """What `POST /v1/verify` takes. `session`: scans of the same session are not "others"."""

    code: CodeText
    session: Text | None = None


STRUCTS = (CheckBody, Answer)
router = APIRouter(default_response_class=Response)


@router.post(
    "/v1/verify",
    operation_id="verify",
    summary="Is this code genuine? Nothing is recorded.",
    responses={
        200: described("The answer", Answer),
        **problems(400, 401, 408, 413, 415, 422, 429, 503),
    },
    openapi_extra={**request_body(content(CheckBody)), **OR_NO_TOKEN},
)
async def verify(
    request: Request, state: State, authorization: Authorization, translator: Language
) -> Response:
    principal = ANONYMOUS
    forwarded = request.headers.get("x-forwarded-for")
    if authorization is None:
        state.charge(request.scope, forwarded)
    else:
        try:
            principal = await state.authenticator.find(authorization)
        except UnavailableError:
            pass
        except Problem:
            state.charge(request.scope, forwarded)
            raise
    media_type(request.headers.get("content-type"), JSON)
    limits = state.limits
    raw = await read_body(request.receive, limits.scan_body_bytes, limits.body_within_s)
    body = decode(raw, CheckBody)
    scan = unrecorded_scan(body.code, principal, state.clock(), body.session)
    return json_response(await state.checker.check(scan, principal, translator))
