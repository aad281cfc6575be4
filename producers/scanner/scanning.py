"""Publish scans: to the event log of this machine, or to a service.

Acknowledged means durable: a scan counts as published only after the log, or the
service, has said so.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET

from authenticity.errors import InputError, LogUnavailableError
from authenticity.gs1.code import item_of
from authenticity.records.place import Place
from authenticity.records.scan import (
    SCAN_FORMAT,
    Act,
    Channel,
    RefusalGround,
    Scan,
    encode_scan,
)
from authenticity.trust.verdict import Verdict
from events.publisher import Publisher, Record
from events.topics import SCANS, scan_key
from producers.scanner.scan_input import Input, ReadCode, RecordedScan
from producers.scanner.service_client import ScanService

_RECORDS_AT_ONCE: Final = 500
_BATCHES_IN_FLIGHT: Final = 4
_ANSWER_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Who reads, where and how: the same for all codes of one command."""

    publisher: str
    channel: Channel
    authorised: bool
    session: str | None = None
    place: Place | None = None
    act: Act | None = None
    refused_for: RefusalGround | None = None


def scan_now(
    code: str, scan_id: str, captured_at: datetime, received_at: datetime, by: Circumstances
) -> Scan:
    """A reading of this text. Times are aware UTC."""
    return Scan(
        v=SCAN_FORMAT,
        scan_id=scan_id,
        publisher=by.publisher,
        code=code,
        captured_at=captured_at,
        received_at=received_at,
        channel=by.channel,
        authorised=by.authorised,
        session=by.session,
        place=by.place,
        act=by.act,
        refused_for=by.refused_for or UNSET,
    )


def scan_record(scan: Scan, raw: bytes | None = None) -> Record:
    """The record that carries this scan; `raw` if its line exists already."""
    return Record(SCANS, scan_key(item_of(scan.code), scan.code), raw or encode_scan(scan))


@dataclass(slots=True)
class Reading:
    """One input on its way. `error` is set if it was not published, `answer` by a service.

    `raw` is the line of a scan that was recorded before, None for a code read now.
    """

    origin: str
    scan: Scan | None
    raw: bytes | None = None
    verdict: Verdict | None = None
    error: InputError | None = None
    answer: dict[str, Any] | None = None


Verifier = Callable[[str, datetime], Verdict]
Send = Callable[[Iterable[Reading]], Iterator[Reading]]
"""Publishes readings and yields them, in order, once they are durable or refused."""


def readings_of(
    inputs: Iterable[Input],
    by: Circumstances,
    *,
    clock: Callable[[], datetime],
    new_id: Callable[[], str],
    captured_at: datetime | None = None,
    verify: Verifier | None = None,
) -> Iterator[Reading]:
    """What to publish of each input; refused ones come through with their error."""
    for each in inputs:
        if isinstance(each, ReadCode):
            now = clock()
            scan = scan_now(each.text, new_id(), captured_at or now, now, by)
            reading = Reading(each.origin, scan)
        elif isinstance(each, RecordedScan):
            reading = Reading(each.origin, each.scan, each.raw)
        else:
            reading = Reading(each.origin, None, error=each.error)
        if verify is not None and reading.scan is not None:
            reading.verdict = verify(reading.scan.code, reading.scan.captured_at)
        yield reading


def sending_to_log(publisher: Publisher) -> Send:
    """To the event log of this machine's engine."""

    def send(readings: Iterable[Reading]) -> Iterator[Reading]:
        waiting: deque[Reading] = deque()

        def records() -> Iterator[Record]:
            for reading in readings:
                waiting.append(reading)
                if reading.scan is not None:
                    yield scan_record(reading.scan, reading.raw)

        for durable in publish_all(publisher, records()):
            while durable:
                reading = waiting.popleft()
                durable -= reading.scan is not None
                yield reading
        yield from waiting

    return send


def sending_to_service(service: ScanService, *, tell_channel: bool = True) -> Send:
    """To a service, which sets publisher and role by its own knowledge, and answers.

    `tell_channel` False leaves the channel of codes read now to the token's role.
    """

    def send(readings: Iterable[Reading]) -> Iterator[Reading]:
        waiting: list[Reading] = []
        for reading in readings:
            waiting.append(reading)
            if len(waiting) == service.lines_at_once:
                yield from _answered(service, waiting, tell_channel)
                waiting = []
        yield from _answered(service, waiting, tell_channel)

    return send


def _answered(service: ScanService, waiting: list[Reading], tell_channel: bool) -> list[Reading]:
    asked = [(reading, reading.scan) for reading in waiting if reading.scan is not None]
    if asked:
        lines = [reading.raw or _body_of(scan, tell_channel) for reading, scan in asked]
        for (reading, _), answer in zip(asked, service.publish(lines), strict=True):
            reading.answer = answer
            if not answer.get("recorded"):
                reason = str(answer.get("detail") or "the service did not record it")
                next_step = str(answer.get("next_step") or "send it again")
                reading.error = InputError(reason, next_step=next_step)
    return waiting


def _body_of(scan: Scan, tell_channel: bool) -> bytes:
    if tell_channel:
        return encode_scan(scan)
    fields: dict[str, Any] = msgspec.to_builtins(scan)
    return msgspec.json.encode({name: fields[name] for name in fields.keys() - {"channel"}})


def publish_all(publisher: Publisher, records: Iterable[Record]) -> Iterator[int]:
    """Publish everything, some batches ahead, and yield how many records became durable.

    Stops at the first batch that is refused and raises what the publisher gives
    (`LogUnavailableError`); those yielded before are safe.
    """
    in_flight: deque[tuple[int, Future[None]]] = deque()
    for batch in _batches(records):
        in_flight.append((len(batch), publisher.publish(batch)))
        if len(in_flight) > _BATCHES_IN_FLIGHT:
            yield _acknowledged(in_flight)
    while in_flight:
        yield _acknowledged(in_flight)


def _acknowledged(in_flight: deque[tuple[int, Future[None]]]) -> int:
    count, answer = in_flight.popleft()
    try:
        answer.result(timeout=_ANSWER_SECONDS)
    except FutureTimeoutError:
        raise LogUnavailableError(
            f"the event log did not acknowledge within {_ANSWER_SECONDS:.0f} s",
            next_step="look at the disk of the data folder, then publish again: it does no harm",
        ) from None
    return count


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == _RECORDS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
