"""Request bodies, read within a size and a time and decoded strictly; JSON answers.

msgspec decodes and encodes: it is several times faster than FastAPI's own models, and its
refusals are the ones that callers know.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from verifier_api.auth.admission import caller_of
from verifier_api.http.body_budget import BodyMeter
from verifier_api.http.problems import INVALID, MALFORMED, MEDIA_TYPE, TOO_LARGE, TOO_SLOW, Problem
from verifier_api.state import State

JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"
NDJSON: Final = (LINES, "application/ndjson", "application/jsonl")
FORM: Final = "application/x-www-form-urlencoded"

_Body = TypeVar("_Body", bound=Struct)
_lines_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_encoder = msgspec.json.Encoder()
_CLOSE: Final = {"Connection": "close"}
"""For what is refused before its body was read to the end."""
_FIELDS_A_SCAN: Final = 32
"""Commas that one scan in an array may have: elements are made for no more than that."""


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
        meter = caller_of(request.scope).meter
        raw = await read_body(request.receive, limits.scan_body_bytes, limits.body_within_s, meter)
        return decode(raw, kind)

    return body


async def read_body(receive: Receive, limit_bytes: int, within_s: float, meter: BodyMeter) -> bytes:
    """The whole body, paid for as it arrives. 413 as soon as it grows past the limit, 408 if
    it trickles, 429 or 503 as `BodyMeter`."""
    try:
        async with asyncio.timeout(within_s):
            return await _read(receive, limit_bytes, meter)
    except TimeoutError:
        raise Problem(
            TOO_SLOW, f"the body took longer than {within_s:g} s", "try again", _CLOSE
        ) from None


async def _read(receive: Receive, limit_bytes: int, meter: BodyMeter) -> bytes:
    message = await receive()
    if not message.get("more_body", False):  # the usual case: all in one piece
        body: bytes = message.get("body", b"")
        _bounded(len(body), limit_bytes)
        meter.arrived(len(body))
        return body
    parts = bytearray(message.get("body", b""))
    while message.get("more_body", False):
        _bounded(len(parts), limit_bytes)
        meter.arrived(len(parts))
        message = await receive()
        parts += message.get("body", b"")
    _bounded(len(parts), limit_bytes)
    meter.arrived(len(parts))
    return bytes(parts)


def _bounded(size: int, limit_bytes: int) -> None:
    if size > limit_bytes:
        raise Problem(
            TOO_LARGE,
            f"the body is larger than {limit_bytes:,} bytes",
            "send the code text alone, and many scans in several requests",
            _CLOSE,
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


def lines_of(raw: bytes, kind: str, limit: int, meter: BodyMeter) -> list[bytes | msgspec.Raw]:
    """The scans of a bulk body, not yet decoded: elements of an array, or lines that are not
    empty.

    They are paid for before they are taken apart: empty lines too, and an array by its
    elements, of which no more are made than could be paid for. Raises `Problem` 429 where
    they cannot, 413 beyond `limit`, 400 for no array, 422 for no scan.
    """
    lines = _elements(raw, limit, meter) if kind == JSON else _split(raw, limit, meter)
    if not lines:
        raise Problem(INVALID, "the body holds no scan", "send at least one")
    return lines


def _elements(raw: bytes, limit: int, meter: BodyMeter) -> list[bytes | msgspec.Raw]:
    most = min(limit, meter.most_scans)
    commas = raw.count(b",")
    if commas >= most * _FIELDS_A_SCAN:
        _refuse_above(limit, commas // _FIELDS_A_SCAN + 1)
        meter.paid_for(commas // _FIELDS_A_SCAN + 1)
    try:
        elements: list[bytes | msgspec.Raw] = list(_lines_decoder.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(
            MALFORMED, f"the body is not a JSON array: {error}", "send [{…}, {…}], or NDJSON"
        ) from None
    _refuse_above(limit, len(elements))
    meter.paid_for(len(elements))
    return elements


def _split(raw: bytes, limit: int, meter: BodyMeter) -> list[bytes | msgspec.Raw]:
    ends = raw.count(b"\n")
    count = ends if raw.endswith(b"\n") else ends + 1
    _refuse_above(limit, count)
    meter.paid_for(count)
    return [line for part in raw.split(b"\n") if (line := part.strip())]


def _refuse_above(limit: int, lines: int) -> None:
    if lines > limit:
        raise Problem(
            TOO_LARGE, f"more than {limit:,} scans in one request", "send several requests"
        )
