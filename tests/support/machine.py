"""The programs that integration tests start besides Python."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")

_KAFKA = ("Java", "Maven")
_POSTGRES = ("PostgreSQL",)
_NEEDED_BY_FOLDER: dict[str, tuple[str, ...]] = {
    "integration/kafka": _KAFKA,
    "integration/ledger": _POSTGRES,
    "integration/faults": _KAFKA + _POSTGRES,
    "integration/operations": _KAFKA + _POSTGRES,
    "integration/demo": _KAFKA + _POSTGRES,
    "integration/pages": ("Chromium",),
}
_IS_INSTALLED: dict[str, Callable[[], bool]] = {
    "Java": lambda: shutil.which("java") is not None,
    "Maven": lambda: shutil.which("mvn") is not None,
    "PostgreSQL": lambda: (
        shutil.which("initdb") is not None or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    ),
    "Chromium": CHROMIUM.exists,
}


def missing_programs(folders: Iterable[str]) -> list[str]:
    """Programs that tests in these folders under `tests/` need and this machine lacks."""
    needed = {program for folder in folders for program in _NEEDED_BY_FOLDER.get(folder, ())}
    return sorted(program for program in needed if not _IS_INSTALLED[program]())
