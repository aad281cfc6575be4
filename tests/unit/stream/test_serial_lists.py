"""Serial lists in parts, through the engine: whatever comes in whatever order, and what of it
is used."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import BatchMatch, BatchRegistry, InBatch, ListIncomplete
from authenticity.records.part_statement import SignedPart, rank_of_part
from authenticity.records.scan import Scan, encode_scan
from authenticity.records.serial_parts import PartName, SerialPart
from events.topics import BATCHES, TRUST
from ledger.part_cache import LazyMembership, PartCache
from simulation.two_makers import World
from stream.replay import Replay
from tests.support.eventful import exported
from tests.support.examples import examples
from tests.support.large_batch import LargeBatch, large_batch, signed_part
from tests.unit.stream.test_engine import LIMITS, Setting, received, scans_of

WORLD = World(4)
OURS = [f"OURS{n}" for n in range(12)]
LARGE = large_batch(WORLD.batch(), OURS)
CORRECTED = large_batch(WORLD.batch(revision=2), [*OURS[:6], "ADDED1", "ADDED2"])
"""The maker's correction: half of the serials were never printed, two more were."""
BY_SUCCESSOR = large_batch(WORLD.batch(), OURS[:9])
SCANS = [
    WORLD.scan(WORLD.code(serial), minutes=number)
    for number, serial in enumerate([*OURS[4:8], "ADDED1", "NOBODYS"])
]


def statements_of(*batches: Batch) -> list[bytes]:
    return [WORLD.statement(batch) for batch in batches]


def parts_of(large: LargeBatch, **how: Any) -> list[SignedPart]:
    return [signed_part(WORLD, part, **how) for part in large.parts]


PARTS = [*parts_of(LARGE), *parts_of(CORRECTED)]
BATCH_RECORDS = [
    *statements_of(LARGE.batch, CORRECTED.batch),
    *(part.raw for part in PARTS),
]


def membership_of(parts: Iterable[SignedPart]) -> LazyMembership:
    """What these parts say if of each place the one of the highest rank is kept."""
    kept: dict[tuple[str, str, int], SignedPart] = {}
    for part in sorted(parts, key=rank_of_part):
        kept[part.name[:3]] = part

    def read(issuer: str, batch_id: str, numbers: Sequence[int]) -> list[tuple[bytes, bytes]]:
        found = [kept.get((issuer, batch_id, number)) for number in numbers]
        return [(part.name.digest, part.part.serials) for part in found if part]

    return LazyMembership(read, PartCache())


def expected(records: Sequence[bytes], scans: Sequence[Scan]) -> list[bytes]:
    """What is known in the end, of what was received alone."""
    batches = [
        large.batch for large in (LARGE, CORRECTED) if WORLD.statement(large.batch) in records
    ]
    registry = BatchRegistry(batches).answered_by(
        membership_of(part for part in PARTS if part.raw in records)
    )
    replay = Replay(WORLD.trust_list, registry, DEFAULT_POLICY)
    replay.feed(enumerate((encode_scan(scan) for scan in scans), 1))
    lines = list(replay.final_lines())
    replay.close()
    return lines


# The list that stands is asked for, then displaced: it must not be remembered.
@example(order=[0, 8, 2, 3, 4, 5, 6, 7, 1, 9, 10, 11, 12, 13], lost={1}, again=[], size=1)
@settings(max_examples=examples(40))
@given(
    order=st.permutations(range(len(BATCH_RECORDS) + len(SCANS))),
    lost=st.sets(st.integers(0, len(BATCH_RECORDS) - 1), max_size=5),
    again=st.lists(st.integers(0, len(BATCH_RECORDS) - 1), max_size=5),
    size=st.integers(1, 5),
)
def test_any_order_any_repeats_any_losses_end_in_what_was_received(
    order: list[int], lost: set[int], again: list[int], size: int
) -> None:
    everything = [
        *(received(BATCHES, n, raw) for n, raw in enumerate(BATCH_RECORDS)),
        *scans_of(SCANS),
    ]
    sequence = [everything[n] for n in [*order, *again] if n not in lost]

    async def scenario(folder: Path) -> None:
        setting = Setting(folder, WORLD)
        await setting.trust()
        for at in range(0, len(sequence), size):
            portion = sequence[at : at + size]
            await setting.engine.accept_batches([r for r in portion if r.topic is BATCHES])
            await setting.engine.fold_scans([r for r in portion if r.topic is not BATCHES])
            await setting.engine.reassess_items()
        await setting.reassess_all()
        await setting.close()
        assert setting.published.records == []

    with TemporaryDirectory() as name:
        asyncio.run(scenario(Path(name)))
        came = [record.value for record in sequence if record.topic is BATCHES]
        assert exported(Path(name)) == expected(came, SCANS)


async def accept(setting: Setting, *records: bytes) -> None:
    await setting.engine.accept_batches([received(BATCHES, n, r) for n, r in enumerate(records)])


async def find(setting: Setting, serial: str) -> BatchMatch:
    registry, _ = await setting.ledger.batch_registry()
    questions = registry.questions(LARGE.batch.gtin, ["L1"], serial)
    answered = registry.answered_by(await setting.ledger.memberships(questions))
    return answered.find(LARGE.batch.gtin, "L1", "281231", serial)


@pytest.fixture
async def setting(tmp_path: Path) -> Any:
    made = Setting(tmp_path, WORLD)
    await made.trust()
    yield made
    await made.close()


async def test_an_item_that_waited_for_its_part_is_assessed_when_the_part_comes(
    setting: Setting,
) -> None:
    await accept(setting, *statements_of(LARGE.batch))
    await setting.engine.fold_scans(scans_of([WORLD.scan(WORLD.code("NOBODYS"))]))
    await setting.reassess_all()
    assert b"never-issued" not in b"".join(exported(setting.folder))
    await accept(setting, *(part.raw for part in parts_of(LARGE)))
    await setting.reassess_all()
    assert b"never-issued" in b"".join(exported(setting.folder))


async def test_parts_that_no_header_names_yet_have_no_item_reassessed(setting: Setting) -> None:
    _, before = await setting.ledger.batch_registry()
    await accept(setting, *(part.raw for part in parts_of(LARGE)))
    assert (await setting.ledger.batch_registry())[1] == before
    assert await setting.ledger.unclaimed_parts("alpine") == len(LARGE.parts)
    await accept(setting, *statements_of(LARGE.batch))
    assert (await setting.ledger.batch_registry())[1] == before + 1
    assert await setting.ledger.unclaimed_parts("alpine") == 0
    assert [await find(setting, serial) for serial in OURS] == [InBatch(LARGE.batch)] * len(OURS)


async def test_a_later_statement_about_the_same_serials_needs_no_parts_again(
    setting: Setting,
) -> None:
    await accept(setting, *(part.raw for part in parts_of(LARGE)), *statements_of(LARGE.batch))
    recalled = msgspec.structs.replace(LARGE.batch, revision=2, status="recalled")
    await accept(setting, *statements_of(recalled))
    assert [await find(setting, serial) for serial in OURS] == [InBatch(recalled)] * len(OURS)


async def test_a_tampered_part_is_a_dead_letter_and_the_header_waits_for_the_right_one(
    setting: Setting,
) -> None:
    right = parts_of(LARGE)
    others = large_batch(WORLD.batch(), ["NOBODYS"]).parts[0].serials
    forged = [
        signed_part(WORLD, msgspec.structs.replace(part, serials=others), signer=WORLD.stranger)
        for part in LARGE.parts
    ]
    await accept(setting, *statements_of(LARGE.batch), *(part.raw for part in forged))
    assert len(setting.published.reasons) == len(LARGE.parts)
    assert "sign it again" in setting.published.reasons[0]
    assert isinstance(await find(setting, "NOBODYS"), ListIncomplete)
    await accept(setting, *(part.raw for part in right))
    assert await find(setting, OURS[0]) == InBatch(LARGE.batch)


async def test_a_stolen_keys_parts_take_no_serial_in_and_the_makers_next_key_outranks_them(
    setting: Setting,
) -> None:
    await accept(setting, *statements_of(LARGE.batch), *(part.raw for part in parts_of(LARGE)))
    thiefs = large_batch(WORLD.batch(revision=9_999), [*OURS, "NOBODYS"])
    await accept(setting, *(part.raw for part in parts_of(thiefs)))
    assert isinstance(await find(setting, "NOBODYS"), ListIncomplete)
    revoked = WORLD.next_trust_document(revoked={0: WORLD.now})
    await setting.engine.accept_trust_lists([received(TRUST, 1, revoked)])
    await accept(setting, *(p.raw for p in parts_of(LARGE, signer=WORLD.successors[0])))
    assert [await find(setting, serial) for serial in OURS] == [InBatch(LARGE.batch)] * len(OURS)
    assert not isinstance(await find(setting, "NOBODYS"), InBatch | ListIncomplete)
    await accept(setting, *(part.raw for part in parts_of(thiefs, at=WORLD.now - timedelta(9))))
    assert all("revoked" in reason for reason in setting.published.reasons)
    assert await find(setting, OURS[0]) == InBatch(LARGE.batch)


def other_batch(number: int) -> list[SerialPart]:
    return list(large_batch(WORLD.batch(batch_id=f"unheard-{number}"), OURS).parts)


async def test_parts_of_batches_that_nobody_states_are_kept_within_a_bound(
    setting: Setting,
) -> None:
    engine = setting.another_engine(replace(LIMITS, unclaimed_parts=4))
    records = [
        received(BATCHES, number, signed_part(WORLD, part).raw)
        for number, part in enumerate([*other_batch(1), *other_batch(2)])
    ]
    await engine.accept_batches(records)
    assert await setting.ledger.unclaimed_parts("alpine") == 4
    assert len(setting.published.reasons) == 2
    assert "publish its statement, then this part again" in setting.published.reasons[0]
    await engine.accept_batches(
        [received(BATCHES, n, part.raw) for n, part in enumerate(parts_of(LARGE))]
    )
    assert await setting.ledger.unclaimed_parts("alpine") == 4
    letters = len(setting.published.reasons)
    stated = [*statements_of(LARGE.batch), *(part.raw for part in parts_of(LARGE))]
    await engine.accept_batches([received(BATCHES, n, raw) for n, raw in enumerate(stated)])
    assert len(setting.published.reasons) == letters, "what is stated is never over the bound"
    assert await find(setting, OURS[0]) == InBatch(LARGE.batch)


async def test_a_fold_reads_the_parts_of_its_own_items_alone_and_each_once(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accept(setting, *statements_of(LARGE.batch), *(part.raw for part in parts_of(LARGE)))
    read: list[PartName] = []
    ask = PartCache.ask

    def noted(cache: PartCache, questions: Any) -> Any:
        answers, missing = ask(cache, questions)
        read.extend(missing)
        return answers, missing

    monkeypatch.setattr(PartCache, "ask", noted)
    elsewhere = [WORLD.scan(WORLD.code(lot="L9"))]
    await setting.engine.fold_scans(scans_of(elsewhere))
    assert read == []
    scans = [WORLD.scan(WORLD.code(serial)) for serial in OURS]
    await setting.engine.fold_scans(scans_of(scans))
    await setting.engine.fold_scans(scans_of(scans))
    assert 0 < len(read) == len(set(read)) <= len(LARGE.parts)
