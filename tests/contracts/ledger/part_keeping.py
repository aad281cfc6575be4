"""The contract of serial lists: which part is kept, and who is told what it says."""

import asyncio
from collections.abc import Sequence
from itertools import permutations

import msgspec

from authenticity.records.batch_registry import BatchRegistry, Question
from authenticity.records.batch_statement import read_statement
from authenticity.records.part_statement import SignedPart
from authenticity.records.serial_parts import part_asked
from ledger.administration import LedgerAdministration, Snapshot
from ledger.protocols import Progress
from ledger.records import PartsHeld
from simulation.two_makers import World
from tests.contracts.ledger.ledgers import Ledgers, Writer, WritingContract
from tests.support.large_batch import LargeBatch, large_batch, signed_part

OURS = [f"OURS{n}" for n in range(60)]
PARTS = 40
"""More than are read at once."""


def stated(world: World) -> LargeBatch:
    return large_batch(world.batch(), OURS, PARTS)


def signed(world: World, large: LargeBatch) -> list[SignedPart]:
    return [signed_part(world, part) for part in large.parts]


def questions(large: LargeBatch, serials: Sequence[str]) -> list[Question]:
    names = [part_asked(large.batch, serial) for serial in serials]
    return [Question(name, serial) for name, serial in zip(names, serials, strict=True) if name]


class PartsContract(WritingContract):
    """Inherit it where a fixture `ledgers` gives an empty ledger."""

    def test_every_reader_is_told_the_same_of_every_serial(
        self, ledgers: Ledgers, world: World, writer: Writer
    ) -> None:
        large = stated(world)
        statement = read_statement(world.statement(large.batch))
        writer.accept_statements([statement], signed(world, large)[1:])
        asked = questions(large, [*OURS, "NOBODYS", "NO-ONES"])
        expected = {question: question.serial in OURS for question in asked if question.part.number}
        assert len(expected) < len(asked)
        reader = ledgers.reader()

        async def read() -> None:
            for _ in range(2):  # read, then kept
                assert await reader.memberships(asked) == expected
            alpines = (large.batch.issuer, large.batch.batch_id)
            assert await reader.parts_held(*alpines) == PartsHeld(PARTS - 1, PARTS)
            assert await reader.parts_held("alpine", "unheard") == PartsHeld(0, 0)

        asyncio.run(read())
        assert writer.memberships(asked) == writer.memberships(asked) == expected
        with Snapshot(ledgers.address) as snapshot:
            found = snapshot.batch_registry()
            same = BatchRegistry([large.batch]).answered_by(expected)
            for serial in [*OURS, "NOBODYS", "NO-ONES"]:
                pack = (large.batch.gtin, "L1", "281231", serial)
                assert found.find(*pack) == same.find(*pack)
        administration = LedgerAdministration(ledgers.address)
        assert administration.parts_held(large.batch) == PARTS - 1
        administration.close()

    def test_of_one_place_the_higher_slot_then_the_higher_revision_is_kept(
        self, world: World, writer: Writer
    ) -> None:
        first = large_batch(world.batch(), OURS, 1)
        second = large_batch(world.batch(revision=2), OURS[:9], 1)
        third = large_batch(world.batch(), OURS[:5], 1)
        parts = [
            signed_part(world, first.parts[0]),
            signed_part(world, second.parts[0]),
            signed_part(world, third.parts[0], signer=world.successors[0]),
        ]
        for number, order in enumerate(permutations(parts)):
            # Each order in a batch of its own.
            renamed = [
                signed_part(
                    world,
                    msgspec.structs.replace(part.part, batch_id=f"b{number}"),
                    signer=(world.signers[0], world.successors[0])[part.key_slot],
                )
                for part in order
            ]
            writer.accept_statements([], renamed[:1])
            writer.accept_statements([], renamed[1:])
            (kept,) = questions(third, ["OURS0"])
            outranked = [*questions(first, ["OURS0"]), *questions(second, ["OURS0"])]
            asked = [
                each._replace(part=each.part._replace(batch_id=f"b{number}"))
                for each in (kept, *outranked)
            ]
            assert writer.memberships(asked[1:]) == {}
            assert writer.memberships(asked) == {asked[0]: True}

    def test_a_part_changes_the_version_only_where_a_header_names_it(
        self, world: World, writer: Writer
    ) -> None:
        large, parts = stated(world), signed(world, stated(world))
        _, before = writer.batch_registry()
        writer.accept_statements([], parts)
        assert writer.batch_registry()[1] == before
        assert (writer.unclaimed_parts("alpine"), writer.unclaimed_parts("other")) == (PARTS, 0)
        alpines = ("alpine", large.batch.batch_id)
        assert writer.unstated({alpines, ("alpine", "other")}) == {alpines, ("alpine", "other")}
        writer.accept_statements([read_statement(world.statement(large.batch))])
        assert writer.batch_registry()[1] == before + 1
        assert writer.unclaimed_parts("alpine") == 0
        assert writer.unstated({alpines}) == set()
        writer.accept_statements([], parts, progress=Progress("batches@x", 9))
        assert writer.batch_registry()[1] == before + 1
        assert writer.position("batches@x") == 9
        other = large_batch(world.batch(revision=2), OURS[:3], PARTS)
        writer.accept_statements([], signed(world, other)[:1])
        assert writer.batch_registry()[1] == before + 2, "a part that was named is gone"
        assert (again := writer.next_reassessment(9)) and again.gtin == large.batch.gtin
