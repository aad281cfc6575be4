"""What a maker declares of a batch stands with the engine, or the command says that it does not."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile, copytree

import pytest
from msgspec.structs import replace

from authenticity.records.batch import Batch, BatchStatus, encode_batch
from authenticity.records.batch_statement import BatchStatement
from authenticity.records.issuer_jws import REVISIONS_SINCE
from events.embedded.publisher import EmbeddedPublisher
from keys.batch_signing import sign_batch
from keys.store import KeyStore
from ledger.administration import LedgerAdministration
from producers.issuing.declarations import keep_statement, read_batch, read_folder
from producers.issuing.registration import publish_statements
from tests.integration.issuing.test_issue_command import Maker, maker
from tests.integration.issuing.test_large_batch import drained

__all__ = ["maker"]

AT_ONCE = ("--wait", "0")
PENDING = 3


@pytest.fixture
def known(maker: Maker) -> Maker:
    """Its list is published, its batch of the folder `out` registered, and no engine runs."""
    maker.run("keys", "export-trust-list", "--out", "trust.jws")
    copyfile(maker.folder / "roots.json", maker.folder / "data" / "roots.json")
    maker.run("trust", "publish", "trust.jws")
    maker.issue("out", 5)
    drained(maker)
    return maker


def listed_again(maker: Maker) -> None:
    maker.run("keys", "export-trust-list", "--out", "trust.jws")
    maker.run("trust", "publish", "trust.jws")
    drained(maker)


def stands(maker: Maker) -> Batch:
    """What the ledger holds of the only batch."""
    administration = LedgerAdministration(maker.folder / "data" / "ledger.sqlite")
    try:
        [batch] = administration.batches()
        return batch
    finally:
        administration.close()


def declare(maker: Maker, word: str, *target: str) -> str:
    """Without an engine, which takes it afterwards."""
    _, said = maker.run("batches", word, *target, *AT_ONCE, code=PENDING)
    assert "not yet taken by the engine" in said and f"touchstone batches {word}" in said
    drained(maker)
    return said


def signed_by(maker: Maker, batch: Batch, at: datetime) -> BatchStatement:
    """With the newest key, whoever holds it."""
    store = KeyStore(maker.folder / "data" / "keys")
    file = store.key_file("maker", passphrase=b"a test passphrase", at=datetime.now(UTC))
    return sign_batch(batch, file.open(), at=at)


def publish(maker: Maker, statement: BatchStatement) -> None:
    publisher = EmbeddedPublisher(maker.folder / "data" / "log.sqlite")
    publish_statements(publisher, [statement])
    publisher.close()
    drained(maker)


@contextmanager
def running(maker: Maker) -> Iterator[None]:
    engine = maker.start("up", "--no-api", environ=without_passphrase(maker))
    try:
        yield
    finally:
        engine.terminate()
        engine.communicate()


def without_passphrase(maker: Maker) -> dict[str, str]:
    return {name: value for name, value in maker.environ.items() if "PASSPHRASE" not in name}


def test_with_an_engine_that_runs_success_means_that_it_stands(known: Maker) -> None:
    with running(known):
        said = known.json("batches", "recall", "out", "--wait", "120")
        assert stands(known) == read_batch(known.folder / "out")
        assert (said["status"], said["revision"]) == ("recalled", 2)
        assert "recalled already" in known.run("batches", "recall", "out", code=2)[1]
        known.run("keys", "rotate", "maker")
        words = ("batches", "release", "out", "--before-publication", "--wait", "120")
        _, refused = known.run(*words, code=2)
        assert "the engine refused" in refused and "maker/1 is not on the trust list" in refused
        assert "(next:" not in refused and "next:  then" not in refused
        assert "then the batch again; then: touchstone batches release out" in refused
    assert stands(known).status is BatchStatus.RECALLED


@pytest.mark.parametrize("word", ["recall", "stolen", "release", "register"])
def test_a_key_that_is_not_on_the_list_in_force_declares_nothing(known: Maker, word: str) -> None:
    if word == "release":
        declare(known, "recall", "out")
    before, files = stands(known), read_folder(known.folder / "out")
    known.run("keys", "rotate", "maker")
    words = ["batches", word, "out", *(["--sign-again"] if word == "register" else [])]
    _, refused = known.run(*words, *AT_ONCE, code=2)
    assert "maker/1 is not on the trust list in force" in refused
    assert "publish the trust list" in refused and "--before-publication" in refused
    drained(known)
    assert (stands(known), read_folder(known.folder / "out")) == (before, files)
    listed_again(known)
    known.run(*words, *AT_ONCE, code=PENDING)
    drained(known)
    assert stands(known) == read_batch(known.folder / "out")


def test_what_was_published_before_its_list_is_declared_again_not_called_done(
    known: Maker,
) -> None:
    known.run("keys", "rotate", "maker")
    words = ("batches", "recall", "out", *AT_ONCE)
    _, warned = known.run(*words, "--before-publication", code=PENDING)
    assert "would not take this" in warned
    drained(known)
    assert stands(known).status is BatchStatus.NORMAL
    listed_again(known)
    declare(known, "recall", "out")
    assert stands(known).status is BatchStatus.RECALLED


def test_a_folder_behind_the_ledger_recalls_all_the_same(known: Maker) -> None:
    copytree(known.folder / "out", known.folder / "copy")
    batch = stands(known)
    for word in ("recall", "release", "stolen", "release"):
        declare(known, word, "maker", batch.batch_id)
    assert (stands(known).status, stands(known).revision) == (BatchStatus.NORMAL, 5)
    declare(known, "recall", "copy")
    assert (stands(known).status, stands(known).revision) == (BatchStatus.RECALLED, 6)
    assert stands(known) == read_batch(known.folder / "copy")


def test_a_folder_that_says_more_than_the_engine_took_is_no_reason_to_do_nothing(
    known: Maker,
) -> None:
    declare(known, "stolen", "out")
    lost = replace(stands(known), status=BatchStatus.NORMAL, revision=9)
    keep_statement(known.folder / "out", signed_by(known, lost, datetime.now(UTC)))
    declare(known, "release", "out")
    assert (stands(known).status, stands(known).revision) == (BatchStatus.NORMAL, 10)
    assert "released since" in known.run("batches", "release", "out", *AT_ONCE, code=2)[1]


def test_registering_an_old_copy_says_what_stands_instead(known: Maker) -> None:
    copytree(known.folder / "out", known.folder / "copy")
    declare(known, "recall", "out")
    shown, warned = known.run("batches", "register", "copy", *AT_ONCE)
    assert "recalled" in shown and "is unchanged: the engine holds revision 2" in warned
    assert stands(known).status is BatchStatus.RECALLED


@pytest.mark.parametrize("by_id", [True, False])
def test_no_revision_of_a_stolen_key_keeps_the_makers_command_from_standing(
    known: Maker, by_id: bool
) -> None:
    batch, at = stands(known), datetime.now(UTC) + timedelta(minutes=4)
    largest = int(at.timestamp()) - REVISIONS_SINCE
    hostile = replace(batch, revision=largest, status=BatchStatus.STOLEN)
    publish(known, signed_by(known, hostile, at))
    assert stands(known).status is BatchStatus.STOLEN
    known.run("keys", "revoke", "maker", "--slot", "0", "--reason", "stolen")
    known.run("keys", "rotate", "maker")
    listed_again(known)
    declare(known, "release", *(("maker", batch.batch_id) if by_id else ("out",)))
    assert (stands(known).status, stands(known).revision) == (BatchStatus.NORMAL, 1)


@pytest.mark.parametrize("batch_id", ["../../../../../victim/x", "/victim", "lot 7/2026"])
def test_a_folder_from_elsewhere_changes_no_record_unless_the_engine_takes_it(
    known: Maker, batch_id: str
) -> None:
    copytree(known.folder / "out", known.folder / "theirs")
    hostile = replace(stands(known), batch_id=batch_id, lot="L9")
    (known.folder / "theirs" / "batch.jws").unlink()
    (known.folder / "theirs" / "batch.json").write_bytes(encode_batch(hostile))
    keys = known.folder / "data" / "keys"
    before = {path for path in known.folder.rglob("*") if path.suffix == ".digests"}
    for listed in (False, True):
        if listed:
            shutil.rmtree(keys / "issued" / hostile.gtin)  # else its serials are the other run's
            (known.folder / "victim").mkdir()
            listed_again(known)
        else:
            known.run("keys", "rotate", "maker")
        words = ("batches", "register", "theirs", *AT_ONCE)
        known.run(*words, code=PENDING if listed else 2)
        after = {path for path in known.folder.rglob("*") if path.suffix == ".digests"}
        assert listed or after == before
        assert {path.parent for path in after} == {keys / "issued" / hostile.gtin}
    assert not list((known.folder / "victim").iterdir())
    assert known.run("batches", "register", "theirs", *AT_ONCE, code=PENDING)


def test_a_revision_dated_ahead_names_the_minute_from_which_on_the_same_key_may_state(
    known: Maker,
) -> None:
    at = datetime.now(UTC) + timedelta(minutes=4)
    hostile = replace(stands(known), revision=int(at.timestamp()) - REVISIONS_SINCE)
    publish(known, signed_by(known, hostile, at))
    free = at + timedelta(seconds=1)
    for words in (("recall", "out"), ("recall", "maker", hostile.batch_id)):
        _, refused = known.run("batches", *words, *AT_ONCE, code=2)
        assert f"before {free:%F %T} UTC" in refused and "wait until then" in refused
        assert "keys rotate maker" in refused and "--before-publication" not in refused


@pytest.mark.parametrize("anyway", [(), ("--before-publication",)])
def test_what_no_list_would_help_is_not_offered_to_be_published_all_the_same(
    known: Maker, anyway: tuple[str, ...]
) -> None:
    unlisted = replace(stands(known), serials=None, status=BatchStatus.STOLEN, revision=2)
    publish(known, signed_by(known, unlisted, datetime.now(UTC)))
    words = ("batches", "release", "maker", unlisted.batch_id, *AT_ONCE, *anyway)
    _, refused = known.run(*words, code=2)
    assert "does not say which serials" in refused and "batches register DIR" in refused
    assert "--before-publication" not in refused
    declare(known, "release", "out")


def test_a_file_of_something_else_says_what_to_name(known: Maker) -> None:
    (known.folder / "words.txt").write_text("hello\n")
    _, refused = known.run("batches", "register", "words.txt", *AT_ONCE, code=2)
    assert "words.txt line 1" in refused and "name the folder of a run" in refused
    assert "unpack" not in refused


def test_without_a_ledger_the_command_says_that_nobody_confirmed_it(
    maker: Maker, tmp_path: Path
) -> None:
    maker.run("keys", "export-trust-list", "--out", "trust.jws")
    maker.issue("out", 5)
    for revision in (2, 3):  # nobody knows whether the first one was taken
        said = maker.run("batches", "recall", "out")
        assert f"revision {revision}" in said[0] and "cannot be seen from here" in said[1]


def test_a_batch_is_withdrawn_by_its_id_and_brought_back(known: Maker) -> None:
    batch = stands(known)
    declare(known, "withdraw", "maker", batch.batch_id)
    assert (stands(known).status, stands(known).revision) == (BatchStatus.WITHDRAWN, 2)
    said = known.run("batches", "withdraw", "maker", batch.batch_id, *AT_ONCE, code=2)[1]
    assert "is withdrawn already" in said
    declare(known, "release", "out")
    assert stands(known) == read_batch(known.folder / "out")
