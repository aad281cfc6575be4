"""What 0.1.0 stored is read by the code of today, and leads to the same bytes.

The files, and how 0.1.0 made them: tests/fixtures/v0.1.0/README.md. A failure here is no
reason to change them: it means that installations cannot be upgraded.

What 0.1.0 concluded from scans of strangers is concluded otherwise today, by decision 11, and
no scan of that time says which network it came from. Everything else of a line must be as it
was, and so must every alert that rests on the maker's statements and on known scanners.
"""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from authenticity.detection.findings import PER_BATCH, FindingKind
from authenticity.records.serial_filter import filter_of
from producers.issuing.declarations import read_batch, read_folder
from tests.integration.upgrade.conftest import PASSPHRASE, Left, asked, free_port

ROOTS = "trust/roots.json"
READ_AT = "2026-06-02T09:00:00Z"
CONCLUDED = ("standing", "findings", "scans", "first", "last")
"""Of an item, from its history. The times are those of arrival today, where strangers scanned:
0.1.0 believed theirs."""
FROM_STRANGERS = frozenset(
    ("campaign", "clone-suspected", "diverted", "forged", "poisoning", "unsigned")
)


def read_rows(parquet: Path) -> list[str]:
    """The serials of a manifest."""
    serials: list[str] = pq.read_table(parquet)["serial"].to_pylist()
    return serials


def read(exported: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported.splitlines()]


def standings(exported: bytes) -> list[dict[str, Any]]:
    """Of each item, without what is concluded from strangers."""
    return [
        {name: value for name, value in line.items() if name not in CONCLUDED}
        for line in read(exported)
        if line["type"] == "standing"
    ]


def alerts(exported: bytes, *, but: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    return [line for line in read(exported) if line["type"] == "alert" and line["kind"] not in but]


def told_of_packs(exported: bytes) -> list[dict[str, Any]]:
    """Alerts about packs, of kinds that are alerted about their batch today."""
    found = alerts(exported, but=frozenset(FindingKind) - PER_BATCH)
    return [alert for alert in found if "/21/" in alert["item"]]


def test_the_old_ledger_exports_the_same_items_and_alerts_once_it_is_migrated(left: Left) -> None:
    left.run("migrate", "--data", "data")
    exported, expected = left.run("export", "--data", "data").stdout, "state-as-it-stands.ndjson"
    assert standings(exported) == standings(left.expected(expected))
    assert alerts(exported) == alerts(left.expected(expected))


def test_the_engine_goes_on_with_the_old_log_to_the_recorded_end(left: Left) -> None:
    left.run("migrate", "--data", "data")
    final = left.expected("final-state.ndjson")
    assert told_of_packs(left.run("export", "--data", "data").stdout)
    with left.up("--no-api"):
        left.wait_until_exported(standings(final), standings)
        left.wait_until_exported([], told_of_packs)
        exported = left.run("export", "--data", "data").stdout
    assert alerts(exported, but=FROM_STRANGERS) == alerts(final, but=FROM_STRANGERS)
    assert left.run("dead-letters", "list", "--data", "data", "--json").stdout == b""


def test_tokens_and_batches_of_the_old_ledger_are_listed_the_same(left: Left) -> None:
    for command in ("tokens", "batches"):
        listed = left.run(command, "list", "--data", "data", "--json").stdout
        assert listed == left.expected(f"{command}.json")


def test_an_old_token_still_opens_the_case_that_was_closed(left: Left) -> None:
    closed = left.expected_json("closed-case.json")
    token = json.loads((left.folder / "tokens.json").read_bytes())["officer"]
    port = free_port()
    with left.up("--port", str(port)):
        case = asked(port, f"/v1/alerts/{closed['alert']['id']}", token)
    assert (case["case"], case["steps"]) == ("closed", closed["steps"])
    assert case["raised_at"] == closed["raised_at"]


def test_the_old_scans_replay_to_the_same_items_and_alerts(left: Left) -> None:
    replayed = left.run(
        "replay", "scans/scans.ndjson", "--trust-list", "scans/scans.trust.json",
        "--batches", "scans/batches.ndjson", "--policy", "data/policy.toml",
    ).stdout  # fmt: skip
    final = left.expected("final-state.ndjson")
    assert standings(replayed) == standings(final)
    assert alerts(replayed, but=FROM_STRANGERS) == alerts(final, but=FROM_STRANGERS)


def test_old_codes_get_the_same_verdicts_by_the_old_trust_list(left: Left) -> None:
    codes = (left.folder / "trust" / "codes.txt").read_bytes()
    told = left.run(
        "verify", "-", "--trust-list", "trust/trust.jws", "--at", READ_AT, "--json",
        stdin=codes, code=1,
    ).stdout  # fmt: skip
    expected = read(left.expected("verdicts.ndjson"))
    for line in expected:
        if line["doubt"] == "key-revoked":
            line["key_slot"] = 0  # 0.1.0 did not tell it
    assert read(told) == expected


def test_the_old_key_store_is_listed_the_same(left: Left) -> None:
    listed = left.run("keys", "list", "--keys", "keys", "--json").stdout
    assert listed == left.expected("keys.json")


def test_every_key_of_the_old_store_opens_with_its_passphrase(left: Left) -> None:
    checked = left.run(
        "keys", "check", "--keys", "keys", "--json", TOUCHSTONE_PASSPHRASE=PASSPHRASE
    ).stdout
    assert checked == left.expected("keys-check.json")


def test_a_new_code_by_an_old_key_is_genuine_by_the_old_trust_list(left: Left) -> None:
    order = ("--gtin", "09520123456788", "--lot", "L8", "--count", "2", "--out", "new-run")
    left.run(
        "issue", *order, "--keys", "keys", "--data", "issuing", TOUCHSTONE_PASSPHRASE=PASSPHRASE
    )
    _, line, _ = (left.folder / "new-run" / "manifest.csv").read_text().splitlines()
    code = line.partition(",")[2]
    verdict = left.json("verify", code, "--trust-list", "trust/trust.jws", "--roots", ROOTS)
    assert (verdict["verdict"], verdict["key_slot"]) == ("Genuine", 1)


def test_the_old_root_keys_sign_a_next_trust_list_that_old_roots_vouch_for(left: Left) -> None:
    left.run(
        "keys", "export-trust-list", "--keys", "keys", "--out", "next.jws",
        TOUCHSTONE_PASSPHRASE=PASSPHRASE,
    )  # fmt: skip
    code = (left.folder / "trust" / "codes.txt").read_text().splitlines()[0]
    verdict = left.json("verify", code, "--trust-list", "next.jws", "--roots", ROOTS)
    assert (verdict["verdict"], verdict["trust_list_version"]) == ("Genuine", 2)


def test_an_old_run_is_sound_and_its_batch_reads_the_same(left: Left) -> None:
    examined = left.run("batches", "manifest", "run", "--json").stdout
    assert examined == left.expected("manifest.json")
    listed = left.run("batches", "list", "run", "--json").stdout
    assert listed == left.expected("run-batches.json")


def test_the_order_of_an_old_run_given_again_signs_nothing_anew(left: Left) -> None:
    manifest = (left.folder / "run" / "manifest.csv").read_bytes()
    issued = left.json(
        "issue", "--gtin", "09520123456788", "--lot", "L7", "--expiry", "281231",
        "--market", "KR,FR", "--count", "25", "--out", "run", "--keys", "keys",
        "--data", "issuing", TOUCHSTONE_PASSPHRASE=PASSPHRASE,
    )  # fmt: skip
    assert (issued["count"], issued["signed_now"]) == (25, 0)
    assert (left.folder / "run" / "manifest.csv").read_bytes() == manifest


WORDS = {
    "register": ("batches", "register", "run"),
    "recall": ("batches", "recall", "run"),
    "issue": ("issue", "--gtin", "09520123456788", "--lot", "L7", "--expiry", "281231",
              "--market", "KR,FR", "--count", "25", "--out", "run"),
}  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_what_is_signed_of_an_old_run_has_an_exact_list_made_of_its_manifest(
    left: Left, word: str
) -> None:
    run = left.folder / "run"
    if word != "issue":
        (run / "manifest.csv").unlink()  # the other one tells the serials too
    old = read_batch(run)
    left.run(*WORDS[word], "--keys", "keys", "--data", "issuing", TOUCHSTONE_PASSPHRASE=PASSPHRASE)
    signed = read_folder(run)
    serials = read_rows(run / "manifest.parquet")
    assert (old.has_exact_list, signed.batch.has_exact_list, signed.is_signed) == (
        False, True, True,
    )  # fmt: skip
    assert signed.batch.serials == filter_of(serials)


def test_without_a_manifest_an_old_run_is_not_registered_and_says_why(left: Left) -> None:
    run = left.folder / "run"
    for name in ("manifest.csv", "manifest.parquet"):
        (run / name).unlink()
    words = (*WORDS["register"], "--keys", "keys", "--data", "issuing", "--unchecked-serials")
    said = left.run(*words, code=2, TOUCHSTONE_PASSPHRASE=PASSPHRASE).stderr.decode()
    assert "10 bits a serial" in said and "without its manifest" in said
    assert not (run / "batch.jws").exists() and not (left.folder / "issuing").exists()


def test_the_old_dump_of_the_database_restores_and_exports_the_same_items_and_alerts(
    left: Left, restored: str
) -> None:
    left.run("migrate", TOUCHSTONE_LEDGER=restored)
    exported = left.run("export", "--policy", "data/policy.toml", TOUCHSTONE_LEDGER=restored).stdout
    assert standings(exported) == standings(left.expected("final-state.ndjson"))
    assert alerts(exported) == alerts(left.expected("final-state.ndjson"))
    listed = left.run("tokens", "list", "--json", TOUCHSTONE_LEDGER=restored).stdout
    assert listed == left.expected("tokens-postgres.json")
