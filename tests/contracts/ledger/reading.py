"""What the service reads: only what the reader's prefixes allow, in pages, with cases."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random

import pytest

from authenticity.detection.alerts import Alert, alert_id
from authenticity.detection.findings import FindingKind
from authenticity.detection.item_state import ItemChange
from authenticity.detection.policy import Severity
from authenticity.detection.reasons import ReasonCode, because
from authenticity.errors import InputError
from authenticity.gs1.item import (
    TEXT_PREFIX,
    ItemId,
    batch_entity,
    custody_leg_entity,
    item_id,
    scanner_entity,
    text_id,
)
from authenticity.history.history import EMPTY, encode_history
from authenticity.records.batch_registry import InBatch
from authenticity.trust.entitlement import NOTHING, Entitlement
from ledger.administration import LedgerAdministration
from ledger.protocols import LedgerReader
from ledger.records import AlertFilter, CaseChange, CaseError, CaseState, Role
from simulation.two_makers import GTINS, World
from tests.contracts.ledger.ledgers import Ledgers

ALL = AlertFilter(entitlement=None)
ALPINE, HARBOUR = (Entitlement(frozenset({prefix})) for prefix in ("9521234", "9526543"))
BOTH = Entitlement(ALPINE.held | HARBOUR.held)


def raised(item: ItemId, kind: FindingKind = FindingKind.FORGED, version: int = 1) -> Alert:
    """One that says little."""
    return Alert(alert_id(item, kind), item, kind, Severity.HIGH, None, version, False,
                 (because(ReasonCode.CODE_REFUSED, scanners="anonymous"),))  # fmt: skip


ITEMS = [item_id(GTINS[n % 2], f"S{n}") for n in range(6)]


async def alerts_of(reader: LedgerReader, entitlement: Entitlement | None) -> set[str]:
    """The items of all alerts that these may see."""
    page = await reader.alerts(AlertFilter(entitlement=entitlement), after=None, limit=1_000)
    return {record.alert.item for record in page.items}


class ReadingContract:
    """Inherit it where a fixture `ledgers` gives an empty ledger."""

    @pytest.fixture
    def reader(self, ledgers: Ledgers) -> LedgerReader:
        """Six items of two makers and one text, an alert each."""
        world, writer = World(2), ledgers.writer()
        items = [*ITEMS, text_id("no code")]
        writer.write(
            [ItemChange(item, 0, encode_history(EMPTY), [raised(item)]) for item in items],
            0,
            world.now,
        )
        writer.accept_batches([world.batch(maker=0), world.batch(maker=1)])
        return ledgers.reader()

    async def test_a_rights_holder_reads_alerts_feed_and_batches_of_its_own_prefixes_alone(
        self,
        reader: LedgerReader,
    ) -> None:
        assert await alerts_of(reader, ALPINE) == set(ITEMS[0::2])
        assert await alerts_of(reader, HARBOUR) == set(ITEMS[1::2])
        assert await alerts_of(reader, BOTH) == set(ITEMS)
        assert len(await alerts_of(reader, None)) == 7
        assert await alerts_of(reader, NOTHING) == set()
        assert {e.alert.item for e in await reader.feed(0, 100, ALPINE)} == set(ITEMS[0::2])
        batches = await reader.batches(HARBOUR, after=None, limit=9)
        assert [batch.issuer for batch in batches.items] == ["harbour"]

    async def test_alerts_about_batches_are_their_makers_and_those_about_scanners_nobodys(
        self, reader: LedgerReader, ledgers: Ledgers
    ) -> None:
        batches = [ItemId(batch_entity(gtin, "L1")) for gtin in GTINS]
        scanners = [ItemId(scanner_entity(0x09521234, known=known)) for known in (True, False)]
        # Whose hash, of all hashes, looks like a GTIN of theirs.
        text = ItemId(f"{TEXT_PREFIX}9521234{'0' * 25}")
        changes = [
            ItemChange(item, 0, encode_history(EMPTY), [raised(item, FindingKind.CAMPAIGN)])
            for item in (*batches, *scanners, text)
        ]
        ledgers.writer().write(changes, (await self._version(ledgers)), World(2).now)
        assert await alerts_of(reader, ALPINE) == {*ITEMS[0::2], batches[0]}
        assert await alerts_of(reader, HARBOUR) == {*ITEMS[1::2], batches[1]}
        assert {*batches, *scanners, text} < await alerts_of(reader, None)
        feed = {entry.alert.item for entry in await reader.feed(0, 100, ALPINE)}
        assert feed == {*ITEMS[0::2], batches[0]}
        scanner_alert = raised(scanners[0], FindingKind.CAMPAIGN).id
        assert await reader.alert(scanner_alert, None) is not None
        assert await reader.alert(scanner_alert, ALPINE) is None
        where = AlertFilter(entitlement=ALPINE, item=batches[0])
        assert len((await reader.alerts(where, after=None, limit=9)).items) == 1

    async def test_every_query_opens_what_the_one_function_opens(
        self, reader: LedgerReader, ledgers: Ledgers
    ) -> None:
        """Short alphabets, so that ranges of several lengths are sold within one another."""
        draw, world = Random(3), World(2)

        def digits(length: int) -> str:
            return "9521" + "".join(draw.choices("12", k=length - 4))

        gtins = [draw.choice("01") + digits(12) + "3" for _ in range(60)]
        subjects = [
            *(item_id(gtin, "S") for gtin in gtins),
            *(ItemId(batch_entity(gtin, "L1")) for gtin in gtins[:20]),
            *(ItemId(custody_leg_entity(gtin, "L1", 9)) for gtin in gtins[:20]),
        ]
        changes = [ItemChange(it, 0, encode_history(EMPTY), [raised(it)]) for it in set(subjects)]
        ledgers.writer().write(changes, (await self._version(ledgers)), world.now)
        ledgers.writer().accept_batches(
            [world.batch(batch_id=gtin, gtin=gtin) for gtin in set(gtins)]
        )
        everything = await alerts_of(reader, None)
        for _ in range(25):
            held, sold = ({digits(draw.randint(4, 9)) for _ in range(n)} for n in (2, 4))
            theirs = Entitlement(frozenset(held), frozenset(sold - held))
            opened = {subject for subject in everything if theirs.opens(ItemId(subject))}
            assert await alerts_of(reader, theirs) == opened
            assert {e.alert.item for e in await reader.feed(0, 1_000, theirs)} == opened
            batches = await reader.batches(theirs, after=None, limit=1_000)
            assert {b.gtin for b in batches.items} == {
                gtin for gtin in (*gtins, *GTINS) if theirs.holds(gtin)
            }
            for subject in draw.sample(subjects, 3):
                alert = await reader.alert(raised(subject).id, theirs)
                assert (alert is not None) == (subject in opened)
                change = CaseChange(CaseState.ACTIVE, None, "they")
                if subject not in opened:
                    assert await reader.change_case(raised(subject).id, change, theirs) is None

    async def test_a_range_sold_in_very_many_parts_is_still_one_query(
        self, reader: LedgerReader
    ) -> None:
        parts = frozenset(f"9521{number:08}" for number in range(0, 80_000, 2))
        theirs = Entitlement(frozenset({"9521"}), parts - {"952123400001"})
        assert await alerts_of(reader, theirs) == set(ITEMS[0::2])

    @staticmethod
    async def _version(ledgers: Ledgers) -> int:
        return (await asyncio.to_thread(ledgers.writer().batch_registry))[1]

    async def test_a_single_alert_of_another_company_is_as_if_it_were_not(
        self,
        reader: LedgerReader,
    ) -> None:
        its_id = raised(ITEMS[0]).id
        assert (await reader.alert(its_id, ALPINE)) is not None
        assert (await reader.alert(its_id, HARBOUR)) is None
        change = CaseChange(CaseState.ACTIVE, None, "harbour")
        assert (await reader.change_case(its_id, change, HARBOUR)) is None

    async def test_pages_follow_one_another_without_gap_or_repeat(
        self, reader: LedgerReader
    ) -> None:
        seen, after = [], None
        while True:
            page = await reader.alerts(ALL, after=after, limit=3)
            seen += [record.alert.id for record in page.items]
            after = page.after
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 7
        first = await reader.batches(None, after=None, limit=1)
        second = await reader.batches(None, after=first.after, limit=1)
        assert [b.issuer for b in (*first.items, *second.items)] == ["alpine", "harbour"]
        assert second.after is None

    @pytest.mark.parametrize(
        "cursor", ["x", "-1", "9" * 40, "", "1; DROP TABLE alerts", "[1]", "null"]
    )
    async def test_a_made_up_cursor_is_refused(self, reader: LedgerReader, cursor: str) -> None:
        with pytest.raises(InputError):
            await reader.alerts(ALL, after=cursor, limit=1)
        with pytest.raises(InputError):
            await reader.batches(None, after=cursor, limit=1)

    async def test_filters_narrow(self, reader: LedgerReader) -> None:
        async def count(**narrow: object) -> int:
            where = AlertFilter(entitlement=None, **narrow)  # type: ignore[arg-type]
            return len((await reader.alerts(where, after=None, limit=100)).items)

        assert await count(item=ITEMS[3]) == 1
        assert await count(kinds=(FindingKind.FORGED,)) == 7
        assert await count(kinds=(FindingKind.STOLEN,)) == 0
        assert await count(severities=(Severity.LOW, Severity.HIGH)) == 7
        assert await count(retracted=True) == 0
        assert await count(cases=(CaseState.CLOSED,)) == 0
        assert await count(since=datetime(2100, 1, 1, tzinfo=UTC)) == 0

    async def test_a_case_moves_along_its_states_and_remembers_who_and_why(
        self,
        reader: LedgerReader,
    ) -> None:
        its_id = raised(ITEMS[0]).id
        await reader.change_case(its_id, CaseChange(CaseState.ACTIVE, None, "ann"), None)
        closed = await reader.change_case(
            its_id, CaseChange(CaseState.CLOSED, "a demonstration unit", "ben"), None
        )
        assert closed is not None
        assert closed.case is CaseState.CLOSED
        assert [(s.state, s.by, s.reason) for s in closed.steps] == [
            ("active", "ann", None),
            ("closed", "ben", "a demonstration unit"),
        ]

    async def test_closing_without_a_reason_and_impossible_moves_are_refused(
        self,
        reader: LedgerReader,
    ) -> None:
        its_id = raised(ITEMS[0]).id
        for change in (
            CaseChange(CaseState.CLOSED, None, "ann"),
            CaseChange(CaseState.CLOSED, "  ", "ann"),
            CaseChange(CaseState.ESCALATED, "in a hurry", "ann"),
        ):
            with pytest.raises(CaseError):
                await reader.change_case(its_id, change, None)
        record = await reader.alert(its_id, None)
        assert record is not None
        assert record.case is CaseState.NEW
        assert record.steps == ()

    async def test_a_batch_registry_is_read_again_when_a_batch_changes(
        self, reader: LedgerReader, ledgers: Ledgers
    ) -> None:
        world = World(2)
        batch_registry = await reader.batch_registry()
        assert await reader.batch_registry() is batch_registry
        recalled = world.batch(revision=2, status="recalled")
        ledgers.writer().accept_batches([recalled])
        newer = await reader.batch_registry()
        assert newer.find(recalled.gtin, recalled.lot, recalled.expiry, "S") == InBatch(recalled)

    async def test_a_token_is_found_by_its_hash_and_its_text_is_nowhere(
        self, reader: LedgerReader, ledgers: Ledgers
    ) -> None:
        administration = LedgerAdministration(ledgers.address)
        until = datetime.now(UTC) + timedelta(days=1)
        text, record = administration.create_token(
            Role.RIGHTS_HOLDER, "alpine", ("9521234",), until
        )
        found = await reader.token(sha256(text.encode()).digest())
        assert found is not None
        assert (found.id, found.role, found.prefixes) == (
            record.id,
            Role.RIGHTS_HOLDER,
            ("9521234",),
        )
        assert await reader.token(sha256(b"another").digest()) is None
        assert record.id.encode() in ledgers.all_bytes()
        assert text.encode() not in ledgers.all_bytes()
        assert administration.revoke_token(record.id)
        assert not administration.revoke_token("unknown")
        again = await reader.token(sha256(text.encode()).digest())
        assert again is not None
        assert again.revoked_at is not None
        administration.close()

    async def test_a_gateway_is_kept_as_one_without_a_role(
        self, reader: LedgerReader, ledgers: Ledgers
    ) -> None:
        administration = LedgerAdministration(ledgers.address)
        until = datetime.now(UTC) + timedelta(days=1)
        for role in (None, Role.OFFICER):
            text, made = administration.create_token(role, "app", None, until)
            found = await reader.token(sha256(text.encode()).digest())
            assert found is not None
            assert found.gateway is made.gateway is (role is None)
            assert found.role == made.role == role
            assert role in [record.role for record in administration.tokens()]
        administration.close()

    async def test_items_are_answered_in_the_order_they_were_asked_for(
        self, reader: LedgerReader
    ) -> None:
        unknown = item_id(GTINS[0], "NEVER")
        histories, batch_registry = await reader.items([ITEMS[1], unknown, ITEMS[0], ITEMS[1]])
        assert histories == [EMPTY, None, EMPTY, EMPTY]
        assert await reader.items([]) == ([], batch_registry)
        assert await reader.item(ITEMS[2]) == EMPTY
        assert await reader.item(unknown) is None

    async def test_what_no_database_could_hold_is_not_there_and_is_not_stored(
        self, reader: LedgerReader
    ) -> None:
        for text in ("a\0b", "\ud800"):
            assert await reader.alert(text, None) is None
            closing = CaseChange(CaseState.CLOSED, f"because {text}", "ann")
            with pytest.raises(CaseError):
                await reader.change_case(raised(ITEMS[0]).id, closing, None)
        for cursor in ('["a\\u0000", "b"]', '["\\ud800", "b"]'):
            with pytest.raises(InputError):
                await reader.batches(None, after=cursor, limit=1)

    async def test_of_two_who_close_a_case_at_once_one_is_told_that_it_is_closed(
        self, reader: LedgerReader
    ) -> None:
        its_id = raised(ITEMS[0]).id
        closing = CaseChange(CaseState.CLOSED, "found", "ann")
        outcomes = await asyncio.gather(
            *(reader.change_case(its_id, closing, None) for _ in range(4)), return_exceptions=True
        )
        assert sum(isinstance(outcome, CaseError) for outcome in outcomes) == 3
        record = await reader.alert(its_id, None)
        assert record is not None
        assert len(record.steps) == 1

    async def test_the_trust_list_and_the_feed_are_read_as_they_were_written(
        self, reader: LedgerReader, ledgers: Ledgers
    ) -> None:
        assert await reader.trust_list() is None
        ledgers.writer().accept_trust_list(b"a list", 7, World(2).now)
        assert await reader.trust_list() == b"a list"
        feed = await reader.feed(0, 3, None)
        assert [entry.alert.item for entry in feed] == ITEMS[:3]
        assert (await reader.feed(feed[-1].number, 1, None))[0].alert.item == ITEMS[3]
        assert await reader.newest_feed_number() == feed[-1].number + 4
        await reader.ping()
