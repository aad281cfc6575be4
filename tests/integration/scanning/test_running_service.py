"""`touchstone scan` with a running engine and service, on keys and batches made for real."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from authenticity.records.scan import encode_scan
from demo.installation import make_installation, publish_trust
from demo.service import HOST, DemoService, choose_port
from events.embedded.publisher import EmbeddedPublisher
from ledger.administration import LedgerAdministration
from ledger.records import Role
from simulation.two_makers import World
from tests.support.patience import PATIENCE_S

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class AppState:
    """A service that knows the trust list; `codes` are genuine."""

    url: str
    data: Path
    officer: str
    codes: list[str]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppState]:
    now = datetime.now(UTC)
    port = choose_port(None, preferred=0)
    installation = make_installation(
        tmp_path_factory.mktemp("scanned") / "stage",
        seed=1,
        at=now,
        valid_for=timedelta(days=30),
        hosts=(f"{HOST}:{port}",),
        packs_per_batch=80,
    )
    publisher = EmbeddedPublisher(installation.data / "log.sqlite")
    publish_trust(installation, publisher)
    codes = [pack.code for pack in installation.issue_batch(0, publisher)]
    publisher.close()
    service = DemoService(installation.data, port, installation.folder / "service.log", remove=None)
    try:
        service.wait_until_ready()
        administration = LedgerAdministration(installation.data / "ledger.sqlite")
        officer, _ = administration.create_token(
            Role.OFFICER, "port-7", None, now + timedelta(days=1)
        )
        administration.close()
        yield AppState(service.url, installation.data, officer, codes)
    finally:
        service.stop()


def scan(*arguments: str, stdin: str = "", token: str | None = None) -> list[dict[str, Any]]:
    environment = {**os.environ} | ({"TOUCHSTONE_TOKEN": token} if token else {})
    ended = subprocess.run(
        [sys.executable, "-m", "cli.main", "scan", "--json", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert not token or token not in ended.stdout + ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_consumer_gets_the_standing_of_a_code(running: AppState) -> None:
    forged = World().forged_code()
    genuine, doubtful = scan(running.codes[0], forged, "--api", running.url)
    assert genuine["published"] and doubtful["published"]
    assert genuine["answer"]["standing"] == "verified"
    assert doubtful["answer"]["verdict"] == "Doubtful"


def test_more_codes_than_an_anonymous_caller_may_send_at_once_all_arrive(running: AppState) -> None:
    answers = scan("-", "--api", running.url, stdin="\n".join(running.codes[1:76]))
    assert len(answers) == 75
    assert all(answer["published"] for answer in answers)


def test_an_officer_publishes_recorded_scans_with_a_token(running: AppState) -> None:
    made = World(now=datetime.now(UTC)).officer_scan(running.codes[77])
    line = encode_scan(made).decode()
    (answer,) = scan("-", "--api", running.url, stdin=line, token=running.officer)
    assert answer["answer"]["recorded"] is True
    assert answer["answer"]["scan_id"] == made.scan_id


def test_an_officers_code_is_read_on_the_channel_of_the_token(running: AppState) -> None:
    (answer,) = scan(
        running.codes[76], "--act", "inspect-conformant", "--api", running.url,
        token=running.officer,
    )  # fmt: skip
    assert answer["published"] and answer["answer"]["recorded"] is True


def test_the_engine_s_trust_list_tells_what_a_code_proves(running: AppState) -> None:
    genuine, text = scan(running.codes[78], "hello", "--data", str(running.data))
    assert (genuine["verdict"], genuine["doubt"]) == ("Genuine", None)
    assert (text["verdict"], text["doubt"]) == ("Doubtful", "unreadable")
