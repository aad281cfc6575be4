"""`touchstone up` ends in order at a signal, however early after its first words it comes."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from keys.store import create_store
from tests.support.patience import PATIENCE_S

pytestmark = pytest.mark.slow

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
WORST_MOMENT: Final = """
import os, sys
import {module} as module
real = module.announce

def announce(sentence):
    real(sentence)
    if sentence.startswith({word!r}):
        os.kill(os.getpid(), {number})

module.announce = announce
sys.argv = ["touchstone", *sys.argv[1:]]
from cli.main import main
main()
"""
"""The signal comes before the line after the announcement has run."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shutdown")
    store = create_store(folder / "keys", passphrase=b"a passphrase", at=datetime.now(UTC))
    (folder / "roots.json").write_bytes((store.folder / "roots.json").read_bytes())
    return folder


def started(data: Path, python: list[str], *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *python, "up", "--data", str(data), "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if "TOUCHSTONE" not in name},
    )


def end_of(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code and what was said; killed if it does not end."""
    try:
        _, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    return process.returncode, said


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(
    ("module", "word"), [("cli.support.serving", "service:"), ("cli.commands.up", "engine:")]
)
def test_a_signal_before_the_server_has_its_handlers_is_not_lost(
    data: Path, number: signal.Signals, module: str, word: str
) -> None:
    program = WORST_MOMENT.format(module=module, word=word, number=int(number))
    code, said = end_of(started(data, ["-c", program]))
    assert code == 0, said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_without_a_service_is_not_lost(data: Path, number: signal.Signals) -> None:
    program = WORST_MOMENT.format(module="cli.commands.up", word="engine:", number=int(number))
    assert end_of(started(data, ["-c", program], "--no-api"))[0] == 0


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("attempt", range(3))
def test_a_signal_sent_at_the_line_that_names_the_service_ends_it(
    data: Path, number: signal.Signals, attempt: int
) -> None:
    process = started(data, ["-m", "cli.main"])
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("service:"):
            break
    process.send_signal(number)
    code, said = end_of(process)
    assert code == 0, said
