"""What an operator reads of a program that runs for long, and what must never be in it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from authenticity.errors import ConfigurationError
from cli.support.log_fields import LONGEST, redacted
from cli.support.logging_setup import announce, set_up_logging
from events.tracing import current_trace

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-00"
log = logging.getLogger("touchstone.stream")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Loggers as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("touchstone", "verifier_api", "stream", "ledger", "events", "cli"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def written(**environ: str) -> io.StringIO:
    stream = io.StringIO()
    set_up_logging(environ, stream)
    return stream


def only_line(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    entry: dict[str, Any] = json.loads(line)
    return entry


def test_json_lines_carry_time_level_logger_message_and_our_fields() -> None:
    stream = written(TOUCHSTONE_LOGS="json")
    log.warning("%d records wait", 3, extra={"records": 3})
    entry = only_line(stream)
    assert (entry["level"], entry["logger"]) == ("warning", "touchstone.stream")
    assert (entry["message"], entry["records"]) == ("3 records wait", 3)
    assert entry["at"].endswith("Z") and "T" in entry["at"]


def test_a_line_names_the_trace_of_its_record_or_of_the_request_in_hand() -> None:
    stream = written(TOUCHSTONE_LOGS="json")
    log.warning("a dead letter", extra={"trace": TRACEPARENT})
    assert only_line(stream)["trace"] == TRACE
    stream = written(TOUCHSTONE_LOGS="json")
    held = current_trace.set(TRACEPARENT)
    log.warning("slow")
    current_trace.reset(held)
    assert only_line(stream)["trace"] == TRACE


def test_what_a_publisher_calls_a_trace_is_left_out_unless_it_is_one() -> None:
    stream = written(TOUCHSTONE_LOGS="json")
    log.warning("a dead letter", extra={"trace": "<script>"})
    assert "trace" not in only_line(stream)


def test_plain_lines_are_for_people_and_name_the_trace_too() -> None:
    stream = written()
    log.info("ready", extra={"trace": TRACEPARENT})
    assert f"INFO touchstone.stream: ready [trace {TRACE}]" in stream.getvalue()


def test_nothing_that_was_read_begins_a_new_line_or_paints_the_terminal() -> None:
    stream = written()
    log.warning("refused: %s", "x\n2026-01-01 INFO all is well\x1b[2J\u2028")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("form", ["json", "plain"])
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("cannot reach postgresql://app:hunter2@db/touchstone", "hunter2"),
        ("header Authorization: Bearer ts_hunter2", "hunter2"),
        ("https://id.maker.example/01/09521234000013/21/K?8030=hunter2 is odd", "hunter2"),
        ("path /01/09521234000013/21/K?8030=hunter2", "hunter2"),
        ("host=db password=hunter2 user=app", "hunter2"),
    ],
)
def test_secrets_and_signatures_are_taken_out_of_messages_and_tracebacks(
    form: str, text: str, secret: str
) -> None:
    stream = written(TOUCHSTONE_LOGS=form)
    log.warning("%s", text, extra={"what": text})
    try:
        raise ValueError(text)
    except ValueError:
        log.exception("failed")
    assert secret not in stream.getvalue()
    assert "ValueError" in stream.getvalue()


@pytest.mark.parametrize("hostile", ["a.", "http://", "bearer ", "/01/" + "1" * 16_000])
def test_of_hostile_text_no_more_than_the_bound_is_read(hostile: str) -> None:
    endless = hostile * (10 * LONGEST // len(hostile))
    assert redacted(endless) == redacted(endless[:LONGEST])


def test_other_programs_speak_from_warnings_on_and_their_fields_are_not_shown() -> None:
    stream = written(TOUCHSTONE_LOGS="json")
    logging.getLogger("uvicorn.error").info("Started server process")
    logging.getLogger("aiokafka").warning("gone", extra={"sasl": "hunter2"})
    entry = only_line(stream)
    assert entry["message"] == "gone"
    assert "sasl" not in entry


def test_an_announcement_is_a_log_line_where_machines_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream = written(TOUCHSTONE_LOGS="json")
    announce("service: http://127.0.0.1:8000")
    assert only_line(stream)["message"] == "service: http://127.0.0.1:8000"
    assert capsys.readouterr().err == ""


def test_the_level_of_our_own_lines_can_be_chosen() -> None:
    stream = written(TOUCHSTONE_LOGS_LEVEL="error")
    log.warning("quiet")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("name", ["TOUCHSTONE_LOGS", "TOUCHSTONE_LOGS_LEVEL"])
def test_an_unknown_choice_is_refused_with_those_that_are_known(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        set_up_logging({name: "loud"}, io.StringIO())
