"""Which statements of the topic `batches` are refused, by whose clock."""

from datetime import datetime, timedelta

import pytest

from events.topics import BATCHES
from simulation.two_makers import World
from stream.batch_records import read_batch_records
from stream.dead_letter_sinks import SourceRecord

WORLD = World(4)
AHEAD = timedelta(minutes=10)
"""More than a statement may be dated ahead of its arrival."""


def stated(*, at: datetime, appended: datetime | None) -> SourceRecord:
    value = WORLD.statement(WORLD.batch(), at=at)
    when = None if appended is None else appended.timestamp()
    return SourceRecord(BATCHES, 0, 1, b"key", value, appended_s=when)


@pytest.mark.parametrize("years_later", [0, 1, 5])
def test_a_statement_refused_for_its_date_stays_refused_when_the_log_is_read_again(
    years_later: int,
) -> None:
    record = stated(at=WORLD.now + AHEAD, appended=WORLD.now)
    clock = WORLD.now + timedelta(days=365 * years_later)
    found = read_batch_records([record], WORLD.trust_list, clock)
    assert not found.statements
    [refused] = found.refused
    assert "in the future" in refused.reason


def test_a_statement_accepted_by_the_log_s_clock_is_accepted_by_an_engine_behind_it() -> None:
    record = stated(at=WORLD.now, appended=WORLD.now)
    found = read_batch_records([record], WORLD.trust_list, WORLD.now - timedelta(days=1))
    assert len(found.statements) == 1


def test_where_only_the_publisher_says_when_the_engine_s_clock_decides() -> None:
    record = stated(at=WORLD.now + AHEAD, appended=None)
    assert read_batch_records([record], WORLD.trust_list, WORLD.now).refused
    assert not read_batch_records([record], WORLD.trust_list, WORLD.now + AHEAD).refused
