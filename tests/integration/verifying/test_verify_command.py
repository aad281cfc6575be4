"""`touchstone verify` as a process: offline, by pinned roots alone."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from simulation.two_makers import World
from tests.support.patience import PATIENCE_S
from tests.vectors import make_verdicts

WORLD = World()
AT = WORLD.now.isoformat()
KEYS = {
    "verdict",
    "doubt",
    "item",
    "issuer",
    "issuer_name",
    "lot",
    "expiry",
    "notes",
    "detail",
    "offset",
    "key_slot",
    "provisional",
    "revoked_at",
    "at",
    "trust_list_version",
}


def verify(
    *arguments: str, stdin: bytes = b"", roots: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name != "TOUCHSTONE_ROOTS"}
    if roots:
        environment["TOUCHSTONE_ROOTS"] = str(roots)
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "verify", *arguments],
        input=stdin,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
        env=environment | {"COLUMNS": "200", "NO_COLOR": "1"},
    )


@pytest.fixture
def listed(tmp_path: Path) -> str:
    """A trust list with its roots beside it."""
    (tmp_path / "scans.trust.json").write_bytes(WORLD.trust_document)
    (tmp_path / "scans.roots.json").write_bytes(WORLD.roots_document)
    return str(tmp_path / "scans.trust.json")


def test_a_genuine_code_ends_with_0_and_a_sentence(listed: str) -> None:
    ended = verify(WORLD.code("A1"), "--trust-list", listed, "--at", AT)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.decode().startswith("Genuine code from Alpine Tea: https://id.gs1.org/01/")
    assert not ended.stderr


def test_a_doubtful_code_ends_with_1_and_its_reason(listed: str) -> None:
    ended = verify(WORLD.forged_code("A1"), "--trust-list", listed, "--at", AT)
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout.decode() == "Doubtful, forged: no key of Alpine Tea made this signature.\n"


def test_json_always_has_the_same_keys(listed: str) -> None:
    texts = [
        WORLD.code("A1"),
        WORLD.forged_code("A1"),
        WORLD.unsigned_code("A1"),
        "hello",
        "\udcff",
    ]
    stdin = "\n".join(texts).encode("utf-8", "surrogateescape")
    ended = verify("-", "--trust-list", listed, "--at", AT, stdin=stdin)
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 1, ended.stderr
    assert [answer["doubt"] for answer in answers] == [
        None,
        "forged",
        "unsigned",
        "unreadable",
        "unreadable",
    ]
    assert all(answer.keys() == KEYS for answer in answers)
    first = answers[0]
    assert first["verdict"] == "Genuine"
    assert first["item"] == WORLD.item("A1")
    assert (first["issuer"], first["lot"], first["trust_list_version"]) == ("alpine", "L1", 1)
    assert answers[3]["offset"] == 0


def test_only_genuine_lines_end_with_0_and_an_endless_line_is_one_answer(listed: str) -> None:
    good = verify(
        "-", "--trust-list", listed, "--at", AT, stdin=WORLD.code("A1").encode() + b"\r\n"
    )
    assert good.returncode == 0, good.stderr
    ended = verify("-", "--trust-list", listed, stdin=b"x" * 3_000_000 + b"\n")
    (line,) = ended.stdout.splitlines()
    assert json.loads(line)["doubt"] == "unreadable"


def test_every_vector_comes_out_of_the_process_too(tmp_path: Path) -> None:
    content = json.loads(make_verdicts.FILE.read_text())
    (tmp_path / "list.jws").write_text(json.dumps(content["trust_list"]))
    (tmp_path / "roots.json").write_text(json.dumps(content["roots"]))
    noon = [case for case in content["cases"] if case["at"] == make_verdicts.NOON.isoformat()]
    lines = [case["code"].encode() for case in noon]
    arguments = ("-", "--trust-list", str(tmp_path / "list.jws"), "--at", noon[0]["at"])
    ended = verify(*arguments, stdin=b"\n".join(lines) + b"\n")
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    for case, answer in zip(noon, answers, strict=True):
        expected = {name: case["expect"][name] for name in ("verdict", "doubt", "notes")}
        assert {name: answer[name] for name in expected} == expected, case["name"]


def test_time_decides_and_may_be_given_in_any_offset(listed: str) -> None:
    late = WORLD.trust_list.expires_at + timedelta(days=14)
    for at, code in ((late, 0), (late + timedelta(seconds=1), 1)):
        text = at.isoformat().replace("+00:00", "Z")
        arguments = ("--trust-list", listed, "--at", text, "--json")
        ended = verify(WORLD.code(expiry=None), *arguments)
        answer = json.loads(ended.stdout)
        assert (ended.returncode, answer["provisional"]) == (code, not code)
        assert answer["doubt"] == ("stale-trust-list" if code else None)


def test_the_roots_are_found_beside_named_or_in_the_environment(tmp_path: Path) -> None:
    lists, elsewhere = tmp_path / "lists", tmp_path / "elsewhere"
    lists.mkdir()
    elsewhere.mkdir()
    trust, pinned = lists / "trust-list.jws", elsewhere / "pinned.json"
    trust.write_bytes(WORLD.trust_document)
    pinned.write_bytes(WORLD.roots_document)
    arguments = (WORLD.code(), "--trust-list", str(trust), "--at", AT)
    unpinned = verify(*arguments)
    assert unpinned.returncode == 2
    assert b"--roots FILE" in unpinned.stderr
    assert verify(*arguments, "--roots", str(pinned)).returncode == 0
    assert verify(*arguments, roots=pinned).returncode == 0
    (lists / "roots.json").write_bytes(WORLD.roots_document)
    assert verify(*arguments).returncode == 0
    other = World(seed=2).roots_document
    (lists / "trust-list.roots.json").write_bytes(other)  # the nearest name comes first
    refused = verify(*arguments)
    assert refused.returncode == 2
    assert b"0 of the pinned root keys" in refused.stderr
    assert verify(*arguments, "--roots", str(pinned)).returncode == 0


def test_a_bare_payload_is_no_trust_list(tmp_path: Path, listed: str) -> None:
    from authenticity.trust.trust_list import encode_payload

    bare = tmp_path / "bare.json"
    bare.write_bytes(encode_payload(WORLD.trust_list))
    roots = str(tmp_path / "scans.roots.json")
    ended = verify(WORLD.code(), "--trust-list", str(bare), "--roots", roots)
    assert ended.returncode == 2
    assert ended.stderr.startswith(b"error:")
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "at", ["yesterday", "2026-11-24T09:00:00", "", "0001-01-01T00:00:00+14:00"]
)
def test_a_time_without_an_offset_or_meaning_is_wrong_use(listed: str, at: str) -> None:
    ended = verify(WORLD.code(), "--trust-list", listed, "--at", at)
    assert ended.returncode == 2
    assert b"2026-11-24T09:00:00Z" in ended.stderr


def test_a_missing_trust_list_is_wrong_use_with_a_next_step(tmp_path: Path) -> None:
    ended = verify(WORLD.code(), "--trust-list", str(tmp_path / "none.jws"))
    assert ended.returncode == 2
    assert b"export-trust-list" in ended.stderr
