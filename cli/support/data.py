"""The data folder of an installation, and the settings that replace parts of it."""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from authenticity.errors import ConfigurationError
from events.kafka.settings import KafkaSettings
from ledger.address import LedgerAddress, read_address


@dataclass(frozen=True, slots=True)
class DataFolder:
    """`--data DIR`, else TOUCHSTONE_DATA, else ./touchstone-data. Nothing is created here."""

    root: Path

    @classmethod
    def find(cls, given: Path | None) -> "DataFolder":
        """The folder in force."""
        return cls(given or Path(os.environ.get("TOUCHSTONE_DATA", "touchstone-data")))

    def make_databases_private(self) -> None:
        """Make databases that others may read their owner's alone. Call it before one is opened;
        whoever has one open keeps its locks."""
        for name in ("log.sqlite", "ledger.sqlite"):
            for path in (self.root / f"{name}{end}" for end in ("", "-wal", "-shm")):
                _close_to_others(path)

    @property
    def log(self) -> Path:
        """The embedded event log (SQLite)."""
        return self.root / "log.sqlite"

    @property
    def ledger(self) -> LedgerAddress:
        """TOUCHSTONE_LEDGER (PostgreSQL) if set, else a file (SQLite) in this folder.

        The password may be in a file of its own: TOUCHSTONE_LEDGER_PASSWORD_FILE. Raises
        `ConfigurationError`.
        """
        if address := os.environ.get("TOUCHSTONE_LEDGER"):
            return read_address(address, password=_ledger_password())
        return self.root / "ledger.sqlite"

    @property
    def kafka(self) -> KafkaSettings | None:
        """The Kafka cluster, if TOUCHSTONE_KAFKA names one. Raises `ConfigurationError`."""
        return KafkaSettings.from_env(os.environ)

    @property
    def keys(self) -> Path:
        """The key store; only commands that sign open it."""
        return self.root / "keys"

    @property
    def secret(self) -> Path:
        """The secret of the installation; see `cli.support.installation_secret`."""
        return self.root / "secret.key"

    @property
    def geo(self) -> Path:
        """Databases of addresses that no setting names."""
        return self.root / "geo"

    @property
    def roots(self) -> Path:
        """The pinned root keys of the trust list."""
        return self.root / "roots.json"

    @property
    def policy(self) -> Path:
        """The policy, if the defaults do not fit."""
        return self.root / "policy.toml"


def _close_to_others(path: Path) -> None:
    """As an earlier version, or a copy, left it open. A link, and another's file, is left.

    The file is never opened: closing a descriptor of it ends the locks that SQLite holds on it
    in this process, and the next program to leave would take the log of writes away.
    """
    with suppress(OSError):
        facts = path.lstat()
        if stat.S_ISREG(facts.st_mode) and facts.st_uid == os.geteuid() and facts.st_mode & 0o077:
            path.chmod(0o600)


def _ledger_password() -> str | None:
    path = os.environ.get("TOUCHSTONE_LEDGER_PASSWORD_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the password of the ledger cannot be read from {path}: {error}",
            next_step="correct TOUCHSTONE_LEDGER_PASSWORD_FILE, or the permissions of the file",
        ) from None
