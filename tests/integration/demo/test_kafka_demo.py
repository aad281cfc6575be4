"""The same demonstration through Kafka, Faust workers and PostgreSQL."""

import json
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.demo.test_demo import (
    demo,
    processes_in,
    wait_for,
    wait_until_nothing_is_left,
)
from tests.support.patience import PATIENCE_S

pytestmark = pytest.mark.slow

FINISHED_WITHIN_S = 240


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where another user than root can go, as PostgreSQL must."""
    folder = Path(tempfile.mkdtemp(prefix="touchstone-demo-test-"))
    folder.chmod(0o711)
    (folder / "scratch").mkdir(mode=0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_what_is_launched_is_caught_and_nothing_is_left(folder: Path) -> None:
    with demo(folder, "--engine", "kafka", "--for", "20s", "--json", "--seed", "4") as process:
        output, errors = process.communicate(timeout=FINISHED_WITHIN_S)
        assert process.returncode == 0, errors
    (line,) = output.splitlines()
    summary: dict[str, Any] = json.loads(line)
    assert summary["engine"] == "kafka"
    assert summary["scans"] > 500
    assert 0 < summary["scans_by_service"] < summary["scans"]
    attacks = summary["attacks"]
    assert attacks["launched"] >= 15
    assert attacks["caught"] > (attacks["launched"] - attacks["not_detectable"]) / 2
    assert summary["families"]["forged"]["missed"] == 0
    for words in ("Kafka: serving", "PostgreSQL: serving", "topics scans", "everything is up"):
        assert words in errors  # stdout is for the machine
    wait_until_nothing_is_left(folder / "scratch")


def test_ended_in_the_middle_of_setting_up_it_leaves_no_process(folder: Path) -> None:
    with demo(folder, "--engine", "kafka") as process:
        wait_for(process, "PostgreSQL: serving")
        assert processes_in(folder)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, errors
    wait_until_nothing_is_left(folder / "scratch")


def test_nothing_is_left_when_it_is_killed(folder: Path) -> None:
    with demo(folder, "--engine", "kafka") as process:
        wait_for(process, "everything is up")
        process.kill()
        process.communicate(timeout=PATIENCE_S)
    wait_until_nothing_is_left(folder / "scratch")
