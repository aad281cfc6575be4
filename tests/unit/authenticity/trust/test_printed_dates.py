"""What YYMMDD means on a given day (GS1 General Specifications, section 7.12)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authenticity.gs1.dates import has_passed, last_instant

TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("printed", "year_now", "midnight_after"),
    [
        ("261124", 2026, datetime(2026, 11, 25, tzinfo=UTC)),
        ("261200", 2026, datetime(2027, 1, 1, tzinfo=UTC)),
        ("260200", 2026, datetime(2026, 3, 1, tzinfo=UTC)),
        ("280200", 2026, datetime(2028, 3, 1, tzinfo=UTC)),
        ("760101", 2026, datetime(2076, 1, 2, tzinfo=UTC)),
        ("770101", 2026, datetime(1977, 1, 2, tzinfo=UTC)),
        ("991231", 2026, datetime(2000, 1, 1, tzinfo=UTC)),
        ("000101", 2099, datetime(2100, 1, 2, tzinfo=UTC)),
        ("490101", 2099, datetime(2149, 1, 2, tzinfo=UTC)),
        ("500101", 2099, datetime(2050, 1, 2, tzinfo=UTC)),
        ("000229", 2090, datetime(2100, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_date_ends_with_its_day_in_the_nearest_century(
    printed: str, year_now: int, midnight_after: datetime
) -> None:
    assert last_instant(printed, datetime(year_now, 6, 15, tzinfo=UTC)) == midnight_after - TICK


def test_a_date_passes_with_the_end_of_its_day_in_utc() -> None:
    midnight = datetime(2026, 11, 25, tzinfo=UTC)
    assert not has_passed("261124", midnight - TICK)
    assert has_passed("261124", midnight)
    one_east = timezone(timedelta(hours=1))
    assert not has_passed("261124", datetime(2026, 11, 25, 0, 30, tzinfo=one_east))


@given(st.datetimes(timezones=st.just(UTC)), st.dates())
def test_no_clock_is_too_wrong_for_a_date(at: datetime, day: datetime) -> None:
    assert has_passed(day.strftime("%y%m%d"), at) in {True, False}
