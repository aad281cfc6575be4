"""Signing batch statements, and registering batches with the engine."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cli.support.data import DataFolder
from cli.support.publishing import open_publisher

if TYPE_CHECKING:
    from authenticity.records.batch import Batch
    from authenticity.records.batch_statement import BatchStatement
    from keys.signer import Signer


def register_batches(where: DataFolder, found: "Sequence[BatchStatement]", again: str) -> None:
    """Publish signed statements about batches.

    `again` is the command that repeats this; it is part of the next step of the
    `LogUnavailableError` that is raised if they cannot be published.
    """
    from authenticity.errors import LogUnavailableError
    from producers.issuing.registration import publish_statements

    try:
        publisher = open_publisher(where)
        try:
            publish_statements(publisher, found)
        finally:
            publisher.close()
    except LogUnavailableError as error:
        hint = error.next_step or "check the data folder (--data)"
        raise LogUnavailableError(
            f"nothing is registered: {error}", next_step=f"{hint}; then run `{again}`"
        ) from None


def batch_signer(keys: Path, passphrase_file: Path | None) -> "Callable[[Batch], BatchStatement]":
    """A function that signs with the newest key of a batch's issuer.

    The passphrase is asked for when the first batch is signed, and once. The function raises
    `KeyFileError` if the issuer has no key that may sign here.
    """
    from cli.support.passphrase import obtain_passphrase
    from keys.batch_signing import sign_batch
    from keys.store import KeyStore

    signers: dict[str, Signer] = {}
    passphrases: list[bytes] = []

    def sign(batch: "Batch") -> "BatchStatement":
        at = datetime.now(UTC)
        if batch.issuer not in signers:
            store = KeyStore(keys)
            store.keyring().issuer(batch.issuer)  # an unknown one is told before the passphrase
            if not passphrases:
                passphrases.append(obtain_passphrase(passphrase_file))
            file = store.key_file(batch.issuer, passphrase=passphrases[0], at=at)
            signers[batch.issuer] = file.open()
        return sign_batch(batch, signers[batch.issuer], at=at)

    return sign


def put_on_record(keys: Path, run_folder: Path, batch: "Batch") -> None:
    """Put the serials of a finished run on the record of issued ones, where a key store is here.

    Raises `ConfigurationError` if another batch of the product holds one of them.
    """
    from keys.keyring import KEYRING_FILE
    from producers.issuing.issued_serials import IssuedSerials
    from producers.issuing.manifest import serials_of

    csv = run_folder / "manifest.csv"
    if (keys / KEYRING_FILE).exists() and csv.exists():
        serials = [serial for some in serials_of(csv) for serial in some]
        IssuedSerials(keys).reserve(batch.gtin, batch.batch_id, serials)
