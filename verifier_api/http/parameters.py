"""Query parameters that several resources share, as FastAPI dependencies.

A parameter is declared as text and read by our own code, so that a wrong one is refused
with problem details; `WithJsonSchema` puts what is accepted into the OpenAPI document.
"""

from typing import Annotated, Any, Final

from fastapi import Depends, Header, Query
from pydantic import WithJsonSchema

from verifier_api.http.problems import INVALID, Problem
from verifier_api.i18n.translator import LANGUAGES, Translator
from verifier_api.state import State

LANG_SCHEMA: Final[dict[str, Any]] = {"enum": list(LANGUAGES)}
LARGEST_PAGE: Final = 200
_DEFAULT_PAGE: Final = 50
_LONGEST_CURSOR: Final = 512


async def translator(
    state: State,
    lang: Annotated[str | None, Query(), WithJsonSchema(LANG_SCHEMA)] = None,
    accept_language: Annotated[
        str | None, Header(alias="Accept-Language"), WithJsonSchema({"type": "string"})
    ] = None,
) -> Translator:
    """The language to answer in: `?lang=`, else the best of Accept-Language, else English."""
    return state.translator(lang, accept_language)


def language_asked(query: bytes) -> str | None:
    """`?lang=` of a query string that the framework has not parsed."""
    if not query:
        return None
    found = [part[5:] for part in query[:200].split(b"&") if part.startswith(b"lang=")]
    return found[0].decode("latin-1") if found else None


async def cursor(
    after: Annotated[str | None, Query(), WithJsonSchema({"type": "string"})] = None,
) -> str | None:
    """`?after=`: the `next` of the page before."""
    if after is not None and len(after) > _LONGEST_CURSOR:
        raise Problem(INVALID, "after is no cursor of ours", "use `next` of the page before")
    return after


async def page_size(
    state: State,
    limit: Annotated[
        str,
        Query(),
        WithJsonSchema({"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}),
    ] = str(_DEFAULT_PAGE),
) -> int:
    """`?limit=`: how many records to answer with."""
    most = state.limits.page_records
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 1 <= int(limit) <= most):
        raise Problem(
            INVALID, f"limit={limit[:20]} is not 1 to {most}", f"use limit={_DEFAULT_PAGE}"
        )
    return int(limit)


Language = Annotated[Translator, Depends(translator)]
Cursor = Annotated[str | None, Depends(cursor)]
PageSize = Annotated[int, Depends(page_size)]
