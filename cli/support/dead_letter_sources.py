"""Dead letters of either engine: in the ledger (embedded), or on the topic `scans-dead`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from authenticity.records.dead_letter import DeadLetter, kept_bytes
from cli.support.console import fail
from cli.support.data import DataFolder
from cli.support.open_ledger import open_administration

if TYPE_CHECKING:
    from events.kafka.reading import Stored
    from events.kafka.settings import KafkaSettings
    from ledger.administration import LedgerAdministration

_LIST = "touchstone dead-letters list"


@dataclass(frozen=True, slots=True)
class ListedDeadLetter:
    """A dead letter without its bytes. `source` begins with its topic's name.

    `number` names it: in the ledger a number, on Kafka "partition:offset".
    """

    number: int | str
    source: str
    position: int
    reason: str
    at: datetime
    bytes: int

    @property
    def topic(self) -> str:
        """Where it came from, and would go again."""
        return self.source.partition("@")[0].partition("/")[0]


class DeadLetterSource(Protocol):
    """Where the dead letters of an installation are read from."""

    def listed(self, after: int, limit: int) -> list[ListedDeadLetter]:
        """At most so many, oldest first."""
        ...

    def find(self, number: str) -> tuple[ListedDeadLetter, bytes]:
        """One dead letter and its bytes; ends the command with an error if there is none."""
        ...


@contextmanager
def open_dead_letters(folder: DataFolder) -> Iterator[DeadLetterSource]:
    """Those on Kafka if TOUCHSTONE_KAFKA is set, else those in the ledger."""
    if folder.kafka is not None:
        yield _DeadLettersOnKafka(folder.kafka)
        return
    with open_administration(folder) as administration:
        yield _DeadLettersInLedger(administration)


class _DeadLettersInLedger:
    def __init__(self, administration: "LedgerAdministration") -> None:
        self._administration = administration

    def listed(self, after: int, limit: int) -> list[ListedDeadLetter]:
        return [
            _listed(stored.number, stored.source, stored.dead_letter)
            for stored in self._administration.dead_letters(after=after, limit=limit)
        ]

    def find(self, number: str) -> tuple[ListedDeadLetter, bytes]:
        wanted = int(number) if number.isascii() and number.isdigit() else 0
        found = self._administration.dead_letters(after=wanted - 1, limit=1)
        if not found or found[0].number != wanted:
            fail(f"there is no dead letter {number}", next_step=_LIST)
        return self.listed(wanted - 1, 1)[0], kept_bytes(found[0].dead_letter)


class _DeadLettersOnKafka:
    def __init__(self, settings: "KafkaSettings") -> None:
        self._settings = settings

    def listed(self, after: int, limit: int) -> list[ListedDeadLetter]:
        """The newest: bytes are read, but not kept."""
        from events.kafka.reading import read_topic
        from events.topics import SCANS_DEAD

        if after:
            fail(
                "--after counts dead letters of the embedded engine",
                next_step="leave it out: of those on Kafka, the newest --limit are shown",
            )
        newest = [
            _opened(stored)[0] for stored in read_topic(self._settings, SCANS_DEAD, newest=limit)
        ]
        return sorted(newest, key=lambda listed: listed.at)[-limit:]

    def find(self, number: str) -> tuple[ListedDeadLetter, bytes]:
        from events.kafka.reading import read_record
        from events.topics import SCANS_DEAD

        partition, _, offset = number.partition(":")
        if not all(part.isascii() and part.isdigit() for part in (partition, offset)):
            fail(f"{number!r} is no number of a dead letter on Kafka",
                 next_step=f"write it as partition:offset, as shown by: {_LIST}")  # fmt: skip
        stored = read_record(self._settings, SCANS_DEAD, int(partition), int(offset))
        if stored is None:
            fail(f"there is no dead letter {number}", next_step=_LIST)
        return _opened(stored)


def _opened(stored: "Stored") -> tuple[ListedDeadLetter, bytes]:
    """The dead letter that a worker wrote, and its bytes; a record that is none is listed too."""
    import msgspec

    number = f"{stored.partition}:{stored.offset}"
    value = stored.value or b""
    try:
        dead_letter = msgspec.json.decode(value, type=DeadLetter)
        raw = kept_bytes(dead_letter)
    except (msgspec.DecodeError, ValueError):
        unread = ListedDeadLetter(
            number, "scans-dead", stored.offset, "not a dead letter of this format",
            stored.at, len(value),
        )  # fmt: skip
        return unread, value
    return _listed(number, f"{dead_letter.topic}/{dead_letter.partition}", dead_letter), raw


def _listed(number: int | str, source: str, dead_letter: DeadLetter) -> ListedDeadLetter:
    return ListedDeadLetter(
        number, source, dead_letter.offset, dead_letter.reason, dead_letter.at, dead_letter.bytes
    )
