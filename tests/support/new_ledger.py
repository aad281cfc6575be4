"""Empty ledgers in files. Migrating each anew would take longer than most tests do."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from ledger.opening import migrate


def make_ledger(path: Path) -> None:
    """An empty ledger in this file, as `migrate` makes it; one that is there stays as it is."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_empty_ledger())


@cache
def _empty_ledger() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        migrate(path)
        return path.read_bytes()
