"""`touchstone scan` as a process: what it publishes is in the log when it ends."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from authenticity.records.scan import Act, Channel, RefusalGround, Scan, decode_scan, encode_scan
from events.embedded.log import EmbeddedLog
from events.topics import SCANS
from simulation.two_makers import World
from tests.support.patience import PATIENCE_S
from tests.unit.producers.scanner.pictures import file_of, sheet, symbol

WORLD = World()
CODE = WORLD.code()
OTHER = WORLD.code(maker=1)


def run(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "cli.main", "scan", *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, timeout=PATIENCE_S, check=False
    )


def published(data: Path) -> list[Scan]:
    log = EmbeddedLog(data / "log.sqlite")
    try:
        entries = log.read(SCANS, 0, 1_000)
    finally:
        log.close()
    return [decode_scan(entry.value) for entry in entries]


def lines(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_a_code_is_in_the_log_when_the_command_ends(tmp_path: Path) -> None:
    ended = run(CODE, "--data", str(tmp_path), "--place", "51.95,4.14,2", "--country", "NL")
    assert ended.returncode == 0, ended.stderr
    (scan,) = published(tmp_path)
    assert scan.code == CODE
    assert scan.channel is Channel.CONSUMER and not scan.authorised
    assert scan.place is not None and scan.place.country == "NL"


def test_an_officer_detains_everything_in_a_photograph(tmp_path: Path) -> None:
    photograph = tmp_path / "crate.jpg"
    photograph.write_bytes(file_of(sheet(symbol(CODE), symbol(OTHER)), "JPEG"))
    options = ["--channel", "customs", "--publisher", "rotterdam-3", "--act", "detain"]
    options += ["--refused-for", "storage-conditions"]
    options += ["--at", "2026-11-23T10:00:00+01:00", "--data", str(tmp_path / "data")]
    ended = run(str(photograph), *options)
    assert ended.returncode == 0, ended.stderr
    scans = published(tmp_path / "data")
    assert [scan.code for scan in scans] == [CODE, OTHER]
    for scan in scans:
        assert (scan.publisher, scan.act, scan.authorised) == ("rotterdam-3", Act.DETAIN, True)
        assert scan.refused_for is RefusalGround.STORAGE_CONDITIONS
        assert scan.captured_at.isoformat() == "2026-11-23T09:00:00+00:00"
    assert scans[0].session == scans[1].session
    assert scans[0].scan_id != scans[1].scan_id


def test_recorded_scans_are_published_as_they_are(tmp_path: Path) -> None:
    recorded = [WORLD.scan(CODE, minutes=n) for n in range(1_200)]
    file = tmp_path / "scans.ndjson"
    file.write_bytes(b"".join(encode_scan(scan) + b"\n" for scan in recorded))
    ended = run(str(file), "--data", str(tmp_path / "data"))
    assert ended.returncode == 0, ended.stderr
    assert published(tmp_path / "data") == recorded[:1_000]
    assert b"1,200 published" in ended.stderr


def test_a_bad_line_is_refused_and_everything_else_published(tmp_path: Path) -> None:
    good = encode_scan(WORLD.scan(CODE))
    text = good + b'\n{"v":1}\n' + OTHER.encode() + b"\n"
    ended = run("-", "--data", str(tmp_path), "--json", stdin=text)
    assert ended.returncode == 1
    answers = lines(ended.stdout)
    assert [answer["published"] for answer in answers] == [True, False, True]
    assert answers[1]["origin"] == "stdin:2"
    assert answers[1]["error"] and answers[1]["next_step"]
    assert [scan.code for scan in published(tmp_path)] == [CODE, OTHER]


def test_each_code_is_checked_under_a_given_trust_list(tmp_path: Path) -> None:
    (tmp_path / "list.trust.json").write_bytes(WORLD.trust_document)
    (tmp_path / "list.roots.json").write_bytes(WORLD.roots_document)
    given = ["--trust-list", str(tmp_path / "list.trust.json"), "--data", str(tmp_path / "data")]
    at = ["--at", WORLD.now.isoformat(), "--json"]
    codes = [CODE, WORLD.forged_code(), WORLD.unsigned_code(), "hello"]
    ended = run(*codes, *given, *at)
    assert ended.returncode == 0, ended.stderr
    answers = lines(ended.stdout)
    assert [answer["doubt"] for answer in answers] == [None, "forged", "unsigned", "unreadable"]
    assert answers[0]["verdict"] == "Genuine"
    assert answers[0]["item"] == msgspec.convert(answers[0]["item"], str)


def test_wrong_use_is_told_with_a_next_step_and_nothing_is_published(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    for wrong in (
        [CODE, "--act", "detain"],
        [CODE, "--act", "sell", "--channel", "retail", "--refused-for", "documents"],
        [CODE, "--channel", "customs", "--refused-for", "documents"],
        [CODE, "--act", "detain", "--channel", "customs", "--api", "http://127.0.0.1:9"],
        [CODE, "--channel", "customs", "--api", "http://127.0.0.1:9"],
        [CODE, "--at", "2026-11-23T10:00:00"],
        [CODE, "--place", "91,0"],
        [CODE, "--country", "KR"],
        ["missing.png"],
        [CODE, "--api", "http://verify.example", "--token", "secret"],
    ):
        ended = run(*wrong, *data)
        assert ended.returncode == 2, wrong
        assert b"next:" in ended.stderr
        assert b"secret" not in ended.stderr
    assert not (tmp_path / "data").exists() or published(tmp_path / "data") == []


def test_a_service_that_cannot_be_reached_is_exit_code_3(tmp_path: Path) -> None:
    ended = run(CODE, "--api", "http://127.0.0.1:9")
    assert ended.returncode == 3
    assert b"next:" in ended.stderr
