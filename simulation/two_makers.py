"""A small world: two makers, their keys, codes, scans and batches, from a seed.

```
world = World()
code = world.code(lot="L7")                  # a signed Digital Link
scan = world.scan(code, minutes=5)           # captured five minutes after `world.now`
batch = world.batch(lot="L7", markets=("FR",))
trust_list = read_trust_list(world.trust_document, world.roots, at=world.now)
```
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from itertools import count
from random import Random
from types import MappingProxyType
from typing import Any

import msgspec

from authenticity.gs1.code import write_digital_link
from authenticity.gs1.item import ItemId, item_id
from authenticity.records.batch import Batch
from authenticity.records.network import NetworkClass, NetworkEvidence
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import Act, Channel, Scan
from authenticity.records.serial import RANDOM_BYTES, mint_serial
from authenticity.records.serial_filter import filter_of
from authenticity.trust.issuers import Issuer, IssuerKey, TrustList
from authenticity.trust.jws import Roots, assemble_jws, encode_roots, signing_input
from authenticity.trust.signature_field import Algorithm
from authenticity.trust.trust_list import encode_payload, read_trust_list
from authenticity.trust.verdict import IssuerId
from keys.batch_signing import sign_batch
from simulation.seeded_signer import SeededSigner
from simulation.world import signed_code

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

PARIS = Place(48.8566, 2.3522, 0.02, PlaceSource.GPS, "FR")
LYON = Place(45.7640, 4.8357, 0.02, PlaceSource.GPS, "FR")
TOKYO = Place(35.6762, 139.6503, 0.02, PlaceSource.GPS, "JP")
_AROUND_THE_WORLD = tuple(
    (country, lat, lon)
    for lat, lon, country in (
        (48.9, 2.4, "FR"), (35.7, 139.7, "JP"), (-33.9, 18.4, "ZA"),
        (40.7, -74.0, "US"), (-33.9, 151.2, "AU"), (-23.6, -46.6, "BR"),
    )
)  # fmt: skip

ROOT = "root-1"
ED25519_MAKER = 0
P256_MAKER = 1
GTINS = ("09521234000013", "09526543000013")
"""One product of each maker (952 is GS1's prefix for demonstrations)."""

_LISTED = 6_000
"""More serials than a test mints: those that a batch lists unless told otherwise."""

_IDS = (IssuerId("alpine"), IssuerId("harbour"))
_NAMES = ("Alpine Tea", "Harbour Pharma")
_PREFIXES = ("9521234", "9526543")
_HOSTS = ("id.alpine.example", "id.harbour.example")
_ALGORITHMS = (Algorithm.ED25519, Algorithm.ECDSA_P256)


class World:
    """Two makers, from a seed: 0 signs with Ed25519, 1 with P-256; both in slot 0.

    `now` is when the trust list (version 1) was issued plus a day; it is valid for a year.
    """

    def __init__(self, seed: int = 1, *, now: datetime = NOON) -> None:
        self.seed = seed
        self.now = now
        self._random = Random(seed)  # noqa: S311 (no secrets: a simulated world)
        self._numbers = count(1)
        self.root = SeededSigner(seed, ROOT)
        self.signers = tuple(
            SeededSigner(seed, issuer, algorithm)
            for issuer, algorithm in zip(_IDS, _ALGORITHMS, strict=True)
        )
        self.successors = tuple(
            SeededSigner(seed, f"{issuer}, next", key_slot=1) for issuer in _IDS
        )
        self.stranger = SeededSigner(seed, "stranger")
        self.roots = Roots({ROOT: self.root.public_key}, threshold=1)
        self.roots_document = encode_roots(self.roots)
        self.trust_document = self.sign_trust_list(self._first_trust_list())
        self.trust_list = read_trust_list(self.trust_document, self.roots, at=now)

    def serial(self) -> str:
        """A new minted serial."""
        return mint_serial(self._random.randbytes(RANDOM_BYTES))

    def code(
        self,
        serial: str | None = None,
        *,
        lot: str | None = "L1",
        expiry: str | None = "281231",
        produced: str | None = None,
        maker: int = ED25519_MAKER,
        gtin: str | None = None,
        host: str | None = None,
        signer: SeededSigner | None = None,
    ) -> str:
        """A signed Digital Link; of a new item unless `serial` is given."""
        ais = self._ais(gtin or GTINS[maker], serial or self.serial(), lot, expiry, produced)
        return signed_code(ais, host or _HOSTS[maker], signer or self.signers[maker])

    def forged_code(self, serial: str | None = None, **changes: Any) -> str:
        """Well-formed, but signed by a key that is on no list."""
        return self.code(serial, signer=self.stranger, **changes)

    def unsigned_code(
        self, serial: str | None = None, *, lot: str | None = "L1", maker: int = ED25519_MAKER
    ) -> str:
        """Well-formed, without AI (8030)."""
        ais = self._ais(GTINS[maker], serial or self.serial(), lot, None, None)
        return write_digital_link(ais, _HOSTS[maker])

    def item(self, serial: str, maker: int = ED25519_MAKER) -> ItemId:
        """The id of the item that `code(serial, maker=maker)` names."""
        return item_id(GTINS[maker], serial)

    def scan(self, code: str, *, minutes: float = 0, **changes: Any) -> Scan:
        """A consumer's scan, captured `minutes` after `now`, received a second later.

        Every call is another scan (`s1`, `s2`, …) in another session, unless told otherwise.
        """
        number = next(self._numbers)
        captured_at = changes.pop("captured_at", self.now + timedelta(minutes=minutes))
        fields: dict[str, Any] = {
            "v": 1,
            "scan_id": f"s{number}",
            "publisher": "consumer-web",
            "code": code,
            "captured_at": captured_at,
            "received_at": captured_at + timedelta(seconds=1),
            "channel": Channel.CONSUMER,
            "authorised": False,
            "session": f"session-{number}",
        }
        return Scan(**(fields | changes))

    def officer_scan(self, code: str, **changes: Any) -> Scan:
        """An authorised scan by customs."""
        customs = Channel.CUSTOMS
        officer: dict[str, Any] = {"publisher": "customs-1", "channel": customs, "authorised": True}
        return self.scan(code, **(officer | changes))

    def copied_scans(self, code: str) -> list[Scan]:
        """A stranger every twelve hours, in one of six parts of the world, each in a network of
        its own, before a shop in Paris sells it: copies, for any weights."""
        shop: dict[str, Any] = {"publisher": "shop-of-copies", "channel": "retail", "place": PARIS}
        return [
            *self.strangers(code, 24, every=720),
            self.officer_scan(code, **shop, act=Act.SELL),
        ]

    def strangers(self, code: str, count: int, *, every: int) -> list[Scan]:
        """Up to now, one so many minutes after another, each in a network of their own, and of
        six in a row each in another part of the world."""
        return [
            self.scan(code, minutes=-every * number, v=2, network=_network(code, number))
            for number in range(1, count + 1)
        ]

    def batch(self, *, maker: int = ED25519_MAKER, **changes: Any) -> Batch:
        """The registered and released batch of `code(maker=maker)`, which lists the serials that
        this world mints, and "S". With `count` or `serials` it lists what the caller says."""
        fields: dict[str, Any] = {
            "v": 1,
            "batch_id": f"batch-{_IDS[maker]}",
            "issuer": _IDS[maker],
            "gtin": GTINS[maker],
            "lot": "L1",
            "expiry": "281231",
            "produced": None,
            "count": _LISTED + 1,
            "key_slot": 0,
            "manifest_sha256": sha256(b"").hexdigest(),
            "registered_at": self.now - timedelta(days=30),
            "released_at": self.now - timedelta(days=29),
        }
        if not {"count", "serials"} & set(changes):
            fields["serials"] = _filter_of_minted(self.seed)
        return Batch(**(fields | changes))

    def statement(self, batch: Batch, *, signer: SeededSigner | None = None, **when: Any) -> bytes:
        """The record in which its maker, or another signer, states this; `at`: when, else now."""
        maker = _IDS.index(batch.issuer) if batch.issuer in _IDS else ED25519_MAKER
        fallen = self.trust_list.issuers[maker].keys[0].revoked_at is not None
        newest = self.successors[maker] if fallen else self.signers[maker]
        return sign_batch(batch, signer or newest, at=when.get("at", self.now)).raw

    def sign_trust_list(self, trust_list: TrustList) -> bytes:
        """The document in which the root vouches for this list."""
        payload = encode_payload(trust_list)
        return assemble_jws(payload, {ROOT: self.root.sign(signing_input(payload, ROOT))})

    def next_trust_document(
        self, *, revoked: Mapping[int, datetime] = MappingProxyType({}), **changes: Any
    ) -> bytes:
        """The list of the next version: `revoked` maps makers to when their key fell; each of
        these has a new one in slot 1."""
        issuers = list(self.trust_list.issuers)
        for maker, at in revoked.items():
            key = replace(issuers[maker].keys[0], revoked_at=at, revocation_reason="stolen")
            keys = (key, self._key(self.successors[maker]))
            issuers[maker] = replace(issuers[maker], keys=keys)
        version = self.trust_list.version + 1
        fields: dict[str, Any] = {"version": version, "issuers": tuple(issuers)}
        return self.sign_trust_list(replace(self.trust_list, **(fields | changes)))

    def _first_trust_list(self) -> TrustList:
        issued_at = self.now - timedelta(days=1)
        issuers = tuple(
            Issuer(id_, name, (prefix,), (host,), (self._key(signer),))
            for id_, name, prefix, host, signer in zip(
                _IDS, _NAMES, _PREFIXES, _HOSTS, self.signers, strict=True
            )
        )
        return TrustList(1, issued_at, issued_at + timedelta(days=366), issuers)

    def _key(self, signer: SeededSigner) -> IssuerKey:
        start, end = self.now - timedelta(days=365), self.now + timedelta(days=3650)
        return IssuerKey(signer.key_slot, signer.algorithm, signer.public_key, start, end)

    @staticmethod
    def _ais(
        gtin: str, serial: str, lot: str | None, expiry: str | None, produced: str | None
    ) -> list[tuple[str, str]]:
        fields = {"01": gtin, "10": lot, "21": serial, "11": produced, "17": expiry}
        return [(ai, value) for ai, value in fields.items() if value is not None]


@cache
def _filter_of_minted(seed: int) -> bytes:
    """Of the first serials that a world of this seed mints, and "S"."""
    random = Random(seed)  # noqa: S311 (as above)
    return filter_of(["S", *(mint_serial(random.randbytes(RANDOM_BYTES)) for _ in range(_LISTED))])


def _network(code: str, number: int) -> NetworkEvidence:
    hashed = sha256(f"network {number} of {code}".encode()).hexdigest()[:16]
    country, lat, lon = _AROUND_THE_WORLD[number % 6]
    return NetworkEvidence(hashed, NetworkClass.FIXED, country, lat, lon, 5.0)


def changed(scan: Scan, **changes: Any) -> Scan:
    """This scan with other content."""
    return msgspec.structs.replace(scan, **changes)
