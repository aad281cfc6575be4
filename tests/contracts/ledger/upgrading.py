"""The contract of migrations: what a ledger of an earlier program comes to."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from sqlalchemy import text

from authenticity.detection.findings import COPIES
from authenticity.detection.signals import Signal
from authenticity.gs1.item import batch_entity
from ledger import opening
from ledger.address import LedgerAddress
from ledger.database import Database
from ledger.installation import forget_secret, note_secret, secret_fingerprint
from ledger.opening import migrate
from ledger.queries.signal_rows import _row
from ledger.records import from_key
from simulation.two_makers import GTINS, World
from tests.contracts.ledger.ledgers import Ledgers

LOT = batch_entity(GTINS[0], "L1")
SCANNED = [f"{gtin}/21/{serial}" for gtin in (GTINS[1], GTINS[0]) for serial in ("B", "A", "C")]


def migrate_to(address: LedgerAddress, revision: str) -> None:
    database = Database(address)
    config = opening._config()
    with database.writes.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    database.close()


def execute(address: LedgerAddress, statement: str, rows: list[dict[str, object]]) -> None:
    database = Database(address)
    with database.writes.begin() as connection:
        connection.execute(text(statement), rows)
    database.close()


class UpgradingContract:
    """Inherit it where a fixture `unmigrated` is the address of a ledger without tables."""

    @pytest.fixture
    def world(self) -> World:
        return World(3)

    def test_items_that_were_there_before_there_were_signals_are_reassessed(
        self, unmigrated: LedgerAddress, world: World
    ) -> None:
        migrate_to(unmigrated, "0001")
        history = b"\x92\x01\x90"
        keys = [*SCANNED, "~" + "0" * 32]
        execute(
            unmigrated,
            "INSERT INTO items (item, history, version) VALUES (:item, :history, 1)",
            [{"item": key, "history": history} for key in keys],
        )
        migrate(unmigrated)
        ledgers = Ledgers(unmigrated)
        writer = ledgers.writer()
        _, version = writer.batch_registry()
        seen: list[str] = []
        while some := writer.next_reassessment(2):
            seen += some.items
            writer.write([], version, world.now, reassessed=some)
        ledgers.close()
        assert sorted(seen) == sorted(f"https://id.gs1.org/01/{key}" for key in SCANNED)

    def test_signals_stay_as_they_are_and_all_items_are_reassessed_for_alerts_of_batches(
        self, unmigrated: LedgerAddress, world: World
    ) -> None:
        migrate_to(unmigrated, "0005")
        execute(
            unmigrated,
            "INSERT INTO items (item, history, version) VALUES (:item, :history, 1)",
            [{"item": key, "history": b"\x92\x01\x90"} for key in SCANNED],
        )
        kept = [Signal(LOT, from_key(key), COPIES, 5, "7") for key in sorted(SCANNED)]
        execute(
            unmigrated,
            "INSERT INTO clues (subject, item, sign, rest) VALUES (:subject, :item, :sign, :rest)",
            [dict(zip(("subject", "item", "sign", "rest"), _row(s), strict=True)) for s in kept],
        )
        migrate(unmigrated)
        ledgers = Ledgers(unmigrated)
        writer = ledgers.writer()
        assert writer.signals_about(LOT) == kept
        some = writer.next_reassessment(9)
        assert some is not None
        assert set(some.items) <= set(map(from_key, SCANNED))
        assert writer.batch_registry()[1] == 1
        ledgers.close()

    def test_an_empty_ledger_has_nothing_to_reassess(self, unmigrated: LedgerAddress) -> None:
        migrate_to(unmigrated, "0001")
        migrate(unmigrated)
        ledgers = Ledgers(unmigrated)
        writer = ledgers.writer()
        assert writer.next_reassessment(9) is None
        assert writer.batch_registry()[1] == 0
        ledgers.close()

    def test_a_ledger_keeps_the_fingerprint_of_the_first_secret_until_it_is_forgotten(
        self, unmigrated: LedgerAddress
    ) -> None:
        migrate_to(unmigrated, "0004")
        migrate(unmigrated)
        assert secret_fingerprint(unmigrated) is None
        prints = [bytes([number]) * 16 for number in range(8)]
        with ThreadPoolExecutor(len(prints)) as services:
            kept = set(services.map(lambda each: note_secret(unmigrated, each), prints))
        assert kept == {secret_fingerprint(unmigrated)} <= set(prints)
        assert forget_secret(unmigrated)
        assert secret_fingerprint(unmigrated) is None
        assert not forget_secret(unmigrated)
        assert note_secret(unmigrated, b"n" * 16) == secret_fingerprint(unmigrated) == b"n" * 16
