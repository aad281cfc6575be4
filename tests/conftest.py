"""Rules for every test: unit tests have no network, and with CI=true nothing is skipped."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

settings.register_profile("touchstone", deadline=None, print_blob=True)
settings.load_profile("touchstone")

UNIT = Path(__file__).parent / "unit"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Block sockets in unit tests; Unix ones stay, for an event loop wakes itself by one."""
    if item.path.is_relative_to(UNIT):
        disable_socket(allow_unix_socket=True)
    else:
        enable_socket()


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
