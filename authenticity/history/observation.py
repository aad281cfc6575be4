"""A scan as an item's history remembers it: numbers only, some 70 bytes.

The code text, the publisher and the session are kept as hashes: a history can be
merged and assessed, but nobody can be followed through it.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from math import asin, cos, radians, sin, sqrt
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, Struct

from authenticity.records.countries import COUNTRY_AREAS
from authenticity.records.network import LOCATING, NetworkClass, NetworkEvidence
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import (
    Act,
    Channel,
    RefusalGround,
    Scan,
    bounded_capture,
    to_epoch_ms,
)
from authenticity.trust.verdict import Doubt, Doubtful, Verdict

CHANNELS: Final = tuple(Channel)
GROUNDS: Final[tuple[RefusalGround | None, ...]] = (None, *RefusalGround)
SOURCES: Final[tuple[PlaceSource | None, ...]] = (None, *PlaceSource)
DOUBTS: Final[tuple[Doubt | None, ...]] = (None, *Doubt)
NETWORK_KINDS: Final[tuple[NetworkClass | None, ...]] = (None, *NetworkClass)
"""Stored as positions in these tables: new members go to the end of their enum."""

_ACT = {member: number for number, member in enumerate((None, *Act))}
_ACTS_A_GROUND: Final = 16
ACTS: Final[tuple[Act | None, ...]] = (*_ACT, *[None] * (_ACTS_A_GROUND - len(_ACT))) * len(GROUNDS)
"""Acts by `Observation.act`: all of them for each of `GROUNDS`, with room for new ones at the end.
Without a ground an act has the number that it had before there were grounds."""

_CHANNEL = {member: number for number, member in enumerate(CHANNELS)}
_GROUND = {member: number for number, member in enumerate(GROUNDS)}
_SOURCE = {member: number for number, member in enumerate(SOURCES)}
_DOUBT = {member: number for number, member in enumerate(DOUBTS)}
_NETWORK_KIND = {member: number for number, member in enumerate(NETWORK_KINDS)}
_LOCATING: Final = frozenset(_NETWORK_KIND[kind] for kind in LOCATING)

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
    """One scan of one item. Fields from `id` to `network_kind` are its content.

    `id`: the scan's selection key, or a hash of publisher and scan id where it has none; `digest`
    hashes everything else that its sender said (of a clamped capture time, that it is clamped).
    `session` hashes publisher and session, or is made of `id` where there is none; `actor` the
    publisher of an authorised scan (0 otherwise). Times are milliseconds since 1970 UTC; `lat`,
    `lon` are 1/10,000 degree, `accuracy` 10 m. `expiry` is YYMMDD as a number, 0 for none.

    `network`: 32 bits of the keyed hash of the network that an anonymous scan came from, 0
    where the service did not see it; `network_kind` its class. Where `is_network_derived`,
    place and country are the network's; of any other anonymous scan they are what its device
    states. Of known scanners no network is kept. `act` is a position in `ACTS`, which says the
    ground of a refusal too.

    The last five are no content: `delay_s` (arrival less capture, the least known), the
    verdict under the newest trust list that this scan was checked under, and the slot of the
    key under which the signature verified (-1: none did, or not known).
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
    network: int
    network_kind: int
    delay_s: int
    trust_version: int
    doubt: int
    revoked_ms: int
    key_slot: int

    @property
    def content(self) -> tuple[object, ...]:
        """What makes this observation this one and no other; also its place in every order."""
        return (
            self.id, self.digest, self.captured_ms, self.session, self.actor, self.channel,
            self.act, self.source, self.lat, self.lon, self.accuracy, self.country, self.lot,
            self.expiry, self.network, self.network_kind,
        )  # fmt: skip

    @property
    def refused_for(self) -> RefusalGround | None:
        """Why a known scanner refused the item; None where none did, or none said why."""
        return GROUNDS[self.act // _ACTS_A_GROUND]

    @property
    def issued(self) -> bool:
        """Whether the signature verified under a key entitled to this GTIN at some time."""
        return self.doubt in _ISSUED

    @property
    def authorised(self) -> bool:
        """Whether a known scanner made it."""
        return self.actor != 0

    @property
    def is_network_derived(self) -> bool:
        """Whether the service saw where an anonymous scanner is, and is itself the source of its
        place and country. A network without a place is told apart from others, no more."""
        return self.network_kind in _LOCATING and self.source != 0

    @property
    def arrived_ms(self) -> int:
        """When it reached us, to the second: nobody outside has a say in it."""
        return self.captured_ms + 1_000 * self.delay_s

    @property
    def told_ms(self) -> int:
        """The time that people are told: when a known scanner read the code, and when an
        anonymous scan arrived, for its sender chose the time of capture."""
        return self.captured_ms if self.actor else self.arrived_ms

    @property
    def source_of_scan(self) -> tuple[int, int]:
        """What counts as one when people are told how many scanned an item: an anonymous
        scanner's network, whatever sessions it names; where none is known, the session."""
        return (self.network, 0) if self.network else (0, self.session)


def observe(scan: Scan, verdict: Verdict, trust_version: int) -> Observation:
    """What a history keeps of this scan, whose code had this verdict."""
    lot, expiry = verdict.lot or "", int(verdict.expiry or 0)
    doubt, revoked_ms = 0, 0
    if isinstance(verdict, Doubtful):
        doubt = _DOUBT[verdict.doubt]
        revoked_ms = to_epoch_ms(verdict.revoked_at) if verdict.revoked_at else 0
    captured_ms = to_epoch_ms(_captured_at(scan))
    delay_s = (to_epoch_ms(scan.received_at) - captured_ms) // 1000
    identity = int(scan.selection, 16) if scan.selection else _hash64(scan.publisher, scan.scan_id)
    evidence = None if scan.authorised else scan.network
    place = _place_of(scan.place, evidence)
    return Observation(
        identity,
        _content_digest(scan),
        captured_ms,
        session_hash(scan.publisher, scan.session) if scan.session else identity >> 32,
        actor_hash(scan.publisher) if scan.authorised else 0,
        _CHANNEL[scan.channel],
        _act_number(scan) if scan.authorised else 0,
        place.source,
        place.lat,
        place.lon,
        place.accuracy,
        place.country,
        lot,
        expiry,
        network_number(evidence.network) if evidence else 0,
        _NETWORK_KIND[evidence.kind] if evidence else 0,
        max(-_LONGEST_DELAY_S, min(_LONGEST_DELAY_S, delay_s)),
        trust_version,
        doubt,
        revoked_ms,
        -1 if verdict.key_slot is None else verdict.key_slot,
    )


def _act_number(scan: Scan) -> int:
    return _ACT[scan.act] + _ACTS_A_GROUND * _GROUND[scan.refused_for or None]


def _captured_at(scan: Scan) -> datetime:
    """Of scans of version 1 what they state, so that a redelivered one has the content that
    a history of that time holds."""
    if scan.authorised or scan.v == 1:
        return scan.captured_at
    return bounded_capture(scan.captured_at, scan.received_at)


class _KeptPlace(NamedTuple):
    """The fields of an observation of these names."""

    source: int
    lat: int
    lon: int
    accuracy: int
    country: str


_NO_PLACE: Final = _KeptPlace(0, 0, 0, 0, "")


def _place_of(stated: Place | None, evidence: NetworkEvidence | None) -> _KeptPlace:
    """Of an anonymous scan whose network is where its device is, that network's; nothing of
    what the device itself states is kept then."""
    if evidence is not None and _NETWORK_KIND[evidence.kind] in _LOCATING:
        country = _country(evidence.country)
        if evidence.lat is None or evidence.lon is None or evidence.accuracy_km is None:
            return _NO_PLACE._replace(country=country)
        fixed = evidence.kind is NetworkClass.FIXED
        source = PlaceSource.FIXED_IP if fixed else PlaceSource.MOBILE_IP
        return _kept_place(source, evidence.lat, evidence.lon, evidence.accuracy_km, country)
    if stated is None:
        return _NO_PLACE
    return _kept_place(
        stated.source, stated.lat, stated.lon, stated.accuracy_km, _country(stated.country)
    )


def _country(stated: str | None) -> str:
    """Empty for one that there is not, which was recorded before it was refused."""
    return stated if stated is not None and stated in COUNTRY_AREAS else ""


def _kept_place(
    source: PlaceSource, lat: float, lon: float, accuracy_km: float, country: str
) -> _KeptPlace:
    return _KeptPlace(
        _SOURCE[source],
        round(lat * DEGREE_PARTS),
        round(lon * DEGREE_PARTS),
        round(accuracy_km * _ACCURACY_PARTS_PER_KM),
        country,
    )


def network_number(network: str) -> int:
    """How `NetworkEvidence.network` appears in `Observation.network`: its upper 32 bits,
    enough within one item; never 0."""
    return int(network[:8], 16) or 1


def session_hash(publisher: str, session: str) -> int:
    """How a session appears in `Observation.session`. 32 bits: enough within one item."""
    return _hash32(publisher, session)


@lru_cache(4_096)
def actor_hash(publisher: str) -> int:
    """How a known scanner's publisher appears in `Observation.actor`."""
    return _hash32(publisher)  # of known scanners there are few, and they scan much


def is_retry(one: Observation, other: Observation) -> bool:
    """Whether two records under one id are of one scan, that was sent twice. Their networks may
    differ, for a phone changes them, and so may their capture times where these are their
    arrivals."""
    if one.digest != other.digest:
        return False
    return one.captured_ms == other.captured_ms or one.delay_s == other.delay_s == 0


def same_scan(one: Observation, other: Observation) -> Observation:
    """The join of two records of one content: the one that arrived first, as it was checked
    under the newest trust list.

    One of the two, whole: a history that selects by arrival keeps the first record, or none.
    """
    return max(
        one, other, key=lambda s: (-s.delay_s, s.trust_version, s.doubt, s.revoked_ms, s.key_slot)
    )


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
    """Of what a retry repeats. Of version 1, and of a scan without a ground, as histories from
    before hold it."""
    if scan.v == 1:
        return _hash32(
            scan.code, scan.operation, scan.session, scan.captured_at.microsecond,
            scan.act, scan.authorised, scan.place,
        )  # fmt: skip
    ground = () if scan.refused_for is UNSET else (scan.refused_for,)
    return _hash32(
        scan.code, scan.operation, scan.session, None if scan.clamped else scan.captured_at,
        scan.act, scan.authorised, scan.place, scan.channel, *ground,
    )  # fmt: skip


def _hash32(*parts: object) -> int:
    return _hash64(*parts) >> 32


def _hash64(*parts: object) -> int:
    # MessagePack is unambiguous: no choice of text makes two different lists of parts equal.
    packed = msgspec.msgpack.encode(parts)
    return int.from_bytes(blake2b(packed, digest_size=8).digest(), "big")
