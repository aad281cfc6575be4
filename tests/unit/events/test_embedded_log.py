"""The embedded log: durable, in order, bounded, and honest when it cannot write."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from authenticity.errors import LogUnavailableError
from events.embedded.log import EmbeddedLog, LogLimits
from events.embedded.publisher import EmbeddedPublisher
from events.publisher import Record
from events.topics import BATCHES, SCANS, TRUST
from tests.support.patience import PATIENCE_S


def scans(*values: bytes) -> list[Record]:
    return [Record(SCANS, b"k", value) for value in values]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


@pytest.fixture
def log(path: Path) -> Iterator[EmbeddedLog]:
    opened = EmbeddedLog(path)
    yield opened
    opened.close()


def test_what_was_appended_is_read_in_order_from_where_one_was(log: EmbeddedLog) -> None:
    log.append(scans(b"a", b"b"))
    log.append(scans(b"c"))
    first = log.read(SCANS, 0, 2)
    assert [entry.value for entry in first] == [b"a", b"b"]
    assert [entry.value for entry in log.read(SCANS, first[-1].offset, 10)] == [b"c"]
    assert log.end(SCANS) == first[-1].offset + 1


def test_topics_have_offsets_of_their_own(log: EmbeddedLog) -> None:
    log.append([*scans(b"a", b"b"), Record(TRUST, b"t", b"list")])
    assert [entry.offset for entry in log.read(TRUST, 0, 9)] == [1]
    assert log.end(BATCHES) == 0


def test_a_log_keeps_its_name_and_another_has_another(path: Path, tmp_path: Path) -> None:
    names = []
    for where in (path, path, tmp_path / "other.sqlite"):
        opened = EmbeddedLog(where)
        names.append(opened.source(SCANS))
        opened.close()
    assert names[0] == names[1] != names[2]


def test_several_writers_lose_nothing_and_a_reader_never_misses_a_smaller_offset(
    path: Path, log: EmbeddedLog
) -> None:
    publishers = [EmbeddedPublisher(path) for _ in range(3)]
    done = threading.Event()
    seen: list[int] = []

    def follow() -> None:
        while True:
            finished = done.is_set()
            entries = log.read(SCANS, seen[-1] if seen else 0, 50)
            seen.extend(entry.offset for entry in entries)
            if finished and not entries:
                return

    reader = threading.Thread(target=follow)
    reader.start()
    futures = [
        publisher.publish(scans(b"%d %d" % (which, number)))
        for number in range(60)
        for which, publisher in enumerate(publishers)
    ]
    for future in futures:
        future.result(PATIENCE_S)
    done.set()
    reader.join()
    for publisher in publishers:
        publisher.close()
    assert seen == list(range(1, 181))


def test_pruning_drops_old_scans_that_were_passed_and_no_others(path: Path) -> None:
    log = EmbeddedLog(path, LogLimits(kept_days=-1))  # everything is old already
    log.append(scans(b"a", b"b", b"c"))
    assert log.prune(SCANS, passed=2) == 2
    assert [entry.value for entry in log.read(SCANS, 0, 9)] == [b"c"]
    log.append(scans(b"d"))
    assert log.read(SCANS, 3, 9)[0].offset == 4, "offsets are never used again"
    log.close()


def test_pruning_keeps_recent_scans(log: EmbeddedLog) -> None:
    log.append(scans(b"a"))
    assert log.prune(SCANS, passed=1) == 0


def test_pruning_a_crowded_log_makes_room_of_what_was_passed_however_recent(path: Path) -> None:
    log = EmbeddedLog(path, LogLimits(most_bytes=200_000))
    with pytest.raises(LogUnavailableError, match="has reached"):
        for _ in range(100):
            log.append(scans(b"x" * 10_000))
    assert log.prune(SCANS, passed=0) == 0
    assert log.prune(SCANS, passed=log.end(SCANS) - 1) == log.end(SCANS) - 1
    assert [entry.offset for entry in log.read(SCANS, 0, 9)] == [log.end(SCANS)]
    log.append(scans(b"x" * 10_000))
    log.close()


def test_large_records_are_read_a_few_at_a_time(path: Path) -> None:
    log = EmbeddedLog(path, LogLimits(read_bytes=25_000))
    log.append(scans(*[b"x" * 10_000] * 8))
    read: list[int] = []
    while entries := log.read(SCANS, read[-1] if read else 0, 100):
        assert len(entries) <= 3
        read += [entry.offset for entry in entries]
    assert read == list(range(1, 9))
    log.close()


def test_the_newest_record_of_every_key_survives_compaction(log: EmbeddedLog) -> None:
    log.append([Record(BATCHES, key, value) for key, value in
                ((b"x", b"1"), (b"y", b"2"), (b"x", b"3"))])  # fmt: skip
    assert log.prune(BATCHES, passed=3) == 1
    assert [entry.value for entry in log.read(BATCHES, 0, 9)] == [b"2", b"3"]


def test_a_log_at_its_bound_refuses_with_words_and_stays_readable(path: Path) -> None:
    log = EmbeddedLog(path, LogLimits(most_bytes=200_000))
    with pytest.raises(LogUnavailableError, match="has reached 200,000 bytes"):
        for _ in range(100):
            log.append(scans(b"x" * 10_000))
    assert log.read(SCANS, 0, 1)
    log.close()


def test_an_append_that_fails_half_way_leaves_nothing(path: Path, log: EmbeddedLog) -> None:
    log.append(scans(b"a"))
    with sqlite3.connect(path) as intruder:
        intruder.execute(
            "CREATE TRIGGER t BEFORE INSERT ON scans WHEN new.value = 'bad'"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    intruder.close()
    with pytest.raises(LogUnavailableError, match="cannot be written"):
        log.append([Record(SCANS, b"k", b"fine"), Record(SCANS, b"k", "bad")])  # type: ignore[arg-type]
    assert [entry.value for entry in log.read(SCANS, 0, 9)] == [b"a"]


def test_a_publisher_tells_each_caller_that_the_log_is_gone(path: Path) -> None:
    publisher = EmbeddedPublisher(path, LogLimits(busy_timeout_s=0.05))
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    future = publisher.publish(scans(b"a"))
    with pytest.raises(LogUnavailableError, match="locked"):
        future.result(PATIENCE_S)
    holder.execute("ROLLBACK")
    holder.close()
    publisher.publish(scans(b"b")).result(PATIENCE_S)
    publisher.close()


def test_a_closed_publisher_has_finished_what_it_accepted_and_refuses_more(path: Path) -> None:
    publisher = EmbeddedPublisher(path)
    futures = [publisher.publish(scans(b"%d" % number)) for number in range(200)]
    publisher.close()
    assert all(future.exception(0) is None for future in futures)
    with pytest.raises(LogUnavailableError, match="closed"):
        publisher.publish(scans(b"late")).result(0)


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LogUnavailableError, match="cannot be opened"):
        EmbeddedLog(tmp_path / "file" / "log.sqlite")
