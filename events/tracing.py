"""One id that follows a scan from the request to the fold: W3C Trace Context, level 1.

https://www.w3.org/TR/trace-context/ – the service takes a caller's `traceparent` or begins
a trace, says it in its answer and its log lines, and sends it beside the record; a worker
names it in the lines that concern the record. It identifies a request, never a person.
"""

import random
import re
from contextvars import ContextVar
from typing import Final

_PARENT: Final = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    r"(?P<more>-.*)?"
)
_LONGEST: Final = 256
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_ids = random.Random()  # noqa: S311 - ids of requests protect nothing; they must be cheap

current_trace: ContextVar[str] = ContextVar("current_trace", default="")
"""The `traceparent` of what is being worked on; empty where there is none."""


def trace_id_of(traceparent: str) -> str:
    """The id of the whole trace; empty if this is no `traceparent` (section 3.2).

    A version above 00 may carry more fields, which are not read.
    """
    found = _PARENT.fullmatch(traceparent) if len(traceparent) <= _LONGEST else None
    if (
        found is None
        or found["version"] == "ff"
        or (found["version"] == "00" and found["more"])
        or found["trace"] == _NO_TRACE
        or found["span"] == _NO_SPAN
    ):
        return ""
    return found["trace"]


def continued(traceparent: str) -> str:
    """A `traceparent` for our own part of the caller's trace, or of a new one.

    A caller's wish that the trace be sampled is handed on; nothing of ours heeds it.
    """
    trace_id = trace_id_of(traceparent)
    flags = "01" if trace_id and int(traceparent[53:55], 16) & 1 else "00"
    span = _ids.getrandbits(64) or 1
    return f"00-{trace_id or f'{_ids.getrandbits(128) or 1:032x}'}-{span:016x}-{flags}"
