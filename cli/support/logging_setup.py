"""Logs of programs that run for long: one line for each event, on stderr.

For people by default; with TOUCHSTONE_LOGS=json one JSON object a line, for machines:
`at` (UTC), `level`, `logger`, `message`, `trace` (the id of the request that it concerns,
W3C Trace Context), `exception`, and the fields that our own lines add. Nothing that was
read can begin a new line; `cli.support.log_fields` takes out what must not be in a log.
"""

import logging
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import IO, Final

from authenticity.errors import ConfigurationError
from cli.support.console import err
from cli.support.escaping import visible
from cli.support.log_fields import (
    OWN_LOGGERS,
    bounded_exception,
    message_of,
    time_of,
    trace_of,
)


class LogFormat(StrEnum):
    """For people, or for machines."""

    PLAIN = "plain"
    JSON = "json"


_LEVELS: Final = ("debug", "info", "warning", "error")


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
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(level)


def announce(sentence: str) -> None:
    """What an operator wants to know at the start; a log line where machines read."""
    if any(handler.name == LogFormat.JSON for handler in logging.getLogger().handlers):
        logging.getLogger("touchstone").info("%s", sentence)
    else:
        err.print(sentence)


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
        line += visible(message_of(record))
        if trace:
            line += f" [trace {visible(trace)}]"
        if exception := _exception(record):
            line += "\n" + visible(exception, lines=True)
        return line


def _exception(record: logging.LogRecord) -> str:
    if not record.exc_info:
        return ""
    return bounded_exception(logging.Formatter().formatException(record.exc_info))


def _choice(
    environ: Mapping[str, str], name: str, known: "tuple[str, ...] | list[LogFormat]", default: str
) -> str:
    text = environ.get(name, "").strip().lower() or default
    if text not in known:
        raise ConfigurationError(
            f"{name}={text[:40]!r} is not known", next_step=f"use one of: {', '.join(known)}"
        )
    return text
