"""`GET /v1/batches`: the batches that makers registered."""

from typing import Final

import msgspec
from fastapi import APIRouter, Response
from msgspec import Struct

from authenticity.records.batch import Batch
from verifier_api.auth.access import AnyRole
from verifier_api.http.bodies import json_response
from verifier_api.http.openapi import described, problems
from verifier_api.http.parameters import Cursor, PageSize
from verifier_api.state import State


class Batches(Struct, frozen=True):
    """Some batches by issuer and id. The filter of their serials (`serials`), or what names the
    parts of a large one's list (`serial_parts`), is left out: for the pipeline alone."""

    batches: tuple[Batch, ...]
    next: str | None


STRUCTS: Final = (Batches,)
router = APIRouter(default_response_class=Response)


@router.get(
    "/v1/batches",
    operation_id="batches",
    summary="Registered batches by issuer and id.",
    responses={200: described("Some of them", Batches), **problems(401, 403, 422, 429, 503)},
)
async def batches(principal: AnyRole, state: State, after: Cursor, limit: PageSize) -> Response:
    """Those of the principal's company prefixes, or all; `next` continues, null at the end."""
    found = await state.reader.batches(principal.entitlement, after=after, limit=limit)
    shown = tuple(without_filter(batch) for batch in found.items)
    return json_response(Batches(shown, found.after))


def without_filter(batch: Batch) -> Batch:
    """The batch as it is shown: without the filter of its serials, or the names of parts."""
    return msgspec.structs.replace(batch, serials=None, serial_parts=msgspec.UNSET)
