"""From a request to a scan in the log, acknowledged or refused."""

import asyncio
import secrets
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Struct

from authenticity.errors import InputError, UnavailableError
from authenticity.gs1.code import item_of
from authenticity.gs1.item import ItemId
from authenticity.limits import LIMITS
from authenticity.records.place import Place
from authenticity.records.scan import (
    SCAN_FORMAT,
    Act,
    Channel,
    Instant,
    RefusalGround,
    Scan,
    Text,
    bounded_capture,
    check_refusal,
    encode_scan,
    has_utc,
)
from events.publisher import Publisher, Record
from events.topics import SCANS, scan_key
from events.tracing import current_trace
from verifier_api.auth.principals import Principal
from verifier_api.http.problems import INVALID, Problem, problem_of
from verifier_api.network.keyed_hashes import KeyedHashes
from verifier_api.services.stamping import (
    PassedNetwork,
    Stamp,
    passed_evidence,
    reported_place,
    require_gateway,
)

SCANS_AN_APPEND: Final = 500

CodeText = Annotated[str, Meta(max_length=LIMITS.scan_bytes)]


class ScanBody(Struct, frozen=True):
    """What `POST /v1/scans` takes. Unknown fields are ignored, so a whole scan fits too.

    `scan_id` makes a retry the same scan, and needs `captured_at` with it. Without a
    token `act`, `operation` and any `channel` but consumer are refused, as they are with a
    token about an item that is not the token's; a `place` has the source gps, wifi or declared,
    and a capture time more than 72 h before its arrival, or 5 min after, is replaced by it. The
    same holds for a gateway's token. `network`: of a gateway's user; refused from anybody else.
    `refused_for` says why an item was refused, beside `inspect-nonconformant`, `detain` or
    `seize` alone.
    """

    code: CodeText
    scan_id: Text | None = None
    captured_at: Instant | None = None
    session: Text | None = None
    place: Place | None = None
    act: Act | None = None
    operation: Text | None = None
    channel: Channel | None = None
    network: PassedNetwork | None = None
    refused_for: RefusalGround | None = None


class _RandomNames:
    """Random ids for scans that are never recorded, drawn 256 at a time: one call of the
    operating system costs as much as a quarter of a signature check."""

    _BYTES: Final = 16
    _AT_ONCE: Final = 256

    def __init__(self) -> None:
        self._left: list[str] = []

    def token(self) -> str:
        """128 random bits, each handed out once."""
        if not self._left:
            drawn = secrets.token_bytes(self._BYTES * self._AT_ONCE).hex()
            width = 2 * self._BYTES
            self._left = [drawn[at : at + width] for at in range(0, len(drawn), width)]
        return self._left.pop()


_random = _RandomNames()


def unrecorded_scan(
    code: str,
    principal: Principal,
    now: datetime,
    hashes: KeyedHashes,
    session: str | None = None,
) -> Scan:
    """A scan that is never recorded: that of `POST /v1/verify` and of a page view."""
    return Scan(
        SCAN_FORMAT,
        _random.token(),
        principal.name,
        code,
        now,
        now,
        Channel.CONSUMER,
        False,
        _kept_session(session, principal, hashes),
    )


def scan_of(body: ScanBody, now: datetime, stamp: Stamp) -> Scan:
    """The scan to publish. The principal of the stamp decides publisher, channel, authority.

    A known scanner speaks with authority only about items its role covers, and is a consumer to
    all others. An anonymous scan id is scoped by its session, or without one by what was scanned:
    nobody can overwrite, or seem to reuse, another's. What a gateway sends is a consumer's scan,
    published under the gateway's name; it has the network that the gateway passes, or none.

    Raises `Problem` 401 or 403 for a channel, act or operation that is not theirs: nothing
    is accepted and then ignored. So is, with 422, a ground without a refusal.
    """
    principal, network = stamp.by, stamp.network
    if body.network is not None:
        require_gateway(principal)
        network = passed_evidence(body.network, principal.name, stamp.hashes)
    item = item_of(body.code)
    if body.act is not None or body.operation is not None:
        principal.require_act_on(item)
    if body.refused_for is not None:
        _require_refusal(body.act)
    channel = principal.channel_for(item, body.channel)
    authorised = principal.may_act_on(item)
    believed = authorised or (item is None and not principal.is_anonymous)
    received_at = _to_ms(now)
    stated_at = _stated_capture(body) or received_at
    captured_at = stated_at if believed else bounded_capture(stated_at, received_at)
    scan_id = body.scan_id or secrets.token_hex(16)
    if principal.is_anonymous and body.scan_id is not None:
        scan_id = _scoped(body, stated_at)
    scan = Scan(
        v=SCAN_FORMAT,
        scan_id=scan_id,
        publisher=principal.name,
        code=body.code,
        captured_at=captured_at,
        received_at=received_at,
        channel=channel,
        authorised=authorised,
        session=_kept_session(body.session, principal, stamp.hashes),
        place=reported_place(body.place, believed=believed),
        act=body.act,
        operation=body.operation,
        network=network,
        selection=stamp.hashes.selection(principal.name, scan_id),
        clamped=captured_at != stated_at,
        refused_for=body.refused_for or UNSET,
    )
    if len(encode_scan(scan)) > LIMITS.scan_bytes:
        raise Problem(INVALID, f"the scan is larger than {LIMITS.scan_bytes:,} bytes")
    return scan


def _require_refusal(act: Act | None) -> None:
    try:
        check_refusal(act)
    except InputError as error:
        raise problem_of(error) from None


def _stated_capture(body: ScanBody) -> datetime | None:
    """When the sender says that the code was read, in UTC."""
    if body.captured_at is None:
        if body.scan_id is None:
            return None
        raise Problem(
            INVALID,
            "captured_at is missing beside scan_id: a retry would be another scan",
            "send the time of the reading together with scan_id",
        )
    if not has_utc(body.captured_at):
        raise Problem(INVALID, "captured_at lies outside the calendar in UTC")
    return body.captured_at.astimezone(UTC)


def _kept_session(session: str | None, principal: Principal, hashes: KeyedHashes) -> str | None:
    """A session that an anonymous caller names is kept as a hash that nobody can choose."""
    if session is None or not principal.is_anonymous:
        return session
    return hashes.session(principal.name, session)


def _scoped(body: ScanBody, stated_at: datetime) -> str:
    scope = [body.session] if body.session else ["", body.code, stated_at.isoformat()]
    packed = msgspec.msgpack.encode([*scope, body.scan_id])
    return blake2b(packed, digest_size=16).hexdigest()


def _to_ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def record_of(scan: Scan, item: ItemId | None) -> Record:
    """The log entry, under the key that brings all scans of one item together, with the
    trace of the request that brought it."""
    trace = current_trace.get() or None
    return Record(SCANS, scan_key(item, scan.code), encode_scan(scan), trace)


class Recorder:
    """Appends scans to the log and waits, at most `within_s`, until they are durable.

    `failing`: the last append was not acknowledged.
    """

    def __init__(self, publisher: Publisher, *, within_s: float) -> None:
        self._publisher = publisher
        self._within_s = within_s
        self.failing = False

    async def record(self, records: Sequence[Record]) -> bool:
        """True once the log acknowledged all of them; False promises nothing.

        What is not acknowledged in time may still be written: the sender tries again
        with the same scan ids, and the merge takes each once.
        """
        try:
            appended = self._publisher.publish(records)
            async with asyncio.timeout(self._within_s):
                await asyncio.shield(_observed(appended))
        except (TimeoutError, UnavailableError):
            self.failing = True
            return False
        self.failing = False
        return True

    async def is_alive(self) -> bool:
        """Whether an empty append is acknowledged in time."""
        try:
            async with asyncio.timeout(self._within_s):
                await asyncio.shield(_observed(self._publisher.publish(())))
        except (TimeoutError, UnavailableError):
            return False
        return True

    async def record_many(self, records: Sequence[Record]) -> list[bool]:
        """Likewise, some hundred at a time: one flag a record."""
        starts = range(0, len(records), SCANS_AN_APPEND)
        parts = [records[start : start + SCANS_AN_APPEND] for start in starts]
        done = await asyncio.gather(*(self.record(part) for part in parts))
        return [flag for part, flag in zip(parts, done, strict=True) for _ in part]


def _observed(appended: "Future[None]") -> "asyncio.Future[None]":
    future = asyncio.wrap_future(appended)
    # Past the deadline nobody awaits it any more; the loop must not log its error.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future
