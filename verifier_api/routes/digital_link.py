"""`GET /01/…`: the printed code itself, opened in a browser or read by a machine."""

import re
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from authenticity.errors import CodeError
from authenticity.gs1.code import read_code
from authenticity.records.scan import Instant
from authenticity.trust.verdict import Note
from verifier_api.auth.principals import ANONYMOUS
from verifier_api.http.bodies import FORM, JSON, CheckBody, ScanBody, media_type, read_body
from verifier_api.http.problems import INVALID, NOT_FOUND, TOO_MANY, Problem, problem_response
from verifier_api.i18n.translator import Translator
from verifier_api.routes.verification import Codes, translator_for
from verifier_api.services.answers import Answer
from verifier_api.services.linkset import (
    LINKSET_JSON,
    PRODUCT_PAGE,
    VERIFICATION,
    linkset_of,
    resolver_description,
)
from verifier_api.services.recording import look_only, scan_of
from verifier_api.state import AppState
from verifier_api.web.answer_page import (
    STATIC,
    Sheet,
    render_answer,
    render_apology,
    static_file,
    versions,
)

HTML: Final = "text/html"
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::[0-9]{1,5})?")
_CHOSEN_LANGUAGE: Final = re.compile(r"[?&]lang=[a-z]{2}\Z")
"""What our own language links append; it was never printed."""
_CANONICAL_HOST: Final = "id.gs1.org"
_FORM_BYTES: Final = 2_048
_HEADERS: Final = {
    "X-Robots-Tag": "noindex, nofollow",
    "Vary": "Accept, Accept-Language",
}


@dataclass(frozen=True)
class Pages:
    """The resolver and its page. Looking at a page is no scan: previews look too."""

    running: AppState
    codes: Codes

    async def show(self, request: Request) -> Response:
        """By Accept and linkType: the page, the answer, or a linkset."""
        code_text = code_text_of(request)
        link_type = request.query_params.get("linkType")
        kind = preferred_type(request.headers.get("accept"))
        if link_type is not None or kind == LINKSET_JSON:
            if kind == LINKSET_JSON or link_type in ("linkset", "all"):
                return self._linkset(request, code_text)
            if _expanded(link_type) not in (PRODUCT_PAGE, VERIFICATION, None):
                raise Problem(NOT_FOUND, "no link of this type", "use linkType=linkset")
        words = translator_for(self.running, request)
        try:
            await self.running.principal(request)
            answer = await self._look(code_text, words)
        except Problem as problem:
            return _apology(problem, kind, words)
        if kind == JSON:
            return Response(msgspec.json.encode(answer), media_type=JSON, headers=_HEADERS)
        return self._page(answer, code_text, words, None)

    async def confirm(self, request: Request) -> Response:
        """`POST` to the same address, from the page's button: records without a script."""
        words = translator_for(self.running, request)
        media_type(request.headers.get("content-type"), FORM)
        raw = await read_body(request.receive, _FORM_BYTES, self.running.limits.body_within_s)
        code_text = code_text_of(request)
        body = _form(raw, code_text)
        try:
            await self.running.principal(request)
            scan = scan_of(body, ANONYMOUS, self.running.clock())
            answer, recorded = await self.codes.record_scan(scan, ANONYMOUS, words)
        except Problem as problem:
            return _apology(problem, HTML, words)
        return self._page(_at_home(answer), code_text, words, recorded)

    async def resolver(self, request: Request) -> Response:
        """`GET /.well-known/gs1resolver`."""
        return Response(
            msgspec.json.encode(resolver_description(_origin(request))), media_type=JSON
        )

    async def static(self, request: Request) -> Response:
        """`GET /static/{name}`: the page's own three files."""
        name = request.path_params["name"]
        if name not in STATIC:
            raise Problem(NOT_FOUND, "no such file")
        is_pinned = request.query_params.get("v") == versions()[name]
        kept = "public, max-age=31536000, immutable" if is_pinned else "no-cache"
        return Response(static_file(name), media_type=STATIC[name], headers={"Cache-Control": kept})

    async def _look(self, code_text: str, words: Translator) -> Answer:
        look = look_only(CheckBody(code_text), ANONYMOUS, self.running.clock())
        return _at_home(await self.running.checker.check(look, ANONYMOUS, words))

    def _page(
        self, answer: Answer, code_text: str, words: Translator, recorded: bool | None
    ) -> Response:
        now = self.running.clock()
        scan = {
            "scan_id": secrets.token_hex(16),
            "session": secrets.token_hex(16),
            "captured_at": msgspec.json.encode(now.replace(microsecond=0)).decode().strip('"'),
        }
        sheet = Sheet(
            answer=answer,
            words=words,
            code_text=code_text,
            at=now,
            scan=scan,
            report_url=self.running.settings.report_url,
            recorded=recorded,
        )
        return Response(
            render_answer(sheet),
            media_type=HTML,
            headers={**_HEADERS, "Content-Language": words.language},
        )

    def _linkset(self, request: Request, code_text: str) -> Response:
        try:
            code = read_code(code_text)
        except CodeError as error:
            raise Problem(INVALID, str(error), error.next_step) from None
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


def _at_home(answer: Answer) -> Answer:
    """Without the note on look-alike hosts: whoever reads this page came to us, and what the
    pack prints led here, whatever names this service goes by."""
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


def _apology(problem: Problem, kind: str, words: Translator) -> Response:
    if kind != HTML:
        return problem_response(problem)
    too_many = problem.kind is TOO_MANY
    status = problem.kind.status
    if status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return problem_response(problem)
    return Response(
        render_apology(words, too_many=too_many),
        int(status),
        media_type=HTML,
        headers={**_HEADERS, **problem.headers},
    )
