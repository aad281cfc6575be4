"""The installation of a demonstration: two makers with keys, a trust list, batches.

Everything is made as a maker would make it: the key store, the root signature, the
issuing run with its manifest, the batch header on the event log. Only the calendar is
set back, so that weeks can be shown in a minute.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_urlsafe
from typing import Final
from uuid import uuid4

from authenticity.errors import ConfigurationError
from authenticity.trust.signature_field import Algorithm
from events.publisher import Publisher, Record
from events.topics import TRUST, TRUST_KEY
from keys.store import KeyStore, create_store
from producers.issuing.issued_serials import IssuedSerials
from producers.issuing.order import Order, checked_order
from producers.issuing.registration import publish_statements
from producers.issuing.run import Issued, SigningKey, begin_or_continue, issue
from producers.issuing.run_folder import RUN_FORMAT, Run, RunFolder
from simulation.cities import COUNTRIES
from simulation.draws import stream_of
from simulation.world import Pack, gtin_14

_ACKNOWLEDGED_WITHIN_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class DemoMaker:
    """A made-up maker under GS1's prefix for demonstrations (952)."""

    issuer: str
    name: str
    prefix: str
    host: str
    algorithm: Algorithm
    products: tuple[str, ...]


MAKERS: Final = (
    DemoMaker(
        "alpine", "Alpine Tea", "9520101", "id.alpine.example", Algorithm.ED25519,
        ("Mountain herbs 50 g", "Green tea 100 g"),
    ),
    DemoMaker(
        "harbour", "Harbour Pharma", "9520202", "id.harbour.example", Algorithm.ECDSA_P256,
        ("Painkiller 20 tablets", "Cough syrup 150 ml"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoInstallation:
    """The folder of one demonstration. `at` is the first day of its calendar, UTC."""

    folder: Path
    seed: int
    at: datetime
    passphrase: str
    packs_per_batch: int

    @property
    def data(self) -> Path:
        """The data folder of engine and service."""
        return self.folder / "data"

    @property
    def store(self) -> KeyStore:
        """The makers' keys."""
        return KeyStore(self.folder / "keys")

    def issue_batch(self, number: int, publisher: Publisher, *, workers: int = 1) -> list[Pack]:
        """Mint, sign and register the batch with this number; its packs, in no order.

        Makers and their products take turns.
        """
        maker = MAKERS[number % len(MAKERS)]
        product = number // len(MAKERS) % len(maker.products)
        order = self._order(number, maker, product)
        issued = self._carry_out(order, self.folder / "batches" / f"{order.lot}", workers)
        publish_statements(publisher, [issued.statement])
        return _packs_of(issued, maker.host, number * self.packs_per_batch)

    def _order(self, number: int, maker: DemoMaker, product: int) -> Order:
        draw = stream_of(self.seed, "order", number)
        expiry = self.at + timedelta(days=draw.randint(800, 1_500))
        order = Order(
            issuer=maker.issuer,
            gtin=gtin_14(maker.prefix, product + 1),
            count=self.packs_per_batch,
            host=maker.host,
            lot=f"D{number:04d}",
            expiry=f"{expiry:%y%m%d}",
            markets=tuple(sorted(draw.sample(COUNTRIES, draw.randint(3, 8)))),
        )
        return checked_order(order, self.store.keyring(), at=self.at)

    def _carry_out(self, order: Order, folder: Path, workers: int) -> Issued:
        secret = self.passphrase.encode()
        file = self.store.key_file(order.issuer, passphrase=secret, at=self.at)
        public_key = file.open().public_key
        name = self.store.keyring().issuer(order.issuer).name
        key = SigningKey(file, file.key_slot, public_key, name)

        def new_run() -> Run:
            thumbprint = public_key.thumbprint
            return Run(RUN_FORMAT, order, uuid4().hex, key.key_slot, thumbprint, self.at)

        with RunFolder(folder).opened():
            files, run = begin_or_continue(folder, order, new_run=new_run)
            on_record = IssuedSerials(self.store.folder)
            return issue(
                files, run, key, on_record=on_record, clock=lambda: self.at, workers=workers
            )


def make_installation(
    folder: Path,
    *,
    seed: int,
    at: datetime,
    valid_for: timedelta,
    hosts: tuple[str, ...],
    packs_per_batch: int,
) -> DemoInstallation:
    """Keys of roots and makers, and what a verifier needs to believe them.

    `hosts` are added to each maker's, so that a page shown by a local service is no
    look-alike. Raises `ConfigurationError` if the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(
            f"{folder} is not empty", next_step="give --folder a new folder, or none at all"
        )
    installation = DemoInstallation(folder, seed, at, token_urlsafe(24), packs_per_batch)
    installation.data.mkdir(parents=True)
    secret = installation.passphrase.encode()
    store = create_store(folder / "keys", passphrase=secret, at=at)
    for maker in MAKERS:
        store.add_issuer(
            maker.name,
            issuer_id=maker.issuer,
            company_prefixes=(maker.prefix,),
            hosts=(maker.host, *hosts),
            passphrase=secret,
            at=at,
            algorithm=maker.algorithm,
        )
    store.export_trust_list(passphrase=secret, at=at, valid_for=valid_for)
    roots = (folder / "keys" / "roots.json").read_bytes()
    (installation.data / "roots.json").write_bytes(roots)
    return installation


def publish_trust(installation: DemoInstallation, publisher: Publisher) -> None:
    """Put the signed list on the event log."""
    document = (installation.folder / "keys" / "trust.jws").read_bytes()
    publisher.publish([Record(TRUST, TRUST_KEY, document)]).result(_ACKNOWLEDGED_WITHIN_S)


def _packs_of(issued: Issued, host: str, first: int) -> list[Pack]:
    with (issued.folder / "manifest.csv").open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return [
            Pack(first + number, issued.batch, serial, host, _printed(code))
            for number, (serial, code) in enumerate(rows)
        ]


def _printed(code: str) -> Callable[[Pack], str]:
    return lambda _: code
