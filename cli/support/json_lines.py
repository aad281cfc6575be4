"""Log lines for machines. A module of its own: most commands need not import the library."""

import logging
from typing import Any

from pythonjsonlogger.msgspec import MsgspecFormatter

from cli.support.escaping import visible_json
from cli.support.log_fields import bounded_exception, fields_of, message_of, time_of, trace_of


class JsonLines(MsgspecFormatter):
    """For machines: one JSON object a line. Our keys win over fields of the same name."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, in which no character is left that a terminal would obey."""
        return visible_json(super().format(record))

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Only what our own lines add, and the keys that `cli.support.logging_setup` names."""
        log_data |= fields_of(record)
        log_data |= {
            "at": time_of(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message_of(record),
        }
        if trace := trace_of(record):
            log_data["trace"] = trace
        if exception := message_dict.get("exc_info"):
            log_data["exception"] = bounded_exception(exception)
