"""The version of the installed program, for `/healthz`, `/metrics` and outgoing requests."""

from functools import cache
from importlib.metadata import version
from typing import Final

DISTRIBUTION: Final = "touchstone-authenticity"


@cache
def program_version() -> str:
    """As `touchstone --version` shows it, for instance `0.1.0`."""
    return version(DISTRIBUTION)


def user_agent() -> str:
    """The User-Agent header of the program's own HTTP requests."""
    return f"touchstone/{program_version()}"
