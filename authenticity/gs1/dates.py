"""What a printed YYMMDD means on a given day."""

from calendar import monthrange
from datetime import UTC, datetime
from functools import lru_cache


def has_passed(yymmdd: str, at: datetime) -> bool:
    """Whether the printed day was over, in UTC, at `at` (aware)."""
    return at > _last_instant(yymmdd, at.year)


def last_instant(yymmdd: str, at: datetime) -> datetime:
    """The last instant of the printed day, in UTC, as understood at `at` (aware).

    DD=00 is the last day of the month. The century is the nearest by the rule of GS1
    General Specifications, section 7.12: YY 51 to 99 years ahead of the current
    year's is in the past century, 50 to 99 behind in the next. February 29th of a
    year that lacks it is its 28th.
    """
    return _last_instant(yymmdd, at.year)


@lru_cache(maxsize=4_096)
def _last_instant(yymmdd: str, year_now: int) -> datetime:
    century, current = divmod(year_now, 100)
    year, month, day = int(yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:])
    if year - current >= 51:
        century -= 1
    elif year - current <= -50:
        century += 1
    year += 100 * century
    year = min(max(year, 1), 9999)  # a clock can be that wrong; a verdict never raises
    last_day = monthrange(year, month)[1]
    return datetime(year, month, min(day or last_day, last_day), 23, 59, 59, 999_999, UTC)
