"""`touchstone demo` as a process: it catches what it launches, and leaves nothing behind."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from demo.service import choose_port
from tests.support.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.slow


@contextmanager
def demo(tmp_path: Path, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """A demonstration whose temporary folder lies in `tmp_path`; stopped at the end."""
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    port = str(choose_port(None, preferred=0))  # others may test here at the same time
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "demo", "--port", port, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(process: "subprocess.Popen[str]", words: str) -> str:
    """The first line that these words, a regular expression, are found in."""
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(words, line):
            return line
    raise AssertionError(f"the demonstration ended without {words!r}")


def processes_in(scratch: Path) -> list[str]:
    """Command lines of service, workers and servers that work in this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if any(str(scratch) in word for word in words):
            found.append(" ".join(words))
    return found


def wait_until_nothing_is_left(scratch: Path) -> None:
    wait_until(
        lambda: not processes_in(scratch) and not list(scratch.iterdir()),
        lambda: f"left: {processes_in(scratch)} {list(scratch.iterdir())}",
        every_s=0.2,
    )


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The account of one demonstration of 20 seconds."""
    folder = tmp_path_factory.mktemp("demo")
    with demo(folder, "--for", "20s", "--json", "--seed", "4") as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors
    wait_until_nothing_is_left(folder / "scratch")
    (line,) = output.splitlines()
    account: dict[str, Any] = json.loads(line)
    return account


def test_it_catches_most_of_what_it_launches(summary: dict[str, Any]) -> None:
    attacks = summary["attacks"]
    assert attacks["launched"] >= 30
    assert attacks["caught"] > (attacks["launched"] - attacks["not_detectable"]) / 2
    assert attacks["launched"] == sum(
        attacks[outcome] for outcome in ("caught", "noticed", "missed", "not_detectable")
    )


def test_every_family_is_launched_and_some_of_each_are_seen(summary: dict[str, Any]) -> None:
    assert set(summary["families"]) == {
        "copies", "few-copies", "forged", "unsigned", "reuse", "diversion"
    }  # fmt: skip
    for name, family in summary["families"].items():
        # few copies of each code are scanned in few networks, which looks like a journey
        assert family["launched"] > 0 and (family["caught"] > 0 or name == "few-copies"), name


def test_no_forged_or_unsigned_code_that_arrived_is_missed(summary: dict[str, Any]) -> None:
    for family in ("forged", "unsigned"):
        assert summary["families"][family]["missed"] == 0


def test_few_honest_codes_have_an_alert(summary: dict[str, Any]) -> None:
    assert summary["honest_codes"] > 500
    assert summary["false_alerts"] <= 0.01 * summary["honest_codes"]


def test_scans_reach_the_engine_both_ways(summary: dict[str, Any]) -> None:
    assert summary["scans"] > 1_000
    assert 0 < summary["scans_by_service"] < summary["scans"]


def test_ctrl_c_ends_it_in_good_order_with_a_summary(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        wait_for(process, r"[1-9]\d* attacks, ")  # the traffic has begun
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    assert "attacks launched" in output and "together" in output
    assert "Traceback" not in errors
    wait_until_nothing_is_left(tmp_path / "scratch")


def test_ctrl_c_before_everything_is_up_ends_it_at_once(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        wait_for(process, "makers, keys, trust list")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    assert "attacks launched" not in output
    assert "Traceback" not in errors
    wait_until_nothing_is_left(tmp_path / "scratch")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM])
def test_nothing_is_left_when_it_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    with demo(tmp_path) as process:
        wait_for(process, "everything is up")
        assert processes_in(tmp_path / "scratch")
        process.send_signal(number)
        process.communicate(timeout=PATIENCE_S)
    wait_until_nothing_is_left(tmp_path / "scratch")


def page_at(short_url: str) -> str:
    """The page that a browser ends at, as text; redirects are followed by hand."""
    for _ in range(2):
        parts = urlsplit(short_url)
        assert parts.hostname is not None
        connection = HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE_S)
        target = f"{parts.path}?{parts.query}"
        connection.request("GET", target, headers={"Accept": "text/html"})
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        if response.status != 302:
            assert response.status == 200
            return body
        short_url = response.headers["Location"]
    raise AssertionError("more than one redirect")


def test_the_pages_of_a_genuine_and_a_forged_pack_can_be_opened(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        genuine = wait_for(process, "a genuine pack").split()[-1]
        forged = wait_for(process, "a forged pack").split()[-1]
        assert 'data-standing="verified"' in page_at(genuine)
        assert 'data-standing="suspect"' in page_at(forged)


def test_a_given_folder_is_kept_and_the_service_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with demo(tmp_path, "--folder", str(folder), "--for", "2s", "--json") as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors
    assert (folder / "data" / "ledger.sqlite").exists()
    assert (folder / "batches" / "D0000" / "manifest.csv").exists()
    assert not processes_in(folder / "data")
    (port,) = {urlsplit(page).port for page in json.loads(output)["pages"].values()}
    assert port is not None
    with pytest.raises(ConnectionRefusedError):
        HTTPConnection("127.0.0.1", port, timeout=2).connect()


def test_a_folder_that_is_not_empty_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "something").write_text("mine")
    with demo(tmp_path, "--folder", str(tmp_path)) as process:
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "is not empty" in errors and "next:" in errors
    assert (tmp_path / "something").read_text() == "mine"
