"""Rules for every test: unit tests have no network, and with CI=true nothing is skipped."""

import gc
import itertools
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from pytest_socket import disable_socket, enable_socket

from tests.support.examples import register_profiles
from tests.support.machine import missing_programs

register_profiles()

TESTS = Path(__file__).parent
UNIT = TESTS / "unit"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Nothing of what collection imports is garbage, and looking for some takes a third of it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.fixture(scope="session")
def _states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for each test, none of which is there until its test needs it."""
    return map(tmp_path_factory.mktemp("states").joinpath, map(str, itertools.count()))


@pytest.fixture(autouse=True)
def _state_of_its_own(monkeypatch: pytest.MonkeyPatch, _states: Iterator[Path]) -> None:
    """No test remembers which trust lists another was handed, nor do they leave a trace."""
    monkeypatch.setenv("XDG_STATE_HOME", str(next(_states)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Block sockets in unit tests; Unix ones stay, for an event loop wakes itself by one.

    A test of a program that this machine lacks fails before it sets anything up.
    """
    if item.path.is_relative_to(UNIT):
        disable_socket(allow_unix_socket=True)
        return
    enable_socket()
    folder = item.path.relative_to(TESTS).parent.as_posix()
    if missing := missing_programs([folder]):
        pytest.fail(f"this test needs {', '.join(missing)}: run `make machine`", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With CI=true a skipped test is a failed one: what is not run is not known to work."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although CI=true: {report.longrepr}"
    return report
