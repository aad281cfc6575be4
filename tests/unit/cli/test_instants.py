"""Moments on the command line: one reader for every option."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.errors import ConfigurationError
from cli.support.instants import parse_instant

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-11-23T09:00:00Z", "2026-11-23T10:00:00+01:00", "2026-11-23 09:00+00:00"]
)
def test_a_time_with_its_offset_is_that_moment_in_utc(text: str) -> None:
    moment = parse_instant(text, option="--at")
    assert moment == NINE
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-23", "2026-11-23T09:00:00", "0001-01-01T00:00:00+14:00"]
)
def test_anything_else_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--since") as refusal:
        parse_instant(text, option="--since")
    assert "--since 2026-" in refusal.value.next_step


@given(st.text())
def test_any_text_is_a_moment_in_utc_or_is_refused(text: str) -> None:
    try:
        moment = parse_instant(text, option="--at")
    except ConfigurationError:
        return
    assert moment.tzinfo is UTC
