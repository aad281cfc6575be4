"""The two engines: which one is meant, and what each needs to run."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from authenticity.detection.policy import Policy
from authenticity.errors import ConfigurationError
from cli.support.data import DataFolder
from cli.support.trust_list import load_roots

if TYPE_CHECKING:
    from events.kafka.settings import KafkaSettings
    from ledger.address import PostgresAddress
    from stream.sources.embedded import EmbeddedSource


class EngineKind(StrEnum):
    """One machine, or as many as it takes."""

    EMBEDDED = "embedded"
    KAFKA = "kafka"


def kafka_and_ledger(folder: DataFolder) -> "tuple[KafkaSettings, PostgresAddress]":
    """Where Kafka and PostgreSQL are. Raises `ConfigurationError` if that was not said."""
    kafka, ledger = folder.kafka, folder.ledger
    if kafka is None:
        raise ConfigurationError(
            "the Kafka engine does not know where Kafka is",
            next_step="set TOUCHSTONE_KAFKA, as broker-1:9092,broker-2:9092",
        )
    if isinstance(ledger, Path):
        raise ConfigurationError(
            "the Kafka engine needs a ledger in PostgreSQL: several workers write into it",
            next_step="set TOUCHSTONE_LEDGER, as postgresql://touchstone@host:5432/touchstone",
        )
    return kafka, ledger


def open_engine(folder: DataFolder, policy: Policy) -> "EmbeddedSource":
    """The embedded engine on a data folder; makes log and ledger if they are not there."""
    from events.embedded.log import EmbeddedLog
    from ledger.opening import migrate, open_store
    from stream.sources.embedded import EmbeddedSource

    roots = load_roots(folder)
    ledger = folder.ledger
    if not isinstance(ledger, Path):
        raise ConfigurationError(
            "the embedded engine has its ledger in a file, TOUCHSTONE_LEDGER names a database",
            next_step="say --engine kafka, or unset TOUCHSTONE_LEDGER",
        )
    folder.make_databases_private()
    migrate(ledger)
    return EmbeddedSource(EmbeddedLog(folder.log), open_store(ledger), roots, policy)
