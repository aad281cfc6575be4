"""Commands that need packages which the wheel leaves out: they run in a clone alone."""

from importlib.util import find_spec
from pathlib import Path

from cli.support.console import fail

_OURS = Path(__file__).parents[2]


def require_checkout(package: str, command: str, *, instead: str) -> None:
    """End the command in one line, exit code 2, unless `package` stands beside this one.

    A package of that name from elsewhere does not count. `instead` is what to type in a
    clone of the repository.
    """
    found = find_spec(package)
    if found is None or found.origin is None or Path(found.origin).parents[1] != _OURS:
        fail(
            f"{command} is not part of the installed package; run it from a clone of the"
            f" repository: {instead}"
        )
