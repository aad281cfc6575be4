"""`GET /static/{name}`: the page's own three files."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from verifier_api.http.problems import NOT_FOUND, Problem
from verifier_api.web.answer_page import STATIC, static_file, versions

router = APIRouter(default_response_class=Response)


@router.get("/static/{name}", include_in_schema=False)
async def static(name: str, version: Annotated[str | None, Query(alias="v")] = None) -> Response:
    """A file that is named with its version may be kept for a year."""
    if name not in STATIC:
        raise Problem(NOT_FOUND, "no such file")
    is_pinned = version == versions()[name]
    kept = "public, max-age=31536000, immutable" if is_pinned else "no-cache"
    return Response(static_file(name), media_type=STATIC[name], headers={"Cache-Control": kept})
