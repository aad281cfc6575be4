"""The OpenAPI document, from the very structs that the endpoints decode and encode."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec

from verifier_api.http.bodies import FORM, JSON, CaseBody, CheckBody, ScanBody
from verifier_api.http.problems import PROBLEM_JSON, ProblemDetails
from verifier_api.i18n.translator import LANGUAGES
from verifier_api.routes.casework import Alerts, Batches, Case, ItemStanding
from verifier_api.routes.operations import Health, Readiness
from verifier_api.routes.verification import LINES, BulkResult, LineRefused, NotRecorded
from verifier_api.services.answers import Answer
from verifier_api.services.linkset import LINKSET_JSON

VERSION: Final = "1"
_STRUCTS: Final = (
    Answer, BulkResult, LineRefused, NotRecorded, CheckBody, ScanBody, CaseBody,
    Alerts, Case, Batches, ItemStanding, Health, Readiness, ProblemDetails,
)  # fmt: skip
_SEVERITIES: Final = ["info", "low", "medium", "high", "critical"]
_CASES: Final = ["new", "active", "investigating", "escalated", "closed"]

Json = dict[str, Any]
_NEEDED: Final[list[Json]] = [{"token": []}]
_POSSIBLE: Final[list[Json]] = [{}, *_NEEDED]
_STRING: Final[Json] = {"type": "string"}
_PROBLEMS: Final = {
    400: "Not JSON",
    401: "No valid token",
    403: "Another role is needed",
    404: "Nothing there, or nothing of yours",
    408: "The body did not arrive in time",
    409: "The case cannot change so",
    413: "Too large",
    415: "A media type that is not read here",
    422: "A field or parameter is not what it should be",
    429: "Too many requests; see Retry-After",
    500: "A fault of the program",
    503: "Something this needs is not available; try again",
}


@cache
def openapi_document() -> Json:
    """OpenAPI 3.1. Built once; treat as read-only."""
    schemas, components = msgspec.json.schema_components(
        _STRUCTS, ref_template="#/components/schemas/{name}"
    )
    del schemas
    # No line can be both: what answers has `standing`, what is refused has `line`.
    either = [_ref("Answer"), _ref("LineRefused")]
    for name in ("BulkResult", "NotRecorded"):
        components[name]["properties"]["results"]["items"] = {"anyOf": either}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Touchstone",
            "version": VERSION,
            "summary": "Ask whether a code is genuine, record scans, work on alerts.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _paths(),
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _paths() -> Json:
    gtin = _in_path("gtin", {"type": "string", "pattern": "^[0-9]{14}$"})
    serial = _in_path("serial", {"type": "string", "minLength": 1, "maxLength": 20})
    alert = _in_path("id", {"type": "string", "pattern": "^[0-9a-f]{32}$"})
    page = [_in_query("after", _STRING), _in_query("limit", _whole(1, 200))]
    lang = _in_query("lang", {"enum": list(LANGUAGES)})
    return {
        "/v1/verify": {
            "post": _operation(
                "verify", "Is this code genuine? Nothing is recorded.",
                {200: _body("The answer", _ref("Answer"))},
                problems=(400, 401, 408, 413, 415, 422, 429, 503),
                request=_content(JSON, "CheckBody"), parameters=[lang], role=_POSSIBLE,
            )
        },
        "/v1/scans": {
            "post": _operation(
                "recordScans",
                "Record one scan, or up to 10,000, and answer. 202: the log has all of "
                "them. 207: see `recorded` of each. 503: nothing is known to be recorded; "
                "the answer is in the body.",
                {
                    202: _either("Recorded", "Answer", "BulkResult"),
                    207: _either("Some lines are not recorded", "BulkResult"),
                    503: {
                        "description": "Not recorded",
                        "content": _content(PROBLEM_JSON, "NotRecorded"),
                    },
                },
                problems=(400, 401, 408, 413, 415, 422, 429),
                request={
                    JSON: {"schema": {"anyOf": [
                        _ref("ScanBody"),
                        {"type": "array", "items": _ref("ScanBody"), "maxItems": 10_000},
                    ]}},
                    LINES: {"schema": _STRING},
                },
                parameters=[lang], role=_POSSIBLE,
            )
        },
        "/v1/items/{gtin}/{serial}": {
            "get": _operation(
                "item", "All that is known of one item.",
                {200: _body("Its standing", _ref("ItemStanding"))},
                problems=(401, 403, 404, 422, 429, 503), parameters=[gtin, serial, lang],
                role=_NEEDED,
            )
        },
        "/v1/alerts": {
            "get": _operation(
                "alerts", "Alerts in the order they were raised.",
                {200: _body("Some of them", _ref("Alerts"))},
                problems=(401, 403, 422, 429, 503),
                parameters=[
                    *page,
                    _in_query("kind", {"type": "array", "items": _STRING}),
                    _in_query("severity", {"type": "array", "items": {"enum": _SEVERITIES}}),
                    _in_query("case", {"type": "array", "items": {"enum": _CASES}}),
                    _in_query("retracted", {"enum": ["true", "false"]}),
                    _in_query("item", _STRING),
                    _in_query("since", {"type": "string", "format": "date-time"}),
                    lang,
                ],
                role=_NEEDED,
            )
        },
        "/v1/alerts/stream": {
            "get": _operation(
                "alertStream", "Alert changes as server-sent events, without an end.",
                {200: {"description": "Events", "content": {"text/event-stream": {}}}},
                problems=(401, 403, 422, 429, 503),
                parameters=[{
                    "name": "Last-Event-ID", "in": "header",
                    "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
                    "description": "Go on after this event; 0 from the first. Default: from now.",
                }],
                role=_NEEDED,
            )
        },
        "/v1/alerts/{id}": {
            "get": _operation(
                "alert", "One alert with its case.", {200: _body("It", _ref("Case"))},
                problems=(401, 403, 404, 422, 429, 503), parameters=[alert, lang], role=_NEEDED,
            ),
            "patch": _operation(
                "changeCase", "Move its case. Closing needs a reason.",
                {200: _body("As it is now", _ref("Case"))},
                problems=(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503),
                request=_content(JSON, "CaseBody"), parameters=[alert, lang], role=_NEEDED,
            ),
        },
        "/v1/batches": {
            "get": _operation(
                "batches", "Registered batches by issuer and id.",
                {200: _body("Some of them", _ref("Batches"))},
                problems=(401, 403, 422, 429, 503), parameters=page, role=_NEEDED,
            )
        },
        **{path: _page_operations(path, lang) for path in _CODE_PATHS},
        "/.well-known/gs1resolver": {
            "get": _operation(
                "resolver", "GS1 resolver description file.",
                {200: _body("It", {"type": "object"})},
            )
        },
        "/.well-known/trust-list.jws": {
            "get": _operation(
                "trustList", "The signed trust list: all that offline verification needs.",
                {
                    200: {"description": "JWS", "content": {"application/jose+json": {}}},
                    304: {"description": "Still the one you have"},
                },
                problems=(503,),
            )
        },
        "/healthz": {
            "get": _operation("health", "Alive.", {200: _body("Yes", _ref("Health"))})
        },
        "/readyz": {
            "get": _operation(
                "readiness", "Whether answers are whole.",
                {
                    200: _body("They are", _ref("Readiness")),
                    503: _body("Something is missing", _ref("Readiness")),
                },
            )
        },
        "/metrics": {
            "get": _operation(
                "metrics", "Prometheus text format.",
                {200: {"description": "Metrics", "content": {"text/plain": {}}}},
            )
        },
    }  # fmt: skip


_CODE_PATHS: Final = (
    "/01/{gtin}",
    "/01/{gtin}/21/{serial}",
    "/01/{gtin}/10/{lot}/21/{serial}",
    "/01/{gtin}/22/{variant}/10/{lot}/21/{serial}",
)


def _page_operations(path: str, lang: Json) -> Json:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    number = _CODE_PATHS.index(path)
    text = {"type": "string", "minLength": 1, "maxLength": 20}
    parameters = [_in_path(name, text) for name in names]
    parameters += [
        _in_query(ai, _STRING) for ai in ("8030", "11", "17", "linkType")
    ] + [lang]  # fmt: skip
    shown = {"description": "The page", "content": {"text/html": {}}}
    answered = {
        "description": "The page, the answer or a linkset, by Accept",
        "content": {
            "text/html": {},
            **_content(JSON, "Answer"),
            LINKSET_JSON: {"schema": {"type": "object"}},
        },
    }
    fields = {
        name: {"type": "string", "maxLength": 64} for name in ("scan_id", "session", "captured_at")
    }
    return {
        "get": _operation(
            f"resolve{number}", "The printed code. Looking is no scan.", {200: answered},
            problems=(401, 404, 422, 429, 503), parameters=parameters, html_problems=True,
        ),
        "post": _operation(
            f"confirm{number}", "The page's button: records without a script.", {200: shown},
            problems=(401, 404, 408, 413, 415, 422, 429, 503), parameters=parameters,
            html_problems=True,
            request={FORM: {"schema": {
                "type": "object", "properties": fields, "required": list(fields),
            }}},
        ),
    }  # fmt: skip


def _operation(
    name: str,
    summary: str,
    responses: Mapping[int, Json],
    *,
    problems: tuple[int, ...] = (),
    request: Json | None = None,
    parameters: list[Json] | None = None,
    role: list[Json] | None = None,
    html_problems: bool = False,
) -> Json:
    told: Json = {str(status): response for status, response in responses.items()}
    for status in problems:
        content = _content(PROBLEM_JSON, "ProblemDetails")
        if html_problems and status in (429, 503):
            content = {**content, "text/html": {}}
        told[str(status)] = {"description": _PROBLEMS[status], "content": content}
    operation: Json = {"operationId": name, "summary": summary, "responses": told}
    if request is not None:
        operation["requestBody"] = {"required": True, "content": request}
    if parameters:
        operation["parameters"] = parameters
    if role is not None:
        operation["security"] = role
    return operation


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _content(media_type: str, name: str) -> Json:
    return {media_type: {"schema": _ref(name)}}


def _body(description: str, schema: Json) -> Json:
    return {"description": description, "content": {JSON: {"schema": schema}}}


def _either(description: str, *names: str) -> Json:
    schema = {"anyOf": [_ref(name) for name in names]}
    return {"description": description, "content": {JSON: {"schema": schema}, LINES: {}}}


def _in_path(name: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "schema": schema}


def _whole(least: int, most: int) -> Json:
    return {"type": "integer", "minimum": least, "maximum": most}
