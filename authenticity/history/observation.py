"""A scan as an item's history remembers it: numbers only, some 70 bytes.

The code text, the publisher and the session are kept as hashes: a history can be
merged and assessed, but nobody can be followed through it.
"""

from functools import lru_cache
from hashlib import blake2b
from math import asin, cos, radians, sin, sqrt
from typing import Final

import msgspec
from msgspec import Struct

from authenticity.records.place import PlaceSource
from authenticity.records.scan import Act, Channel, Scan, to_epoch_ms
from authenticity.trust.verdict import Doubt, Doubtful, Verdict

CHANNELS: Final = tuple(Channel)
ACTS: Final[tuple[Act | None, ...]] = (None, *Act)
SOURCES: Final[tuple[PlaceSource | None, ...]] = (None, *PlaceSource)
DOUBTS: Final[tuple[Doubt | None, ...]] = (None, *Doubt)
"""Stored as positions in these tables: new members go to the end of their enum."""

_CHANNEL = {member: number for number, member in enumerate(CHANNELS)}
_ACT = {member: number for number, member in enumerate(ACTS)}
_SOURCE = {member: number for number, member in enumerate(SOURCES)}
_DOUBT = {member: number for number, member in enumerate(DOUBTS)}

EARTH_RADIUS_KM: Final = 6_371.0
DEGREE_PARTS: Final = 10_000
"""`Observation.lat` and `lon` are in so many parts of a degree."""
_ACCURACY_PARTS_PER_KM: Final = 100
_LONGEST_DELAY_S: Final = 2**31 - 1

_ISSUED: Final = frozenset(
    _DOUBT[doubt]
    for doubt in (None, Doubt.KEY_REVOKED, Doubt.KEY_NOT_VALID, Doubt.STALE_TRUST_LIST)
)
"""The signature verified under an entitled key: what is left open is the time."""


class Observation(Struct, frozen=True, array_like=True, order=True, gc=False):
    """One scan of one item. Fields from `id` to `expiry` are its content.

    `id` hashes publisher and scan id, `digest` everything else of the scan but its
    arrival. `session` hashes publisher and session, or the scan itself where it has
    none; `actor` the publisher of an authorised scan (0 otherwise). Times are
    milliseconds since 1970 UTC; `lat`, `lon` are 1/10,000 degree, `accuracy` 10 m.
    `expiry` is YYMMDD as a number, 0 for none.

    The last four are no content: `delay_s` (arrival less capture, the least known)
    and the verdict under the newest trust list that this scan was checked under.
    """

    id: int
    digest: int
    captured_ms: int
    session: int
    actor: int
    channel: int
    act: int
    source: int
    lat: int
    lon: int
    accuracy: int
    country: str
    lot: str
    expiry: int
    delay_s: int
    trust_version: int
    doubt: int
    revoked_ms: int

    @property
    def content(self) -> tuple[object, ...]:
        """What makes this observation this one and no other; also its place in every order."""
        return (
            self.id, self.digest, self.captured_ms, self.session, self.actor, self.channel,
            self.act, self.source, self.lat, self.lon, self.accuracy, self.country, self.lot,
            self.expiry,
        )  # fmt: skip

    @property
    def issued(self) -> bool:
        """Whether the signature verified under a key entitled to this GTIN at some time."""
        return self.doubt in _ISSUED

    @property
    def authorised(self) -> bool:
        """Whether a known scanner made it."""
        return self.actor != 0


def observe(scan: Scan, verdict: Verdict, trust_version: int) -> Observation:
    """What a history keeps of this scan, whose code had this verdict."""
    lot, expiry = verdict.lot or "", int(verdict.expiry or 0)
    doubt, revoked_ms = 0, 0
    if isinstance(verdict, Doubtful):
        doubt = _DOUBT[verdict.doubt]
        revoked_ms = to_epoch_ms(verdict.revoked_at) if verdict.revoked_at else 0
    place = scan.place
    captured_ms = to_epoch_ms(scan.captured_at)
    delay_s = (to_epoch_ms(scan.received_at) - captured_ms) // 1000
    identity = _hash64(scan.publisher, scan.scan_id)
    return Observation(
        identity,
        _content_digest(scan),
        captured_ms,
        session_hash(scan.publisher, scan.session) if scan.session else identity >> 32,
        actor_hash(scan.publisher) if scan.authorised else 0,
        _CHANNEL[scan.channel],
        _ACT[scan.act] if scan.authorised else 0,
        _SOURCE[place.source] if place else 0,
        round(place.lat * DEGREE_PARTS) if place else 0,
        round(place.lon * DEGREE_PARTS) if place else 0,
        round(place.accuracy_km * _ACCURACY_PARTS_PER_KM) if place else 0,
        (place.country or "") if place else "",
        lot,
        expiry,
        max(-_LONGEST_DELAY_S, min(_LONGEST_DELAY_S, delay_s)),
        trust_version,
        doubt,
        revoked_ms,
    )


def session_hash(publisher: str, session: str) -> int:
    """How a session appears in `Observation.session`. 32 bits: enough within one item."""
    return _hash32(publisher, session)


@lru_cache(4_096)
def actor_hash(publisher: str) -> int:
    """How a known scanner's publisher appears in `Observation.actor`."""
    return _hash32(publisher)  # of known scanners there are few, and they scan much


def same_scan(one: Observation, other: Observation) -> Observation:
    """The join of two records of one content: earliest arrival, newest verdict."""
    newer = max(one, other, key=lambda s: (s.trust_version, s.doubt, s.revoked_ms))
    delay_s = min(one.delay_s, other.delay_s)
    return newer if newer.delay_s == delay_s else msgspec.structs.replace(newer, delay_s=delay_s)


def distance_km(one: Observation, other: Observation) -> float:
    """Great-circle kilometres on a sphere of 6,371 km (haversine formula)."""
    lat_one, lat_other = radians(one.lat / DEGREE_PARTS), radians(other.lat / DEGREE_PARTS)
    d_lon = radians((other.lon - one.lon) / DEGREE_PARTS)
    return great_circle_km(lat_one, lat_other, d_lon)


def great_circle_km(lat_one: float, lat_other: float, d_lon: float) -> float:
    """The distance of two latitudes and a difference of longitudes, all in radians."""
    h = sin((lat_other - lat_one) / 2) ** 2 + cos(lat_one) * cos(lat_other) * sin(d_lon / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, h)))


def accuracy_km(observation: Observation) -> float:
    """The radius that its scanner stated."""
    return observation.accuracy / _ACCURACY_PARTS_PER_KM


def _content_digest(scan: Scan) -> int:
    return _hash32(
        scan.code, scan.operation, scan.session, scan.captured_at.microsecond,
        scan.act, scan.authorised, scan.place,
    )  # fmt: skip


def _hash32(*parts: object) -> int:
    return _hash64(*parts) >> 32


def _hash64(*parts: object) -> int:
    # MessagePack is unambiguous: no choice of text makes two different lists of parts equal.
    packed = msgspec.msgpack.encode(parts)
    return int.from_bytes(blake2b(packed, digest_size=8).digest(), "big")
