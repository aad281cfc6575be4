"""`GET /.well-known/trust-list.jws`: all that offline verification needs."""

from fastapi import APIRouter, Request, Response

from verifier_api.http.openapi import problems
from verifier_api.state import State

router = APIRouter(default_response_class=Response)


@router.get(
    "/.well-known/trust-list.jws",
    operation_id="trustList",
    summary="The signed trust list: all that offline verification needs.",
    responses={
        200: {"description": "JWS", "content": {"application/jose+json": {}}},
        304: {"description": "Still the one you have"},
        **problems(503),
    },
)
async def trust_list(request: Request, state: State) -> Response:
    """The document in force, with an ETag; 304 for an If-None-Match that names it."""
    trust = state.checker.trust()
    headers = {"ETag": trust.etag, "Cache-Control": "public, max-age=60"}
    wanted = request.headers.get("if-none-match", "")
    if wanted == "*" or trust.etag in [tag.strip() for tag in wanted.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(trust.document, media_type="application/jose+json", headers=headers)
