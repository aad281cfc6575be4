"""One reading of a code: who, what, where, when. The same in the API, on the topic and in files."""

from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from authenticity.errors import ScanError
from authenticity.limits import LIMITS
from authenticity.records.network import Hex16, NetworkEvidence
from authenticity.records.place import Place

SCAN_FORMAT: Final = 2
"""What is written. Format 1, without the last four fields, is read too."""

PUBLIC_PAGE: Final = "consumer-web"
"""The publisher of all anonymous scans that a service takes."""
COMMAND_LINE: Final = "command-line"
"""The publisher of `touchstone scan`, unless it is told another."""

CAPTURE_BEFORE: Final = timedelta(hours=72)
CAPTURE_AFTER: Final = timedelta(minutes=5)
"""How long before its arrival, and after it, an anonymous scan may say that it was made."""

Text = Annotated[str, Meta(min_length=1, max_length=LIMITS.scan_id_characters)]
Instant = Annotated[datetime, Meta(tz=True)]


class Channel(StrEnum):
    """Whose reading it is."""

    CONSUMER = "consumer"
    CUSTOMS = "customs"
    POLICE = "police"
    RETAIL = "retail"
    LOGISTICS = "logistics"
    MAKER = "maker"


class Act(StrEnum):
    """What was done with the item. It counts only when the scan is authorised."""

    INSPECT_CONFORMANT = "inspect-conformant"
    INSPECT_NONCONFORMANT = "inspect-nonconformant"
    SELL = "sell"
    REACTIVATE = "reactivate"
    DETAIN = "detain"
    RELEASE = "release"
    SEIZE = "seize"
    DESTROY = "destroy"


REFUSALS: Final = frozenset((Act.INSPECT_NONCONFORMANT, Act.DETAIN, Act.SEIZE))
"""The acts by which an item is refused."""


class RefusalGround(StrEnum):
    """Why an item was refused, as far as whoever refused it says."""

    SUSPECTED_FALSIFIED = "suspected-falsified"
    DOCUMENTS = "documents"
    STORAGE_CONDITIONS = "storage-conditions"
    OTHER = "other"


class Scan(Struct, frozen=True, gc=False):
    """One scan, as carried by the `scans` topic.

    `captured_at` is when the code was read, `received_at` when it reached us.
    `publisher`, `authorised` and `received_at` are set by the service from the
    caller's role, never from an anonymous body; a `scan_id` is unique within its
    publisher. `code` is the text as read, which may be no code at all.
    A field that may be null may be left out.

    `place` is what the device reports, `network` what the service derived from the
    caller's address, or a gateway with the right to passed on. `selection`: 64 bits that
    decide what a history keeps, an HMAC of publisher and scan id under the installation's
    secret: a retry has the same ones, and nobody outside can choose them.
    `clamped`: the capture time was out of bounds, and the arrival stands in its place.

    `refused_for` stands beside `inspect-nonconformant`, `detain` or `seize` alone, and counts
    where that act counts. A scan that does not say why has no field for it.
    """

    v: int
    scan_id: Text
    publisher: Text
    code: Annotated[str, Meta(max_length=LIMITS.scan_bytes)]
    captured_at: Instant
    received_at: Instant
    channel: Channel
    authorised: bool
    session: Text | None = None
    place: Place | None = None
    act: Act | None = None
    operation: Text | None = None
    network: NetworkEvidence | None = None
    selection: Hex16 | None = None
    clamped: bool = False
    refused_for: RefusalGround | UnsetType = UNSET


class _Version(Struct):
    v: int


_decoder = msgspec.json.Decoder(Scan)
_encoder = msgspec.json.Encoder()
_version_decoder = msgspec.json.Decoder(_Version)


def decode_scan(raw: bytes) -> Scan:
    """The scan in these bytes. Unknown fields are ignored; the code text is not read here.

    Raises `ScanError` naming the field, for anything that is not a scan of this format.
    """
    if len(raw) > LIMITS.scan_bytes:
        raise ScanError(
            f"scan of {len(raw):,} bytes is larger than the limit of {LIMITS.scan_bytes:,}",
            next_step="send the code text alone, not an image",
        )
    try:
        scan = _decoder.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise _refusal(raw, error) from None
    for name, instant in (("captured_at", scan.captured_at), ("received_at", scan.received_at)):
        if not has_utc(instant):
            raise _refusal(raw, ValueError(f"`{name}` lies outside the calendar in UTC"))
    if scan.v != SCAN_FORMAT:
        if scan.v != 1:
            raise _refusal(raw, ValueError("version"))
        if scan.network is not None or scan.selection is not None or scan.clamped:
            raise _refusal(raw, ValueError("`network`, `selection`, `clamped` need version 2"))
        if scan.refused_for is not UNSET:
            raise _refusal(raw, ValueError("`refused_for` needs version 2"))
    if scan.refused_for is not UNSET:
        check_refusal(scan.act)
    return scan


def check_refusal(act: Act | None) -> None:
    """Raises `ScanError` unless `refused_for` may stand beside this act."""
    if act not in REFUSALS:
        raise ScanError(
            f"`refused_for` says why an item was refused, but the act is {act or 'missing'}",
            next_step=f"leave `refused_for` out, or send the act {' or '.join(sorted(REFUSALS))}",
        )


def encode_scan(scan: Scan) -> bytes:
    """One line of JSON, without the line feed."""
    return _encoder.encode(scan)


def _refusal(raw: bytes, error: Exception) -> ScanError:
    try:
        version = _version_decoder.decode(raw).v
    except (msgspec.DecodeError, ValueError, RecursionError):
        version = SCAN_FORMAT
    if version not in (1, SCAN_FORMAT):
        return ScanError(
            f"scan format version {version} is not known here"
            f" (this program reads 1 and {SCAN_FORMAT})",
            next_step=f"upgrade this program, or send version {SCAN_FORMAT}",
        )
    return ScanError(f"not a scan: {error}", next_step="see docs/asyncapi.json for the format")


def bounded_capture(captured_at: datetime, received_at: datetime) -> datetime:
    """The capture time of an anonymous scan: what it states, or its arrival where that is
    out of bounds. Nobody vouches for the clock of an anonymous device."""
    age = received_at - captured_at
    return captured_at if -CAPTURE_AFTER <= age <= CAPTURE_BEFORE else received_at


def judged_at(scan: Scan) -> datetime:
    """When the key of this scan's code must have been valid: at the capture, as far as a
    known scanner's clock is not ahead; at the arrival of an anonymous scan, which could
    otherwise choose a time before a revocation."""
    return min(scan.captured_at, scan.received_at) if scan.authorised else scan.received_at


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


def has_utc(instant: datetime) -> bool:
    """Whether this time can be written in UTC: with an offset, the first and the last day
    of the calendar reach beyond it."""
    return MINYEAR < instant.year < MAXYEAR or _EARLIEST <= instant <= _LATEST


def to_epoch_ms(instant: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC, rounded down. Naive datetimes are a bug: TypeError."""
    return (instant - _EPOCH) // _MILLISECOND


def from_epoch_ms(milliseconds: int) -> datetime:
    """The aware UTC datetime of `to_epoch_ms`."""
    return _EPOCH + milliseconds * _MILLISECOND
