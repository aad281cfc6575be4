"""What a log line says of its record, without what must not be in a log.

Bearer tokens, passwords in addresses and the query of a printed code are taken out wherever
they came from, and every text is bounded.
"""

import logging
import re
from datetime import UTC, datetime
from typing import Final

from events.tracing import current_trace, trace_id_of

OWN_LOGGERS: Final = ("touchstone", "verifier_api", "stream", "ledger", "events", "cli")
LONGEST: Final = 16_384
_SECRETS: Final = (
    (re.compile(r"\b(bearer|basic)\s{1,9}[^\s\"']+", re.I), r"\1 …"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s/@:]{0,80}):[^\s/@]{1,400}@", re.I), r"\1:…@"),
    (re.compile(r"\b(password|passphrase|secret|token)=[^\s&'\"]+", re.I), r"\1=…"),
    (re.compile(r"(\bhttps?://[^\s?'\"<>]{0,600})\?[^\s'\"<>]*", re.I), r"\1?…"),
    (re.compile(r"(/01/[0-9]{14}[^\s?'\"<>]{0,200})\?[^\s'\"<>]*"), r"\1?…"),
)
"""Every repetition that is followed by something is bounded: the text may be an attacker's."""
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "trace"}


def message_of(record: logging.LogRecord) -> str:
    """The message, bounded, without what must not be in a log."""
    return redacted(record.getMessage())


def redacted(text: str) -> str:
    """The text without tokens, passwords and the queries of addresses."""
    text = text[:LONGEST]
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def trace_of(record: logging.LogRecord) -> str:
    """The trace that the line names, else that of the request being answered; its id alone."""
    named = getattr(record, "trace", None)
    return trace_id_of(named if isinstance(named, str) else current_trace.get())


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """What our own lines add; a foreign library's additions are ignored."""
    if record.name.partition(".")[0] not in OWN_LOGGERS:
        return {}
    return {
        name: redacted(value) if isinstance(value, str) else value
        for name, value in record.__dict__.items()
        if name not in _STANDARD and isinstance(value, str | int | float)
    }


def bounded_exception(text: str) -> str:
    """The end of a traceback, without what must not be in a log."""
    return redacted(text[-LONGEST:])


def time_of(record: logging.LogRecord) -> datetime:
    """When the line was written, in UTC."""
    return datetime.fromtimestamp(record.created, UTC)
