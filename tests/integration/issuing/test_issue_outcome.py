"""What `touchstone issue` says of its batch is what the engine holds."""

from shutil import copytree

import pytest

from ledger.administration import LedgerAdministration
from tests.integration.issuing.test_declared_batches import (
    AT_ONCE,
    PENDING,
    known,
    running,
)
from tests.integration.issuing.test_issue_command import Maker, maker
from tests.integration.issuing.test_large_batch import drained

__all__ = ["known", "maker"]

SOON = ("--wait", "120")


def registered(maker: Maker) -> set[str]:
    """The ids of the batches that the ledger holds."""
    administration = LedgerAdministration(maker.folder / "data" / "ledger.sqlite")
    try:
        return {batch.batch_id for batch in administration.batches()}
    finally:
        administration.close()


def refused(maker: Maker, out: str, *words: str) -> str:
    """Before anything is signed."""
    _, said = maker.run(*maker.issue_words(out, 2), *words, code=2)
    assert not (maker.folder / out).exists()
    return said


def test_with_an_engine_that_runs_registered_means_that_the_engine_holds_it(known: Maker) -> None:
    with running(known):
        issued = known.issue("second", 3, *SOON)
        assert issued["registration"] == "registered" and issued["registration_problem"] is None
        assert issued["batch_id"] in registered(known)
        known.run("keys", "rotate", "maker")
        known.run("keys", "export-trust-list", "--out", "trust.jws")
        said = refused(known, "third", *AT_ONCE)
        assert "trust list 1 lacks the key in slot 1" in said and "trust publish" in said
        early = known.issue("third", 2, *SOON, "--before-publication", code=2)
        assert early["registration"] == "refused"
        assert "maker/1 is not on the trust list in force" in early["registration_problem"]
        assert early["batch_id"] not in registered(known)
        known.run("trust", "publish", "trust.jws")
        again = known.issue("third", 2, *SOON)
        assert (again["registration"], again["batch_id"]) == ("registered", early["batch_id"])
        assert again["batch_id"] in registered(known)


def test_without_an_engine_it_is_not_called_registered(known: Maker) -> None:
    said, why = known.run(*known.issue_words("second", 2), *AT_ONCE, code=PENDING)
    assert ", not yet registered, released" in said
    assert "not yet taken by the engine" in why and "touchstone batches register second" in why
    drained(known)
    assert known.issue("second", 2, *AT_ONCE)["registration"] == "registered"


def test_a_list_of_somebody_elses_in_force_decides_not_the_one_exported_here(known: Maker) -> None:
    copytree(known.folder / "data" / "keys", known.folder / "theirs")
    for keys in ("theirs", "data/keys"):
        known.run("keys", "rotate", "maker", "--keys", keys)
        known.run("keys", "export-trust-list", "--out", f"{keys}.jws", "--keys", keys)
    known.run("keys", "export-trust-list", "--out", "theirs.jws", "--keys", "theirs")
    known.run("trust", "publish", "theirs.jws")
    drained(known)
    assert "trust list 3 lacks the key in slot 1" in refused(known, "second", *AT_ONCE)


def test_a_batch_that_was_recalled_since_is_not_called_registered_as_it_was(known: Maker) -> None:
    copytree(known.folder / "out", known.folder / "copy")
    known.run("batches", "recall", "out", *AT_ONCE, code=PENDING)
    drained(known)
    said, why = known.run(*known.issue_words("copy", 5), *AT_ONCE)
    assert "stated otherwise since" in said and "(recalled)" in why


@pytest.mark.parametrize("listed", [False, True])
def test_without_a_ledger_it_says_that_nobody_can_see(maker: Maker, listed: bool) -> None:
    if listed:
        maker.run("keys", "export-trust-list", "--out", "trust.jws")
    said, warned = maker.run(*maker.issue_words("out", 2))
    assert "published; whether the engine takes it cannot be seen" in said
    assert ("warning" in warned) == (not listed)
