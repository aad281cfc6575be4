"""Request bodies, read within a size and a time and decoded strictly; JSON answers.

msgspec decodes and encodes: it is several times faster than FastAPI's own models, and its
refusals are the ones that callers know.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from verifier_api.http.problems import INVALID, MALFORMED, MEDIA_TYPE, TOO_LARGE, TOO_SLOW, Problem
from verifier_api.state import State

JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"
NDJSON: Final = (LINES, "application/ndjson", "application/jsonl")
FORM: Final = "application/x-www-form-urlencoded"

_Body = TypeVar("_Body", bound=Struct)
_lines_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_encoder = msgspec.json.Encoder()


@cache
def _decoder(kind: type[_Body]) -> msgspec.json.Decoder[_Body]:
    return msgspec.json.Decoder(kind)


def json_response(value: Struct | dict[str, Any], **more: Any) -> Response:
    """This value as `application/json`; `more` as for Starlette's `Response`."""
    return Response(_encoder.encode(value), media_type=JSON, **more)


def body_of(
    kind: type[_Body], *media_types: str
) -> Callable[[Request, State], Coroutine[Any, Any, _Body]]:
    """A FastAPI dependency: the struct in the JSON body, of the size of one scan at most."""

    async def body(request: Request, state: State) -> _Body:
        media_type(request.headers.get("content-type"), *media_types)
        limits = state.limits
        raw = await read_body(request.receive, limits.scan_body_bytes, limits.body_within_s)
        return decode(raw, kind)

    return body


async def read_body(receive: Receive, limit_bytes: int, within_s: float) -> bytes:
    """The whole body. 413 as soon as it grows past the limit, 408 if it trickles."""
    try:
        async with asyncio.timeout(within_s):
            return await _read(receive, limit_bytes)
    except TimeoutError:
        raise Problem(TOO_SLOW, f"the body took longer than {within_s:g} s", "try again") from None


async def _read(receive: Receive, limit_bytes: int) -> bytes:
    message = await receive()
    if not message.get("more_body", False):  # the usual case: all in one piece
        body: bytes = message.get("body", b"")
        _bounded(len(body), limit_bytes)
        return body
    parts = [message.get("body", b"")]
    size = len(parts[0])
    while message.get("more_body", False):
        _bounded(size, limit_bytes)
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    _bounded(size, limit_bytes)
    return b"".join(parts)


def _bounded(size: int, limit_bytes: int) -> None:
    if size > limit_bytes:
        raise Problem(
            TOO_LARGE,
            f"the body is larger than {limit_bytes:,} bytes",
            "send the code text alone, and many scans in several requests",
            {"Connection": "close"},
        )


def media_type(content_type: str | None, *allowed: str) -> str:
    """The media type without its parameters, or 415 naming what is read here."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind not in allowed:
        raise Problem(
            MEDIA_TYPE,
            f"{kind[:80] or 'a body without Content-Type'} is not read here",
            f"send Content-Type: {' or '.join(allowed[:2])}",
        )
    return kind


def decode(raw: bytes | msgspec.Raw, kind: type[_Body]) -> _Body:
    """The struct in this JSON; 400 for what is not JSON, 422 for the wrong fields."""
    try:
        decoder: msgspec.json.Decoder[_Body] = _decoder(kind)
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise Problem(INVALID, str(error), "see /openapi.json for the fields") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(MALFORMED, f"the body is not JSON: {error}", "send one JSON object") from None


def is_array(raw: bytes) -> bool:
    """Whether this JSON text opens an array."""
    return raw[:64].lstrip(b" \t\r\n").startswith(b"[")


def lines_of(raw: bytes, kind: str, limit: int) -> list[bytes | msgspec.Raw]:
    """The scans of a bulk body, not yet decoded: elements of an array, or lines."""
    if kind == JSON:
        try:
            lines: list[bytes | msgspec.Raw] = list(_lines_decoder.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Problem(
                MALFORMED, f"the body is not a JSON array: {error}", "send [{…}, {…}], or NDJSON"
            ) from None
    else:
        lines = list(_split(raw, limit))
    if len(lines) > limit:
        raise Problem(
            TOO_LARGE, f"more than {limit:,} scans in one request", "send several requests"
        )
    if not lines:
        raise Problem(INVALID, "the body holds no scan", "send at least one")
    return lines


def _split(raw: bytes, limit: int) -> Iterator[bytes]:
    """Non-empty lines; one more than `limit` at most, however many there are."""
    start, found = 0, 0
    while start < len(raw) and found <= limit:
        end = raw.find(b"\n", start)
        end = len(raw) if end < 0 else end
        if line := raw[start:end].strip():
            found += 1
            yield line
        start = end + 1
