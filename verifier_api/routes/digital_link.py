"""`/01/…`: the printed code itself, opened in a browser or read by a machine."""

import re
import secrets
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import parse_qs

import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import WithJsonSchema
from starlette.datastructures import Headers
from starlette.types import Scope

from authenticity.errors import CodeError
from authenticity.gs1.code import read_code
from authenticity.records.scan import Instant
from authenticity.trust.verdict import Doubt, Note
from verifier_api.auth.access import AnyCaller
from verifier_api.auth.principals import ANONYMOUS
from verifier_api.http.bodies import FORM, JSON, json_response, media_type, read_body
from verifier_api.http.openapi import OR_NO_TOKEN, Json, Responses, content, problems, request_body
from verifier_api.http.parameters import Language, language_asked
from verifier_api.http.problems import (
    INVALID,
    NOT_A_CODE,
    NOT_FOUND,
    PROBLEM_JSON,
    TOO_MANY,
    Problem,
    ProblemDetails,
    problem_response,
)
from verifier_api.i18n.translator import Translator
from verifier_api.routes.scans import record_and_check
from verifier_api.services.answers import Answer
from verifier_api.services.linkset import (
    LINKSET_JSON,
    PRODUCT_PAGE,
    VERIFICATION,
    linkset_of,
    resolver_description,
)
from verifier_api.services.probing import paid
from verifier_api.services.recording import ScanBody, scan_of, unrecorded_scan
from verifier_api.state import AppState, State
from verifier_api.web.answer_page import Sheet, render_answer, render_apology

HTML: Final = "text/html"
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::[0-9]{1,5})?")
_CHOSEN_LANGUAGE: Final = re.compile(r"[?&]lang=[a-z]{2}\Z")
"""What our own language links append; it was never printed."""
_CANONICAL_HOST: Final = "id.gs1.org"
_FORM_BYTES: Final = 2_048
_PREFIX: Final = "/01/"
_HEADERS: Final = {
    "X-Robots-Tag": "noindex, nofollow",
    "Vary": "Accept, Accept-Language",
}
_STRING: Final[Json] = {"type": "string"}

router = APIRouter(default_response_class=Response)
printed_forms = APIRouter(default_response_class=Response)
"""The forms of a printed code, for the OpenAPI document alone: the service answers all of
them, and paths that are no code, on one route."""


@router.get("/01/{code:path}", include_in_schema=False)
async def show(
    request: Request,
    state: State,
    caller: AnyCaller,
    translator: Language,
    link_type: Annotated[str | None, Query(alias="linkType"), WithJsonSchema(_STRING)] = None,
) -> Response:
    """The page, the answer or a linkset, by Accept and linkType. A page view is no scan:
    link previews open pages too."""
    code_text = code_text_of(request)
    kind = preferred_type(request.headers.get("accept"))
    if link_type is not None or kind == LINKSET_JSON:
        if kind == LINKSET_JSON or link_type in ("linkset", "all"):
            return _linkset(request, code_text)
        if _expanded(link_type) not in (PRODUCT_PAGE, VERIFICATION, None):
            raise Problem(NOT_FOUND, "no link of this type", "use linkType=linkset")
    try:
        caller.identified()
        scan = unrecorded_scan(code_text, ANONYMOUS, state.clock(), state.hashes)
        answer = paid(caller, await state.checker.check(scan, ANONYMOUS, translator))
    except Problem as problem:
        return _apology(problem, kind, translator)
    answer = _without_host_note(answer)
    # GS1-Conformant resolver 1.2, 7: what is no GS1 Digital Link is a bad request.
    status = HTTPStatus.BAD_REQUEST if answer.doubt is Doubt.UNREADABLE else HTTPStatus.OK
    if kind == JSON:
        return json_response(answer, status_code=status, headers=_HEADERS)
    page = _page(state, answer, code_text, translator, None)
    page.status_code = status
    return page


@router.options("/01/{code:path}", include_in_schema=False)
@router.options("/.well-known/gs1resolver", include_in_schema=False)
async def options() -> Response:
    """What a browser asks before a page of another site may read (CORS): it may."""
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/01/{code:path}", include_in_schema=False)
async def confirm(
    request: Request, state: State, caller: AnyCaller, translator: Language
) -> Response:
    """The page's button: records without a script."""
    media_type(request.headers.get("content-type"), FORM)
    raw = await read_body(request.receive, _FORM_BYTES, state.limits.body_within_s, caller.meter)
    code_text = code_text_of(request)
    body = _form(raw, code_text)
    try:
        caller.identified()
        scan = scan_of(body, state.clock(), state.stamp(caller))
        answer, recorded = await record_and_check(state, scan, caller, translator)
    except Problem as problem:
        return _apology(problem, HTML, translator)
    return _page(state, _without_host_note(answer), code_text, translator, recorded)


@router.get(
    "/.well-known/gs1resolver",
    operation_id="resolver",
    summary="GS1 resolver description file.",
    responses={200: {"description": "It", "content": {JSON: {"schema": {"type": "object"}}}}},
)
async def resolver(request: Request) -> Response:
    """Which keys and link types this resolver knows, under the host that was asked."""
    return json_response(resolver_description(_origin(request)))


_FORMS: Final = (
    "/01/{gtin}",
    "/01/{gtin}/21/{serial}",
    "/01/{gtin}/10/{lot}/21/{serial}",
    "/01/{gtin}/22/{variant}/10/{lot}/21/{serial}",
)
_BESIDE: Final = ("8030", "11", "17")
"""AIs that stand in the query of a printed code."""
_PAGE_OR_DATA: Final[Responses] = {
    200: {
        "description": "The page, the answer or a linkset, by Accept",
        "content": {HTML: {}, **content(Answer), LINKSET_JSON: {"schema": {"type": "object"}}},
    },
    400: {
        "description": "This is no GS1 Digital Link: the page or the answer says why",
        "content": {HTML: {}, **content(Answer), **content(ProblemDetails, PROBLEM_JSON)},
    },
    **problems(401, 404, 422, 429, 503, or_html=(429, 503)),
}
_PAGE: Final[Responses] = {
    200: {"description": "The page", "content": {HTML: {}}},
    **problems(401, 403, 404, 408, 413, 415, 422, 429, 503, or_html=(429, 503)),
}
_FORM_SCHEMA: Final[Json] = {
    "type": "object",
    "properties": {
        name: {"type": "string", "maxLength": 64} for name in ("scan_id", "session", "captured_at")
    },
    "required": ["scan_id", "session", "captured_at"],
}


def _parameters(path: str, *query: str) -> list[Json]:
    """What stands in this form of the code, and beside it in the query."""
    value = {"type": "string", "minLength": 1, "maxLength": 20}
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [
        *({"name": name, "in": "path", "required": True, "schema": value} for name in names),
        *({"name": name, "in": "query", "schema": _STRING} for name in query),
    ]


for _number, _path in enumerate(_FORMS):
    printed_forms.add_api_route(
        _path,
        show,
        methods=["GET"],
        operation_id=f"resolve{_number}",
        summary="The printed code. Looking is no scan.",
        responses=_PAGE_OR_DATA,
        openapi_extra={"parameters": _parameters(_path, *_BESIDE), **OR_NO_TOKEN},
    )
    printed_forms.add_api_route(
        _path,
        confirm,
        methods=["POST"],
        operation_id=f"confirm{_number}",
        summary="The page's button: records without a script.",
        responses=_PAGE,
        openapi_extra={
            "parameters": _parameters(_path, *_BESIDE, "linkType"),
            **OR_NO_TOKEN,
            **request_body({FORM: {"schema": _FORM_SCHEMA}}),
        },
    )


def _page(
    state: AppState,
    answer: Answer,
    code_text: str,
    translator: Translator,
    recorded: bool | None,
) -> Response:
    now = state.clock()
    scan = {
        "scan_id": secrets.token_hex(16),
        "session": secrets.token_hex(16),
        "captured_at": msgspec.json.encode(now.replace(microsecond=0)).decode().strip('"'),
    }
    sheet = Sheet(
        answer=answer,
        translator=translator,
        code_text=code_text,
        at=now,
        scan=scan,
        report_url=state.settings.report_url,
        recorded=recorded,
    )
    headers = {**_HEADERS, "Content-Language": translator.language}
    return Response(render_answer(sheet), media_type=HTML, headers=headers)


def _linkset(request: Request, code_text: str) -> Response:
    try:
        code = read_code(code_text)
    except CodeError as error:
        raise Problem(NOT_A_CODE, str(error), error.next_step) from None
    body: dict[str, Any] = linkset_of(code, _origin(request), code_text)
    return Response(msgspec.json.encode(body), media_type=LINKSET_JSON, headers=_HEADERS)


def code_text_of(request: Request) -> str:
    """The text as printed: the request's target as it came, never decoded and put together
    again, for two spellings of one path are two texts."""
    path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    query: bytes = request.scope["query_string"]
    target = path.partition(b"?")[0] + (b"?" + query if query else b"")
    return f"https://{_host(request)}{_CHOSEN_LANGUAGE.sub('', target.decode('latin-1'))}"


def _host(request: Request) -> str:
    host = request.headers.get("host", "")
    return host.lower() if _HOST.fullmatch(host) else _CANONICAL_HOST


def _origin(request: Request) -> str:
    return f"https://{_host(request)}"


def _without_host_note(answer: Answer) -> Answer:
    """Without the note on look-alike hosts: the address on the pack led to this service,
    whatever names it goes by."""
    notes = tuple(note for note in answer.notes if note is not Note.LOOKALIKE_HOST)
    return msgspec.structs.replace(answer, notes=notes)


def preferred_type(accept: str | None) -> str:
    """HTML unless a machine asks: the first of our types that Accept names."""
    for part in (accept or "")[:500].split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in (HTML, "application/xhtml+xml"):
            return HTML
        if kind in (JSON, LINKSET_JSON):
            return kind
    return HTML


def _expanded(link_type: str | None) -> str | None:
    if link_type is not None and link_type.startswith("gs1:"):
        return "https://ref.gs1.org/voc/" + link_type[4:]
    return link_type


def _form(raw: bytes, code_text: str) -> ScanBody:
    """The button's hidden fields; the code is the address itself."""
    try:
        fields = parse_qs(raw.decode("ascii"), max_num_fields=10, strict_parsing=True)
        return msgspec.convert(
            {
                "code": code_text,
                "scan_id": fields["scan_id"][0],
                "session": fields["session"][0],
                "captured_at": msgspec.convert(fields["captured_at"][0], Instant),
            },
            ScanBody,
        )
    except (KeyError, ValueError, UnicodeDecodeError):
        raise Problem(INVALID, "the form is not ours", "open the page again") from None


def refusal(state: AppState, scope: Scope, problem: Problem) -> Response:
    """What the limiter refuses, before any route: as a page where a page was asked for."""
    if not scope["path"].startswith(_PREFIX):
        return problem_response(problem)
    headers = Headers(scope=scope)
    kind = HTML if scope["method"] == "POST" else preferred_type(headers.get("accept"))
    accepted = headers.get("accept-language")
    translator = state.translator(language_asked(scope["query_string"]), accepted)
    return _apology(problem, kind, translator)


def _apology(problem: Problem, kind: str, translator: Translator) -> Response:
    if kind != HTML:
        return problem_response(problem)
    too_many = problem.kind is TOO_MANY
    status = problem.kind.status
    if status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return problem_response(problem)
    return Response(
        render_apology(translator, too_many=too_many),
        int(status),
        media_type=HTML,
        headers={**_HEADERS, **problem.headers},
    )
