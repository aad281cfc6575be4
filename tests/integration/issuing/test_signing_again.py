"""`touchstone batches register --sign-again` of a batch whose serial list is in parts: real
processes, real files, a real ledger."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree, rmtree

import msgspec
import pytest

from authenticity.records.batch import encode_batch
from authenticity.records.part_statement import SignedPart, read_part
from events.embedded.log import EmbeddedLog
from events.embedded.publisher import EmbeddedPublisher
from events.topics import BATCHES
from keys.batch_signing import sign_part
from keys.signer import Signer
from keys.store import KeyStore
from ledger.administration import LedgerAdministration
from ledger.records import PartsHeld
from producers.issuing.declarations import read_batch, read_folder
from producers.issuing.manifest import read_codes
from producers.issuing.registration import publish_statements
from producers.issuing.serial_list import check_list, read_serial_list
from tests.integration.issuing.test_declared_batches import AT_ONCE, PENDING, listed_again
from tests.integration.issuing.test_issue_command import Maker, new_maker
from tests.integration.issuing.test_large_batch import REAL, asked, drained
from tests.support.patience import PATIENCE_S

pytestmark = [pytest.mark.slow]

AGAIN = ("batches", "register", "out", "--sign-again", *AT_ONCE)
KEPT = ("batch.json", "batch.jws", "serials.jws")


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """A maker whose large batch of the folder `out` stands with its engine."""
    maker = new_maker(tmp_path_factory.mktemp("registered"))
    listed_first(maker)
    maker.issue("out", REAL)
    drained(maker)
    return maker


@pytest.fixture(scope="module")
def succeeded(registered: Maker, tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """A copy of the same whose key was stolen: the list that says so, with its successor, is in
    force."""
    folder = tmp_path_factory.mktemp("succeeded")
    copytree(registered.folder, folder, dirs_exist_ok=True)
    maker = Maker(folder)
    maker.run("keys", "revoke", "maker", "--slot", "0", "--reason", "stolen")
    maker.run("keys", "rotate", "maker")
    listed_again(maker)
    return maker


@pytest.fixture
def large(registered: Maker, tmp_path: Path) -> Iterator[Maker]:
    """A copy of the first, to be harmed."""
    yield from copied(registered, tmp_path)


@pytest.fixture
def stolen(succeeded: Maker, tmp_path: Path) -> Iterator[Maker]:
    """A copy of the second."""
    yield from copied(succeeded, tmp_path)


def copied(maker: Maker, folder: Path) -> Iterator[Maker]:
    copytree(maker.folder, folder, dirs_exist_ok=True)
    yield Maker(folder)
    rmtree(folder)


def listed_first(maker: Maker) -> None:
    maker.run("keys", "export-trust-list", "--out", "trust.jws")
    roots = (maker.folder / "roots.json").read_bytes()
    (maker.folder / "data" / "roots.json").write_bytes(roots)
    maker.run("trust", "publish", "trust.jws")


def now() -> datetime:
    return datetime.now(UTC)


def newest_key(maker: Maker) -> Signer:
    store = KeyStore(maker.folder / "data" / "keys")
    return store.key_file("maker", passphrase=b"a test passphrase", at=now()).open()


def files(maker: Maker) -> list[bytes]:
    return [(maker.folder / "out" / name).read_bytes() for name in KEPT]


def on_record(maker: Maker) -> list[bytes]:
    """The digests of issued serials."""
    folder = maker.folder / "data" / "keys" / "issued"
    return [path.read_bytes() for path in sorted(folder.rglob("*.digests"))]


def on_log(maker: Maker) -> int:
    log = EmbeddedLog(maker.folder / "data" / "log.sqlite")
    count = sum(1 for _ in log.read(BATCHES, 0, 1_000))
    log.close()
    return count


def parts(maker: Maker) -> list[SignedPart]:
    return list(read_serial_list(maker.folder / "out"))


def assert_stands_under(maker: Maker, slot: int) -> None:
    """Statement and list of the folder stand, and the list is complete and exact."""
    kept = read_folder(maker.folder / "out")
    administration = LedgerAdministration(maker.folder / "data" / "ledger.sqlite")
    stands = administration.statement("maker", kept.batch.batch_id)
    administration.close()
    assert stands is not None
    assert (stands.batch, stands.key_slot) == (kept.batch, slot)
    assert {part.key_slot for part in parts(maker)} == {slot}
    check_list(kept.batch, maker.folder / "out")
    serials = read_codes(maker.folder / "out" / "manifest.csv")["serial"].to_pylist()[:2_000]
    whole = PartsHeld(kept.batch.parts, kept.batch.parts)
    assert asked(maker, kept.batch, serials) == ({True}, whole)
    assert asked(maker, kept.batch, [f"INVENTED{n}" for n in range(500)]) == ({False}, whole)


def sign_again(maker: Maker) -> None:
    """Without an engine, which takes it afterwards. What says the same as what stands is taken
    or not, as its bytes rank."""
    process = maker.start(*AGAIN)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode in (0, PENDING), said
    drained(maker)


def rebuilt(maker: Maker) -> None:
    """The ledger, from the log: under the list in force now."""
    for path in (maker.folder / "data").glob("ledger.sqlite*"):
        path.unlink()
    drained(maker)


def test_under_the_next_key_the_same_list_stands_also_in_a_ledger_that_is_rebuilt(
    stolen: Maker,
) -> None:
    before, listed = read_batch(stolen.folder / "out"), [part.part for part in parts(stolen)]
    _, refused = stolen.run("batches", "register", "out", *AT_ONCE, code=2)
    assert "is revoked" in refused and "--sign-again" in refused
    for _ in range(2):
        sign_again(stolen)
        assert_stands_under(stolen, 1)
    rebuilt(stolen)
    assert_stands_under(stolen, 1)
    after = read_batch(stolen.folder / "out")
    assert after.serial_parts == before.serial_parts
    assert [part.part for part in parts(stolen)] == listed


def test_what_no_engine_takes_leaves_statement_and_list_as_they_were(large: Maker) -> None:
    before, published = files(large), on_log(large)
    large.run("keys", "rotate", "maker")
    _, refused = large.run(*AGAIN, code=2)
    assert "maker/1 is not on the trust list in force" in refused
    assert (files(large), on_log(large)) == (before, published)
    listed_again(large)
    sign_again(large)
    assert_stands_under(large, 1)


def test_a_key_that_what_stands_outranks_signs_nothing(stolen: Maker, registered: Maker) -> None:
    copytree(registered.folder / "data" / "keys", stolen.folder / "older")
    sign_again(stolen)
    before, published = files(stolen), on_log(stolen)
    _, refused = stolen.run(*AGAIN, "--keys", "older", code=2)
    assert "outranks slot 0" in refused
    assert (files(stolen), on_log(stolen)) == (before, published)
    assert_stands_under(stolen, 1)


def test_parts_that_no_engine_takes_are_refused_although_it_takes_the_statement(
    large: Maker,
) -> None:
    """As after a declaration under the next key, which signs the statement alone."""
    large.run("keys", "rotate", "maker")
    listed_again(large)
    large.run("batches", "recall", "out", *AT_ONCE, code=PENDING)
    large.run("keys", "revoke", "maker", "--slot", "0", "--reason", "stolen")
    listed_again(large)
    published = on_log(large)
    _, refused = large.run("batches", "register", "out", *AT_ONCE, code=2)
    assert "slot 0 of maker is revoked" in refused and "--sign-again" in refused
    assert on_log(large) == published
    sign_again(large)
    rebuilt(large)
    assert_stands_under(large, 1)


def test_a_part_that_another_one_displaced_is_counted_and_its_way_out_works(large: Maker) -> None:
    """As a thief of the same key displaces it."""
    first, *_, last = parts(large)
    other = msgspec.structs.replace(first.part, serials=last.part.serials, revision=99)
    publisher = EmbeddedPublisher(large.folder / "data" / "log.sqlite")
    publish_statements(publisher, [], [read_part(sign_part(other, newest_key(large), at=now()))])
    publisher.close()
    drained(large)
    count = read_batch(large.folder / "out").parts
    for words in ((), ("--sign-again",)):
        _, said = large.run("batches", "register", "out", *words, *AT_ONCE, code=PENDING)
        if "not yet taken" in said:  # signed in another second
            drained(large)
            _, said = large.run("batches", "register", "out", *AT_ONCE, code=PENDING)
        assert f"{count - 1} of {count} parts" in said and "keys rotate maker" in said
    large.run("keys", "rotate", "maker")
    listed_again(large)
    sign_again(large)
    assert_stands_under(large, 1)


CHANGED: dict[str, Callable[[list[str]], list[str]]] = {
    "one is another": lambda rows: ["CHANGED2345678AB" + rows[0][16:], *rows[1:]],
    "one is lacking": lambda rows: rows[:-1],
    "one is twice": lambda rows: [*rows[:-1], rows[0]],
}


def change(maker: Maker, how: Callable[[list[str]], list[str]]) -> None:
    path = maker.folder / "out" / "manifest.csv"
    header, *rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join([header, *how(rows)]))


def lose_list(folder: Path) -> None:
    (folder / "serials.jws").unlink()


def make_old(folder: Path) -> None:
    """As version 0.1.0 left it."""
    old = msgspec.structs.replace(read_batch(folder), serial_parts=msgspec.UNSET)
    (folder / "batch.jws").unlink()
    (folder / "batch.json").write_bytes(encode_batch(old) + b"\n")


def test_changed_serials_are_refused_and_change_nothing(large: Maker) -> None:
    folder = large.folder / "out"
    right = (folder / "manifest.csv").read_bytes()
    known, published = on_record(large), on_log(large)
    for harm in (lambda _: None, lose_list, make_old):
        harm(folder)
        for how in CHANGED.values():
            change(large, how)
            before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
            _, refused = large.run(*AGAIN, code=2)
            assert "does not hold the serials" in refused and "restore it" in refused
            after = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
            assert after == before
            assert (on_record(large), on_log(large)) == (known, published)
            (folder / "manifest.csv").write_bytes(right)


def test_the_same_serials_in_another_order_are_the_same(stolen: Maker) -> None:
    change(stolen, lambda rows: rows[::-1])
    (stolen.folder / "out" / "serials.jws").unlink()
    sign_again(stolen)
    assert_stands_under(stolen, 1)


def test_a_list_that_is_not_the_headers_is_not_signed(stolen: Maker) -> None:
    path = stolen.folder / "out" / "serials.jws"
    first, second, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([second, first, *rest]))
    before, published = files(stolen), on_log(stolen)
    assert "does not hold the parts" in stolen.run(*AGAIN, code=2)[1]
    assert (files(stolen), on_log(stolen)) == (before, published)


_DIES = """
import itertools, os, signal
import cli.commands.batches as command
import keys.batch_signing as signing
import producers.issuing.declarations as declarations
import producers.issuing.registration as registration

def dies(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def dies_at(number, work):
    calls = itertools.count(1)
    return lambda *some, **more: dies() if next(calls) == number else work(*some, **more)

registration._PARTS_AT_ONCE = 2
{point}
from cli.main import main
main()
"""
_POINTS = {
    "in the middle of the signing": "signing.sign_part = dies_at(5, signing.sign_part)",
    "with a new list and the old statement": "declarations.keep_statement = dies",
    "before anything is published": "command.register_batches = dies",
    "between two parts": "registration._publish = dies_at(3, registration._publish)",
    "before the header": "registration._publish = dies_at(6, registration._publish)",
    "before it says so": "command.tell_outcome = dies",
}


@pytest.mark.parametrize("point", _POINTS)
def test_killed_at_any_point_the_same_command_again_makes_it_whole(
    stolen: Maker, point: str
) -> None:
    killed = stolen.start_program(
        [sys.executable, "-c", _DIES.format(point=_POINTS[point]), *AGAIN]
    )
    _, said = killed.communicate(timeout=PATIENCE_S)
    assert killed.returncode == -9, said
    check_list(read_batch(stolen.folder / "out"), stolen.folder / "out")
    drained(stolen)  # the engine sees what there is in between
    serials = read_codes(stolen.folder / "out" / "manifest.csv")["serial"].to_pylist()[:500]
    assert asked(stolen, read_batch(stolen.folder / "out"), serials)[0] == {True}
    sign_again(stolen)
    assert_stands_under(stolen, 1)
    leftovers = [path.name for path in (stolen.folder / "out").iterdir() if path.suffix == ".tmp"]
    assert len(leftovers) <= 1
