"""The OpenAPI document: FastAPI's paths, with the schemas of the structs on the wire.

FastAPI generates operations, parameters and security from the routes. Bodies are msgspec
structs, which it does not know: routes name them by reference (`described`, `content`),
and `openapi_document` adds their JSON schemas.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from fastapi.openapi.utils import get_openapi
from msgspec import Struct
from starlette.routing import BaseRoute

from verifier_api.http.bodies import JSON
from verifier_api.http.cross_site import SAFE_METHODS
from verifier_api.http.middleware import FREE_PATHS
from verifier_api.http.problems import PROBLEM_JSON, ProblemDetails

API_VERSION: Final = "1"

Json = dict[str, Any]
Responses = dict[int | str, Json]
OR_NO_TOKEN: Final[Json] = {"security": [{}]}
"""`openapi_extra` of an operation that takes a token, and does without one too."""
_DESCRIPTIONS: Final = {
    400: "It cannot be read: not JSON, or forwarded from what is no address",
    401: "No valid token",
    403: "Another role is needed, or another site's page made this request",
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
_LINE_RESULTS: Final = ("BulkResult", "NotRecorded")


def reference(kind: type[Struct]) -> Json:
    """The schema of a struct, by its name among the components."""
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def content(kind: type[Struct], media_type: str = JSON) -> Json:
    """A body of one media type."""
    return {media_type: {"schema": reference(kind)}}


def described(description: str, kind: type[Struct]) -> Json:
    """A JSON response."""
    return {"description": description, "content": content(kind)}


def request_body(of: Json) -> Json:
    """`openapi_extra` for a body of these media types."""
    return {"requestBody": {"required": True, "content": of}}


def problems(*statuses: int, or_html: Sequence[int] = ()) -> Responses:
    """Refusals with problem details; those of `or_html` may also come as a page."""
    rows: Responses = {}
    for status in statuses:
        bodies = content(ProblemDetails, PROBLEM_JSON)
        if status in or_html:
            bodies = {**bodies, "text/html": {}}
        rows[status] = {"description": _DESCRIPTIONS[status], "content": bodies}
    return rows


def _add_refusals(paths: Json) -> None:
    """What is refused before any route, on all that is charged."""
    for path, operations in paths.items():
        for method, operation in operations.items():
            statuses = [400, 401, 429] if path not in FREE_PATHS else []
            if method.upper() not in SAFE_METHODS:
                statuses.append(403)
            for status, row in problems(*statuses).items():
                operation["responses"].setdefault(str(status), row)


def openapi_document(routes: Sequence[BaseRoute], structs: Iterable[type[Struct]]) -> Json:
    """OpenAPI 3.1 of these routes. `structs` are all that their rows refer to."""
    document = get_openapi(
        title="Touchstone",
        version=API_VERSION,
        summary="Ask whether a code is genuine, record scans, work on alerts.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        routes=routes,
    )
    _, schemas = msgspec.json.schema_components(
        [*structs, ProblemDetails], ref_template="#/components/schemas/{name}"
    )
    # msgspec cannot decode such a union, and so gives no schema for it. No line can be
    # both: what answers has `standing`, what is refused has `line`.
    either = [{"$ref": f"#/components/schemas/{name}"} for name in ("Answer", "LineRefused")]
    for name in _LINE_RESULTS:
        schemas[name]["properties"]["results"]["items"] = {"anyOf": either}
    document["components"]["schemas"] = schemas
    _add_refusals(document["paths"])
    return document
