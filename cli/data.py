"""Where one installation keeps its files, unless told otherwise."""

import os
from dataclasses import dataclass
from pathlib import Path

from events.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class DataFolder:
    """`--data DIR`, else TOUCHSTONE_DATA, else ./touchstone-data. Nothing is created here."""

    root: Path

    @classmethod
    def find(cls, given: Path | None) -> "DataFolder":
        """The folder in force."""
        return cls(given or Path(os.environ.get("TOUCHSTONE_DATA", "touchstone-data")))

    @property
    def log(self) -> Path:
        """The embedded event log (SQLite)."""
        return self.root / "log.sqlite"

    @property
    def ledger(self) -> Path:
        """The ledger (SQLite)."""
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
    def roots(self) -> Path:
        """The pinned root keys of the trust list."""
        return self.root / "roots.json"

    @property
    def policy(self) -> Path:
        """The policy, if the defaults do not fit."""
        return self.root / "policy.toml"
