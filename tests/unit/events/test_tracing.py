"""One id from a request to the fold, by W3C Trace Context."""

import pytest

from events.tracing import continued, trace_id_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


def test_a_callers_trace_goes_on_under_a_span_of_our_own() -> None:
    ours = continued(f"00-{TRACE}-{SPAN}-01")
    assert trace_id_of(ours) == TRACE
    assert ours != f"00-{TRACE}-{SPAN}-01"
    assert ours.startswith(f"00-{TRACE}-") and ours.endswith("-01")


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"01-{TRACE}-{SPAN}-01-{'x' * 300}",
        f"{TRACE}",
    ],
)
def test_what_is_no_traceparent_begins_a_new_trace(text: str) -> None:
    assert trace_id_of(text) == ""
    ours = continued(text)
    assert len(trace_id_of(ours)) == 32
    assert trace_id_of(ours) != TRACE


def test_a_later_version_with_more_fields_is_understood() -> None:
    assert trace_id_of(f"cc-{TRACE}-{SPAN}-01-what-comes-later") == TRACE


def test_two_new_traces_differ() -> None:
    assert trace_id_of(continued("")) != trace_id_of(continued(""))
