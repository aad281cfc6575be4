"""Logs of programs that run for long: one line for each event, on stderr.

For people by default; with TOUCHSTONE_LOGS=json one JSON object a line, for machines:
`at` (UTC), `level`, `logger`, `message`, `trace` (the id of the request that it concerns,
W3C Trace Context), `exception`, and the fields that our own lines add. What must not be in
a log is taken out here as well, wherever it came from: bearer tokens, passwords in
addresses, the query of a printed code; and nothing that was read can begin a new line.
"""

import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import IO, Final

from authenticity.errors import ConfigurationError
from cli.support.console import err
from events.tracing import current_trace, trace_id_of


class LogFormat(StrEnum):
    """For people, or for machines."""

    PLAIN = "plain"
    JSON = "json"


_OURS: Final = ("touchstone", "verifier_api", "stream", "ledger", "events", "cli")
_LEVELS: Final = ("debug", "info", "warning", "error")
_LONGEST: Final = 16_384
_SECRETS: Final = (
    (re.compile(r"\b(bearer|basic)\s{1,9}[^\s\"']+", re.I), r"\1 …"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]{0,20}://[^\s/@:]{0,80}):[^\s/@]{1,400}@", re.I), r"\1:…@"),
    (re.compile(r"\b(password|passphrase|secret|token)=[^\s&'\"]+", re.I), r"\1=…"),
    (re.compile(r"(\bhttps?://[^\s?'\"<>]{0,600})\?[^\s'\"<>]*", re.I), r"\1?…"),
    (re.compile(r"(/01/[0-9]{14}[^\s?'\"<>]{0,200})\?[^\s'\"<>]*"), r"\1?…"),
)
"""Every repetition that is followed by something is bounded: the text may be an attacker's."""
_CONTROLS: Final = {
    number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160), 0x2028, 0x2029)
}
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "trace"}


def set_up_logging(environ: Mapping[str, str], stream: IO[str] | None = None) -> None:
    """Every logger of this process, from TOUCHSTONE_LOGS and TOUCHSTONE_LOGS_LEVEL.

    The level is that of our own lines; other programs' speak from warnings on. Raises
    `ConfigurationError`.
    """
    chosen = _choice(environ, "TOUCHSTONE_LOGS", [*LogFormat], LogFormat.PLAIN)
    level = _choice(environ, "TOUCHSTONE_LOGS_LEVEL", _LEVELS, "info").upper()
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(chosen))
    handler.set_name(chosen)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)


def announce(sentence: str) -> None:
    """What an operator wants to know at the start; a log line where machines read."""
    if any(handler.name == LogFormat.JSON for handler in logging.getLogger().handlers):
        logging.getLogger("touchstone").info("%s", sentence)
    else:
        err.print(sentence, markup=False)


def _formatter(chosen: str) -> logging.Formatter:
    if chosen != LogFormat.JSON:
        return PlainLines()
    from cli.support.json_lines import JsonLines

    return JsonLines()


class PlainLines(logging.Formatter):
    """For people: time in UTC, level, logger, message, and the trace if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback below it if there was an exception."""
        trace = trace_of(record)
        line = f"{time_of(record):%Y-%m-%d %H:%M:%S}Z {record.levelname} {record.name}: "
        line += message_of(record).translate(_CONTROLS)
        if trace:
            line += f" [trace {trace}]"
        if exception := _exception(record):
            line += "\n" + exception
        return line


def message_of(record: logging.LogRecord) -> str:
    """The message, bounded, without what must not be in a log."""
    return redacted(record.getMessage())


def redacted(text: str) -> str:
    """The text without tokens, passwords and the queries of addresses."""
    text = text[:_LONGEST]
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def trace_of(record: logging.LogRecord) -> str:
    """The trace that the line names, else that of the request being answered; its id alone."""
    named = getattr(record, "trace", None)
    return trace_id_of(named if isinstance(named, str) else current_trace.get())


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """What our own lines add; a foreign library's additions are ignored."""
    if record.name.partition(".")[0] not in _OURS:
        return {}
    return {
        name: redacted(value) if isinstance(value, str) else value
        for name, value in record.__dict__.items()
        if name not in _STANDARD and isinstance(value, str | int | float)
    }


def _exception(record: logging.LogRecord) -> str:
    if not record.exc_info:
        return ""
    return bounded_exception(logging.Formatter().formatException(record.exc_info))


def bounded_exception(text: str) -> str:
    """The end of a traceback, without what must not be in a log."""
    return redacted(text[-_LONGEST:])


def time_of(record: logging.LogRecord) -> datetime:
    """When the line was written, in UTC."""
    return datetime.fromtimestamp(record.created, UTC)


def _choice(
    environ: Mapping[str, str], name: str, known: "tuple[str, ...] | list[LogFormat]", default: str
) -> str:
    text = environ.get(name, "").strip().lower() or default
    if text not in known:
        raise ConfigurationError(
            f"{name}={text[:40]!r} is not known", next_step=f"use one of: {', '.join(known)}"
        )
    return text
