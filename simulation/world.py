"""The world of a simulation: makers with keys, products, batches and packs.

Nothing is stored for a pack: serial and batch follow from the seed and its number, and
a code is signed only when it is first read. The issuers are made up, under GS1's
prefix for demonstrations (952), and their keys follow from the seed: readers of the
files must never trust them for real goods, which is why the issuers' names say so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from hashlib import blake2b, sha256
from typing import Final, Protocol

import msgspec

from authenticity.gs1.code import write_digital_link
from authenticity.gs1.item import ItemId, item_id
from authenticity.records.batch import BATCH_FORMAT, Batch
from authenticity.records.batch_statement import BatchStatement
from authenticity.records.serial import RANDOM_BYTES, mint_serial
from authenticity.records.serial_filter import build_filter
from authenticity.trust.issuers import Issuer, IssuerKey, TrustList
from authenticity.trust.jws import Roots, assemble_jws, signing_input
from authenticity.trust.keys import PublicKey
from authenticity.trust.signature_field import (
    SIGNATURE_FIELD_AI,
    Algorithm,
    SignatureField,
    encode_signature_field,
    signature_field_header,
    signed_bytes,
)
from authenticity.trust.trust_list import encode_payload
from authenticity.trust.verdict import IssuerId
from keys.batch_signing import sign_batch
from simulation.cities import COUNTRIES
from simulation.draws import digest_of, stream_of
from simulation.seeded_signer import SeededSigner

DEFAULT_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
ROOT: Final = "simulation-root"
_NAMES: Final = (
    "Alpine Tea",
    "Harbour Pharma",
    "Meadow Dairy",
    "Northern Parts",
    "Coral Cosmetics",
)
_ITEMS_PER_BATCH: Final = 500
_MOST_BATCHES: Final = 2_000
_ITEMS_PER_PRODUCT: Final = 5_000
_MOST_PRODUCTS: Final = 200
_LATE_DAYS: Final = (15.0, 60.0)
"""From a batch's release to a late upload: its first packs are in the shops."""
_LATE_NOTICES: Final = 0.1


class CodeSigner(Protocol):
    """The signing key of a maker: a seeded key here, a key file in the demo."""

    @property
    def algorithm(self) -> Algorithm: ...

    @property
    def key_slot(self) -> int: ...

    @property
    def public_key(self) -> PublicKey: ...

    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Maker:
    """One issuer of the simulation, with its private key."""

    issuer: IssuerId
    name: str
    prefix: str
    host: str
    key: CodeSigner


class Pack:
    """One pack of a batch. Its code is printed when it is first asked for."""

    def __init__(
        self, index: int, batch: Batch, serial: str, host: str, print_code: Callable[["Pack"], str]
    ) -> None:
        self.index = index
        self.batch = batch
        self.serial = serial
        self.host = host
        self._print_code = print_code

    @property
    def item(self) -> ItemId:
        """The id that the printed code claims."""
        return item_id(self.batch.gtin, self.serial)

    @property
    def plain_ais(self) -> list[tuple[str, str]]:
        """Every field of the code except the signature field."""
        batch = self.batch
        fields = {"01": batch.gtin, "10": batch.lot, "21": self.serial, "17": batch.expiry}
        return [(ai, value) for ai, value in fields.items() if value is not None]

    @cached_property
    def code(self) -> str:
        """The printed Digital Link, as its maker signed it."""
        return self._print_code(self)


def signed_code(ais: list[tuple[str, str]], host: str, key: CodeSigner) -> str:
    """A Digital Link with these AIs and a signature field by this key, whosever it is."""
    message = signed_bytes(signature_field_header(key.algorithm, key.key_slot), ais)
    signature_field = encode_signature_field(
        SignatureField(key.algorithm, key.key_slot, key.sign(message))
    )
    return write_digital_link([*ais, (SIGNATURE_FIELD_AI, signature_field)], host)


class World:
    """`items` packs of `makers` makers, on sale for `days` days from `start` (UTC).

    They are made in the first `production_days`, or all of them before `start` if that is
    0. `late_manifests` is the share of batches whose header is uploaded when the goods are
    on sale already; `parallel_trade` the share that a re-packager sells in one more market;
    `undated` the share whose registered headers do not say when the batch was released.
    """

    def __init__(
        self,
        seed: int,
        items: int,
        *,
        makers: int = 2,
        days: int = 30,
        start: datetime = DEFAULT_START,
        production_days: int = 0,
        late_manifests: float = 0.0,
        parallel_trade: float = 0.0,
        undated: float = 0.0,
    ) -> None:
        self.production_days = production_days
        self._late_manifests = late_manifests
        self._parallel_trade = parallel_trade
        self._undated = undated
        self.seed = seed
        self.items = items
        self.days = days
        self.start = start
        self.makers = tuple(_maker(seed, number) for number in range(makers))
        self.forger = SeededSigner(seed, "forger")
        products = max(2 * makers, min(_MOST_PRODUCTS, items // _ITEMS_PER_PRODUCT))
        self._gtins = [
            gtin_14(self.makers[number % makers].prefix, number // makers + 1)
            for number in range(products)
        ]
        self._batches = max(products, min(_MOST_BATCHES, items // _ITEMS_PER_BATCH))
        self._batches = min(self._batches, items)
        self._headers: dict[int, Batch] = {}

    def pack(self, index: int) -> Pack:
        """The pack with this number, 0 to `items` - 1."""
        number = self.batch_number(index)
        batch = self._header(number)
        maker = self.maker_of(number)
        return Pack(index, batch, self._serial(index), maker.host, partial(_signed_by, maker))

    def batch_number(self, index: int) -> int:
        """The batch that a pack belongs to."""
        return index * self._batches // self.items

    def product_number(self, batch: int) -> int:
        """The product of a batch."""
        return batch % len(self._gtins)

    def packs_of(self, batch: int) -> range:
        """The numbers of a batch's packs."""
        first = -(-batch * self.items // self._batches)
        return range(first, -(-(batch + 1) * self.items // self._batches))

    def maker_of(self, batch: int) -> Maker:
        """Who made a batch."""
        return self.makers[batch % len(self._gtins) % len(self.makers)]

    @property
    def batches(self) -> range:
        """The numbers of the batches."""
        return range(self._batches)

    def batch(self, number: int) -> Batch:
        """The header of one batch that stands in the end, with its serials' digest and filter."""
        return self.headers(number)[-1][1]

    def headers(self, number: int) -> list[tuple[datetime, Batch]]:
        """All statements about one batch with their arrival, UTC, oldest first.

        A second one adds the market of a parallel trader, once he has given notice.
        """
        serials = sorted(self._serial(index) for index in self.packs_of(number))
        digest = sha256("".join(f"{serial}\n" for serial in serials).encode()).hexdigest()
        described = self._describe(number, digest)
        last = msgspec.structs.replace(
            self._as_registered(number, described), serials=build_filter(serials)
        )
        market = self.parallel_market(number)
        if market is None:
            return [(last.registered_at, last)]
        others = tuple(country for country in last.markets if country != market)
        first = msgspec.structs.replace(last, markets=others, revision=1)
        draw = stream_of(self.seed, "notice", number)
        days = draw.uniform(20, 60) if draw.random() < _LATE_NOTICES else draw.uniform(0, 2)
        return [(last.registered_at, first), (last.registered_at + timedelta(days=days), last)]

    def siblings(self, number: int) -> list[Batch]:
        """The other batches of a batch's product, without filters of their serials."""
        product = self.product_number(number)
        numbers = range(product, self._batches, len(self._gtins))
        return [
            self._as_registered(other, self._header(other)) for other in numbers if other != number
        ]

    def _as_registered(self, number: int, batch: Batch) -> Batch:
        """Without the release, if the maker never states it. `Pack.batch` keeps it."""
        if not self._undated or stream_of(self.seed, "undated", number).random() >= self._undated:
            return batch
        return msgspec.structs.replace(batch, released_at=None)

    def parallel_market(self, number: int) -> str | None:
        """Where a re-packager sells a part of this batch, beside its maker's markets."""
        if not self._parallel_trade:
            return None
        draw = stream_of(self.seed, "parallel", number)
        markets = self._own_markets(number)
        if not markets or draw.random() >= self._parallel_trade:
            return None
        return draw.choice([country for country in COUNTRIES if country not in markets])

    @property
    def roots(self) -> Roots:
        """What a verifier of this world pins."""
        return Roots({ROOT: self._root.public_key}, threshold=1)

    @property
    def trust_document(self) -> bytes:
        """The signed trust list, version 1, valid until a year after the last day."""
        issued_at = self._listed_at
        end = self.start + timedelta(days=self.days + 365)
        issuers = tuple(_issuer(maker, issued_at - timedelta(days=365)) for maker in self.makers)
        payload = encode_payload(TrustList(1, issued_at, end, issuers))
        return assemble_jws(payload, {ROOT: self._root.sign(signing_input(payload, ROOT))})

    @property
    def _listed_at(self) -> datetime:
        return self.start - timedelta(days=60)

    @property
    def _root(self) -> SeededSigner:
        return SeededSigner(self.seed, ROOT)

    def statement(self, number: int, batch: Batch) -> BatchStatement:
        """The header of this batch, signed by its maker.

        Dated like the trust list: an engine takes it whenever it takes the list, although
        some of the world's days may lie ahead of its clock.
        """
        return sign_batch(batch, self.maker_of(number).key, at=self._listed_at)

    def _serial(self, index: int) -> str:
        drawn = blake2b(f"{self.seed}/serial/{index}".encode(), digest_size=RANDOM_BYTES)
        return mint_serial(drawn.digest())

    def _header(self, number: int) -> Batch:
        if number not in self._headers:
            self._headers[number] = self._describe(number, "0" * 64)
        return self._headers[number]

    def _describe(self, number: int, digest: str) -> Batch:
        draw = stream_of(self.seed, "batch", number)
        before, after = (0, self.production_days) if self.production_days else (-50, -20)
        produced_at = self.start + timedelta(days=draw.uniform(before, after))
        expiry = self.start + timedelta(days=self.production_days + draw.randint(200, 900))
        registered_at = _to_second(produced_at + timedelta(hours=draw.uniform(1, 24)))
        released_at = registered_at + timedelta(days=2)
        if draw.random() < self._late_manifests:
            registered_at = _to_second(released_at + timedelta(days=draw.uniform(*_LATE_DAYS)))
        parallel = self.parallel_market(number)
        markets = {*self._own_markets(number), *([parallel] if parallel else [])}
        return Batch(
            v=BATCH_FORMAT,
            batch_id=digest_of(self.seed, "batch id", number),
            issuer=self.maker_of(number).issuer,
            gtin=self._gtins[self.product_number(number)],
            lot=f"L{self.start:%y}{number:04d}",
            expiry=f"{expiry:%y%m%d}",
            produced=f"{produced_at:%y%m%d}",
            count=max(1, len(self.packs_of(number))),
            key_slot=0,
            manifest_sha256=digest,
            registered_at=registered_at,
            released_at=released_at,
            markets=tuple(sorted(markets)),
            revision=2 if parallel else 1,
        )

    def _own_markets(self, number: int) -> tuple[str, ...]:
        """One to eight countries; for one batch in ten, none: it may be sold anywhere."""
        draw = stream_of(self.seed, "markets", number)
        if draw.random() >= 0.9:
            return ()
        return tuple(sorted(draw.sample(COUNTRIES, draw.randint(1, 8))))


def _signed_by(maker: Maker, pack: Pack) -> str:
    return signed_code(pack.plain_ais, maker.host, maker.key)


def gtin_14(prefix: str, reference: int) -> str:
    """The GTIN with indicator 0 of a 7-digit company prefix and an item reference."""
    digits = f"0{prefix}{reference:05d}"
    weighted = sum(int(digit) * (3, 1)[place % 2] for place, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"


def _maker(seed: int, number: int) -> Maker:
    name = _NAMES[number % len(_NAMES)]
    label = name.split()[0].lower() + (f"-{number}" if number >= len(_NAMES) else "")
    algorithm = (Algorithm.ED25519, Algorithm.ECDSA_P256)[number % 2]
    return Maker(
        issuer=IssuerId(f"sim-{label}"),
        name=f"{name} (simulated)",
        prefix=f"952{1000 + number:04d}",
        host=f"id.{label}.example",
        key=SeededSigner(seed, f"maker {number}", algorithm),
    )


def _issuer(maker: Maker, not_before: datetime) -> Issuer:
    key = maker.key
    not_after = not_before + timedelta(days=10 * 365)
    listed = IssuerKey(key.key_slot, key.algorithm, key.public_key, not_before, not_after)
    return Issuer(maker.issuer, maker.name, (maker.prefix,), (maker.host,), (listed,))


def _to_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
