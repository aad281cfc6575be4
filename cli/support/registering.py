"""Signing batch statements, and registering batches with the engine."""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cli.support.console import warn
from cli.support.data import DataFolder
from cli.support.publishing import open_publisher

if TYPE_CHECKING:
    from authenticity.records.batch import Batch
    from authenticity.records.batch_statement import BatchStatement
    from authenticity.records.part_statement import SignedPart
    from authenticity.records.serial_parts import SerialPart
    from cli.support.standing_statements import StandingStatements
    from keys.signer import Signer
    from producers.issuing.manifest import RunSerials


def register_batches(
    where: DataFolder,
    found: "Sequence[BatchStatement]",
    again: str,
    *,
    parts: "Iterable[SignedPart]" = (),
) -> None:
    """Publish signed statements about batches, after these parts of their serial lists.

    `again` is the command that repeats this; it is part of the next step of the
    `LogUnavailableError` that is raised if they cannot be published.
    """
    from authenticity.errors import LogUnavailableError
    from producers.issuing.registration import publish_statements

    try:
        publisher = open_publisher(where)
        try:
            publish_statements(publisher, found, parts)
        finally:
            publisher.close()
    except LogUnavailableError as error:
        hint = error.next_step or "check the data folder (--data)"
        raise LogUnavailableError(
            f"nothing is registered: {error}", next_step=f"{hint}; then run `{again}`"
        ) from None


class BatchSigner:
    """Signs with the newest key of a batch's issuer.

    The passphrase is asked for when something is signed first, and once. The methods raise
    `KeyFileError` if the issuer has no key that may sign here.
    """

    def __init__(self, keys: Path, passphrase_file: Path | None) -> None:
        self._keys = keys
        self._passphrase_file = passphrase_file
        self._passphrase: bytes | None = None
        self._signers: dict[str, Signer] = {}

    def statement(self, batch: "Batch") -> "BatchStatement":
        """What the issuer says of this batch now."""
        from keys.batch_signing import sign_batch

        return sign_batch(batch, self._signer(batch.issuer), at=datetime.now(UTC))

    def part(self, part: "SerialPart") -> bytes:
        """The signed part of a serial list."""
        from keys.batch_signing import sign_part

        return sign_part(part, self._signer(part.issuer), at=datetime.now(UTC))

    def slot(self, issuer: str) -> int:
        """The slot of the key that signs for this issuer."""
        return self._signer(issuer).key_slot

    def _signer(self, issuer: str) -> "Signer":
        from cli.support.passphrase import obtain_passphrase
        from keys.store import KeyStore

        if issuer not in self._signers:
            store = KeyStore(self._keys)
            store.keyring().issuer(issuer)  # an unknown one is told before the passphrase
            self._passphrase = self._passphrase or obtain_passphrase(self._passphrase_file)
            file = store.key_file(issuer, passphrase=self._passphrase, at=datetime.now(UTC))
            self._signers[issuer] = file.open()
        return self._signers[issuer]


def registrable_folder(
    folder: Path,
    statement: "BatchStatement",
    serials: "RunSerials | None",
    signer: BatchSigner,
    standing: "StandingStatements",
    *,
    sign_again: bool,
) -> "BatchStatement":
    """The statement to register of a finished run, whose folder then holds the list of its
    serials too, if they are too many for a filter. A list that is there is left as it is.

    A list that is not there or not exact, as of a run by version 0.1.0, is made of `serials`,
    those of its manifest; the next revision of the batch names it. Without a manifest such a
    run stays as it is, and no engine takes it. Raises `ConfigurationError` if the parts in the
    folder are not those that the header names.
    """
    from msgspec.structs import replace

    from producers.issuing.serial_list import check_list, has_serial_list, with_exact_list

    batch = statement.batch
    if serials is not None and not batch.has_exact_list:
        newer = replace(batch, revision=batch.revision + 1)
        batch = with_exact_list(newer, serials, folder, signer.part, workers=os.cpu_count() or 1)
    elif batch.parts and serials is not None and not has_serial_list(folder):
        with_exact_list(batch, serials, folder, signer.part, workers=os.cpu_count() or 1)
    if batch.parts:
        check_list(batch, folder)
    if sign_again or not statement.is_signed or batch != statement.batch:
        return sign_over(batch, signer, standing)
    return statement


def sign_over(
    batch: "Batch", signer: BatchSigner, standing: "StandingStatements"
) -> "BatchStatement":
    """This batch, signed to stand before what the ledger holds of it.

    Says so if the ledger holds another declaration: what is signed here ends it.
    """
    from msgspec.structs import replace

    from producers.issuing.declarations import next_revision

    stands = standing.of(batch.issuer, batch.batch_id)
    slot = signer.slot(batch.issuer)
    if stands is not None and stands.batch.status is not batch.status:
        warn(
            f"the engine holds batch {batch.batch_id} as {stands.batch.status}; what is signed now "
            f"says {batch.status}",
            next_step="touchstone batches release | recall | stolen, if that is not meant",
        )
    least = next_revision(slot, stands, at=datetime.now(UTC))
    if stands is not None and stands.key_slot == slot:
        least -= replace(batch, revision=stands.batch.revision) == stands.batch
    return signer.statement(replace(batch, revision=max(batch.revision, least)))


def unchanged_serials(run_folder: Path, batch: "Batch") -> "RunSerials | None":
    """The serials in the manifest of a finished run, None if it has none.

    Raises `ConfigurationError` if they are not those that the batch's header was made of: such
    a manifest would free the serials it lacks to be issued again, and a list made of it would
    call their packs never issued.
    """
    from authenticity.errors import ConfigurationError
    from producers.issuing.manifest import DuplicateSerials, serials_of_run

    serials = serials_of_run(run_folder)
    if serials is None:
        return None
    try:
        same = serials.digest() == batch.manifest_sha256
    except DuplicateSerials:
        same = False
    if not same:
        raise ConfigurationError(
            f"{serials.manifest} does not hold the serials that batch {batch.batch_id} was issued "
            "with",
            next_step="restore it from a backup; other serials are another batch: touchstone issue",
        )
    return serials


def with_exact_filter(run_folder: Path, statement: "BatchStatement") -> "BatchStatement":
    """The statement in the folder of a run; a filter by version 0.1.0 gives way to one that is
    made of the manifest, if that is here. What is returned then is not signed."""
    from itertools import chain

    from msgspec.structs import replace

    from authenticity.records.batch_statement import unsigned_statement
    from authenticity.records.serial_filter import build_filter

    batch = statement.batch
    if batch.serials is None or batch.has_exact_list:
        return statement
    serials = unchanged_serials(run_folder, batch)
    if serials is None:
        return statement
    return unsigned_statement(replace(batch, serials=build_filter(chain.from_iterable(serials))))


def put_on_record(
    keys: Path, batch: "Batch", serials: "RunSerials | None", *, unchecked: bool
) -> None:
    """Put these serials of the batch on the record of issued ones, where the issuer's key store
    is here. The caller has checked the statement about the batch.

    Raises `ConfigurationError` if another batch of the product holds one of them, or, unless
    `unchecked`, if no manifest is here to tell.
    """
    from producers.issuing.issued_serials import IssuedSerials

    if serials is None:
        refuse_unchecked(keys, [batch], unchecked=unchecked)
    elif _is_issuer_of(keys, batch):
        IssuedSerials(keys).reserve(batch.gtin, batch.batch_id, serials)


def refuse_unchecked(keys: Path, batches: "Sequence[Batch]", *, unchecked: bool) -> None:
    """Refuse batches of an issuer of this key store that are not on its record of issued
    serials: a header does not tell its serials, so another batch may have them.

    Raises `ConfigurationError`; with `unchecked` it is a warning.
    """
    from authenticity.errors import ConfigurationError
    from producers.issuing.issued_serials import IssuedSerials

    record = IssuedSerials(keys)
    unknown = [
        batch.batch_id
        for batch in batches
        if _is_issuer_of(keys, batch) and not record.holds(batch.gtin, batch.batch_id)
    ]
    if not unknown:
        return
    more = f" and {len(unknown) - 1:,} more" if len(unknown) > 1 else ""
    reason = (
        f"whether other batches too have the serials of batch {unknown[0]}{more} cannot be "
        f"checked: they are not on record in {keys}, and no manifest is here"
    )
    next_step = "register the run's folder, with its manifest.csv or manifest.parquet"
    if not unchecked:
        raise ConfigurationError(
            reason, next_step=f"{next_step}; or take them as they are with --unchecked-serials"
        )
    warn(reason, next_step=next_step)


def _is_issuer_of(keys: Path, batch: "Batch") -> bool:
    """Whether this key store signs for the batch's issuer."""
    from keys.keyring import KEYRING_FILE
    from keys.store import KeyStore

    if not (keys / KEYRING_FILE).exists():
        return False
    return any(each.id == batch.issuer for each in KeyStore(keys).keyring().issuers)
