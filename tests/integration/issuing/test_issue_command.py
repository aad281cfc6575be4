"""`touchstone keys` and `touchstone issue` as a user runs them: real processes, real files."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from authenticity.records.batch_statement import read_statement
from authenticity.trust.trust_list import read_roots, read_trust_list
from authenticity.trust.verdict import Doubt, Doubtful, Genuine
from authenticity.trust.verify import verify
from events.embedded.log import EmbeddedLog
from events.topics import BATCHES
from keys.durable_files import locked
from ledger.opening import migrate
from producers.issuing.manifest import check_manifest, read_codes
from producers.labels.symbols import read_png, read_svg
from tests.support.patience import PATIENCE_S, wait_until

TOUCHSTONE = [str(Path(sys.executable).with_name("touchstone"))]
GTIN = "09521234000013"


class Maker:
    """A folder in which the command is run, and its environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "TOUCHSTONE_PASSPHRASE": "a test passphrase",
            "TOUCHSTONE_DATA": str(folder / "data"),
        }

    def start(self, *words: str, environ: Mapping[str, str] | None = None, **more: Any) -> Any:
        return self.start_program([*TOUCHSTONE, *words], environ=environ, **more)

    def start_program(
        self, command: list[str], *, environ: Mapping[str, str] | None = None, **more: Any
    ) -> Any:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environ if environ is None else environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def run(self, *words: str, code: int = 0, **more: Any) -> tuple[str, str]:
        process = self.start(*words, **more)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code, (process.returncode, out, err)
        assert "Traceback" not in err and "a test passphrase" not in out + err
        return out, err

    def json(self, *words: str, **more: Any) -> Any:
        return json.loads(self.run(*words, "--json", **more)[0])

    def issue(self, out: str, count: int, *words: str, **more: Any) -> Any:
        return self.json(*self.issue_words(out, count), *words, **more)

    def issue_words(self, out: str, count: int) -> list[str]:
        words = f"issue --gtin {GTIN} --count {count} --lot L7 --expiry 2028-12-31 --out {out}"
        return words.split()

    def verdicts(self, out: str) -> list[object]:
        now = datetime.now(UTC)
        roots = read_roots((self.folder / "roots.json").read_bytes())
        trust_list = read_trust_list((self.folder / "trust.jws").read_bytes(), roots, at=now)
        codes = read_codes(self.folder / out / "manifest.csv")["code"].to_pylist()
        return [verify(code, trust_list, now) for code in codes]


def new_maker(folder: Path) -> Maker:
    """With keys, and one issuer."""
    made = Maker(folder)
    made.run("keys", "init")
    made.run(
        *[
            "keys",
            "add-issuer",
            "Maker",
            "--id",
            "maker",
            "--prefix",
            "9521234",
            "--host",
            "id.maker.example",
        ]
    )
    return made


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return new_maker(tmp_path)


def test_issued_codes_are_genuine_under_the_exported_trust_list(maker: Maker) -> None:
    summary = maker.issue("out", 300, "--market", "KR,FR", "--labels", "pdf")
    exported = maker.json(*["keys", "export-trust-list", "--out", "trust.jws"])
    assert exported["version"] == 1
    verdicts = maker.verdicts("out")
    assert len(verdicts) == 300 and all(isinstance(verdict, Genuine) for verdict in verdicts)
    assert set(summary) == {
        "issuer",
        "gtin",
        "lot",
        "count",
        "signed_now",
        "key_slot",
        "batch_id",
        "released",
        "serial_filter",
        "serial_parts",
        "manifest_csv",
        "manifest_parquet",
        "manifest_sha256",
        "labels",
        "seconds",
        "codes_per_second",
        "registration",
        "registration_problem",
    }
    assert maker.json("batches", "manifest", "out")["sound"] is True
    assert maker.json("keys", "check")["sound"] is True
    with pikepdf.open(maker.folder / summary["labels"][0]) as pdf:
        assert len(pdf.pages) == -(-300 // 24)


def test_nothing_is_signed_with_a_key_that_the_exported_list_lacks(maker: Maker) -> None:
    _, warned = maker.run(*maker.issue_words("first", 2))
    assert "no trust list has been exported yet" in warned and "export-trust-list" in warned
    maker.run("keys", "export-trust-list", "--out", "trust.jws")
    assert "warning" not in maker.run(*maker.issue_words("second", 2))[1]
    maker.run("keys", "rotate", "maker")
    _, refused = maker.run(*maker.issue_words("third", 2), code=2)
    assert "lacks the key in slot 1" in refused and "--before-publication" in refused
    assert not (maker.folder / "third").exists()
    _, warned = maker.run(*maker.issue_words("third", 2), "--before-publication")
    assert "lacks the key in slot 1" in warned
    assert [v.doubt for v in maker.verdicts("third") if isinstance(v, Doubtful)] == [
        Doubt.NEWER_KEY
    ] * 2
    maker.run("keys", "export-trust-list", "--out", "trust.jws")
    assert "warning" not in maker.run(*maker.issue_words("fourth", 2))[1]
    maker.run("keys", "revoke", "maker", "--slot", "1", "--reason", "stolen")
    maker.run("keys", "rotate", "maker")
    assert maker.run(*maker.issue_words("fifth", 2), code=2)[1]


def test_batch_and_its_recall_are_on_the_log(maker: Maker) -> None:
    summary = maker.issue("out", 20, "--unreleased")
    maker.run("batches", "release", "out")
    maker.run("batches", "recall", "out")
    log = EmbeddedLog(maker.folder / "data" / "log.sqlite")
    try:
        values = [read_statement(entry.value).batch for entry in log.read(BATCHES, 0, 100)]
    finally:
        log.close()
    assert {batch.batch_id for batch in values} == {summary["batch_id"]}
    assert [(batch.revision, batch.status.value) for batch in values][-1] == (3, "recalled")


def test_p256_issuer_signs_in_its_processes_and_rotation_keeps_old_codes(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    maker.run("keys", "init")
    words = "keys add-issuer M --id m --prefix 9521234 --host id.m.example --algorithm p256"
    maker.run(*words.split())
    assert maker.issue("old", 100)["key_slot"] == 0
    maker.run("keys", "rotate", "m")
    assert maker.issue("new", 100)["key_slot"] == 1
    maker.run(*["keys", "export-trust-list", "--out", "trust.jws"])
    verdicts = maker.verdicts("old") + maker.verdicts("new")
    assert all(isinstance(verdict, Genuine) for verdict in verdicts)


def grows(part: Path, before: int, process: "subprocess.Popen[Any]") -> bool:
    """Wait until the run has signed something more; False if it ended before."""

    def has_grown() -> bool:
        return part.exists() and part.stat().st_size > before

    wait_until(lambda: has_grown() or process.poll() is not None)
    return process.poll() is None


@pytest.mark.slow
def test_a_run_killed_again_and_again_loses_no_code_and_mints_none_twice(maker: Maker) -> None:
    whole = random.Random(7)
    words = [*maker.issue_words("out", 60_000), "--json"]
    part = maker.folder / "out" / "codes.part"
    kept: set[str] = set()
    kills = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        process = maker.start(*words)
        if kills < 6 and grows(part, before, process):
            time.sleep(whole.uniform(0.0, 0.3))  # to be killed at any point of its work
            process.send_signal(signal.SIGKILL)
        out, err = process.communicate(timeout=PATIENCE_S)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, err
        kills += 1
        if part.exists():
            kept |= set(part.read_text().splitlines()[1:-1][:-8_192])
    lines = (maker.folder / "out" / "manifest.csv").read_text().splitlines()[1:]
    assert kills >= 3
    assert len(lines) == 60_000 == len({line.split(",")[0] for line in lines})
    assert kept <= set(lines)
    assert check_manifest(maker.folder / "out")[1] == ()
    assert json.loads(out)["signed_now"] < 60_000


def test_signing_processes_end_when_the_run_is_killed(maker: Maker) -> None:
    process = maker.start(*maker.issue_words("out", 2_000_000))
    part = maker.folder / "out" / "codes.part"
    assert grows(part, 1_000_000, process)
    children = children_of(process.pid)
    assert len(children) >= 2
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    wait_until(lambda: not any(is_alive(child) for child in children))


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_full_disk_is_told_in_words_and_the_run_continues_later(maker: Maker) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))

    words = maker.issue_words("out", 30_000)
    _, err = maker.run(*words, code=3, preexec_fn=small_files)
    assert "cannot write" in err and "it continues" in err
    summary = maker.issue("out", 30_000)
    assert 0 < summary["signed_now"] < 30_000
    assert check_manifest(maker.folder / "out")[1] == ()


def test_a_folder_that_another_run_holds_is_worth_another_try(maker: Maker) -> None:
    (maker.folder / "out").mkdir()
    with locked(maker.folder / "out" / ".lock", "it"):
        _, err = maker.run(*maker.issue_words("out", 5), code=3)
    assert "another process holds the run folder out" in err and "try again" in err
    assert maker.issue("out", 5)["signed_now"] == 5


def test_files_stay_when_the_log_cannot_be_written_and_are_registered_later(maker: Maker) -> None:
    (maker.folder / "nodata").write_text("a file, no folder")
    keys = str(maker.folder / "data" / "keys")
    words = [*maker.issue_words("out", 50), "--data", "nodata", "--keys", keys]
    _, err = maker.run(*words, code=3)
    assert "touchstone batches register out" in err
    assert check_manifest(maker.folder / "out")[1] == ()
    registered = maker.json("batches", "register", "out")
    assert registered["revision"] == 1 and registered["count"] == 50


def test_another_order_for_the_same_folder_is_refused(maker: Maker) -> None:
    maker.issue("out", 10)
    _, err = maker.run(*maker.issue_words("out", 11), code=2)
    assert "count 10 there, 11 now" in err


def test_the_same_command_again_changes_nothing(maker: Maker) -> None:
    first = maker.issue("out", 10)
    again = maker.issue("out", 10)
    assert again["signed_now"] == 0 and again["batch_id"] == first["batch_id"]


def test_a_wrong_passphrase_leaves_nothing_behind(maker: Maker) -> None:
    environ = {**maker.environ, "TOUCHSTONE_PASSPHRASE": "guess-5531"}
    _, err = maker.run(*maker.issue_words("out", 10), code=2, environ=environ)
    assert "does not open with this passphrase" in err and "guess-5531" not in err
    assert not (maker.folder / "out" / "run.json").exists()
    maker.issue("out", 10)


def test_without_a_passphrase_and_a_terminal_the_command_says_what_to_set(maker: Maker) -> None:
    environ = {name: value for name, value in maker.environ.items() if "PASSPHRASE" not in name}
    _, err = maker.run("keys", "rotate", "maker", code=2, environ=environ)
    assert "TOUCHSTONE_PASSPHRASE" in err


def test_a_passphrase_file_must_not_be_readable_by_others(maker: Maker) -> None:
    environ = {name: value for name, value in maker.environ.items() if "PASSPHRASE" not in name}
    file = maker.folder / "pass"
    file.write_text("a test passphrase\n")
    words = [*maker.issue_words("out", 10), "--passphrase-file", "pass"]
    file.chmod(0o644)
    assert "chmod 600" in maker.run(*words, code=2, environ=environ)[1]
    file.chmod(0o600)
    maker.run(*words, environ=environ)


def test_revoked_key_does_not_issue(maker: Maker) -> None:
    maker.run("keys", "revoke", "maker", "--slot", "0", "--reason", "stolen")
    assert "keys rotate maker" in maker.run(*maker.issue_words("out", 10), code=2)[1]


@pytest.mark.parametrize("form", ["png", "svg"])
def test_existing_serials_become_single_symbols(maker: Maker, form: str) -> None:
    (maker.folder / "serials.csv").write_text('serial\nA/1\nB-2\n"C,3"\n')
    words = f"issue --gtin {GTIN} --serials serials.csv --out out --labels {form}".split()
    assert maker.json(*words)["count"] == 3
    table = read_codes(maker.folder / "out" / "manifest.csv")
    assert table["serial"].to_pylist() == ["A/1", "B-2", "C,3"]
    names = [f"A%2F1.{form}", f"B-2.{form}", f"C%2C3.{form}"]
    folder = maker.folder / "out" / f"symbols-{form}"
    assert sorted(path.name for path in folder.iterdir()) == names
    for name, code in zip(names, table["code"].to_pylist(), strict=True):
        content = (folder / name).read_bytes()
        assert (read_png(content) if form == "png" else read_svg(content.decode())) == code


def test_a_label_too_small_is_refused_before_anything_is_minted(maker: Maker) -> None:
    words = [*maker.issue_words("out", 10), "--labels", "pdf", "--label-size", "25x25"]
    assert "--label-size" in maker.run(*words, code=2)[1]
    assert not (maker.folder / "out").exists()


def test_batches_of_the_ledger_are_listed_once_there_is_one(maker: Maker) -> None:
    assert "touchstone up" in maker.run("batches", "list", code=2)[1]
    assert not (maker.folder / "data" / "ledger.sqlite").exists()
    migrate(maker.folder / "data" / "ledger.sqlite")
    assert maker.json("batches", "list") == []
    maker.issue("out", 5, code=3)  # no engine runs that would take it
    assert [batch["count"] for batch in maker.json("batches", "list", "out")] == [5]
    _, err = maker.run("batches", "recall", "maker", "f00", code=2)
    assert "0 batches of maker begin with 'f00'" in err
