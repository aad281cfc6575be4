"""What is wrong with a key store, found without changing it."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from authenticity.errors import TouchstoneError
from authenticity.trust.issuers import TrustList
from authenticity.trust.trust_list import encode_payload
from keys.guarded_files import refuse_exposed_folder
from keys.keyring import IssuerRecord, Keyring
from keys.signer import KeyFile
from keys.store import KeyStore

KEY_AHEAD: Final = timedelta(days=180)
TRUST_LIST_AHEAD: Final = timedelta(days=14)


class Severity(StrEnum):
    """`error`: must be put right before use. `warning`: will become an error."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong, and what to do about it."""

    severity: Severity
    message: str
    next_step: str


def inspect_store(
    store: KeyStore, *, at: datetime, passphrase: bytes | None
) -> tuple[Complaint, ...]:
    """All complaints, errors first; none for a healthy store.

    1. Folders and files are their owner's alone; nothing lies about unused.
    2. With a passphrase: every private key opens and matches its public key.
    3. Keys and the exported trust list do not end soon; each issuer can sign.
    4. The exported list verifies against the roots, and says what the keyring says.

    Raises `KeyFileError` if the keyring itself cannot be read. Prefix conflicts
    cannot get past `KeyStore`, but an edited keyring is caught by 4.
    """
    keyring = store.keyring()
    found = [
        *_exposed(store),
        *_unused(store, keyring),
        *_keys(store, keyring, passphrase, at),
        *_coming_ends(keyring, at),
        *_trust_list(store, keyring, at),
    ]
    return tuple(sorted(found, key=lambda complaint: complaint.severity))


def _exposed(store: KeyStore) -> Iterator[Complaint]:
    for path in (store.folder, *sorted(store.folder.rglob("*"))):
        if path.is_dir():
            try:
                refuse_exposed_folder(path)
            except TouchstoneError as error:
                yield _error(error)
        elif path.suffix == ".pem" and path.lstat().st_mode & 0o077:
            mode = stat.S_IMODE(path.lstat().st_mode)
            message = f"others can read {path} (mode {mode:04o})"
            yield Complaint(Severity.ERROR, message, f"chmod 600 {path}")


def _unused(store: KeyStore, keyring: Keyring) -> Iterator[Complaint]:
    on_record = {root.file for root in keyring.roots}
    on_record |= {key.file for issuer in keyring.issuers for key in issuer.keys}
    for path in sorted(store.folder.rglob("*.pem")):
        if str(path.relative_to(store.folder)) not in on_record:
            yield Complaint(
                Severity.WARNING,
                f"{path} is a key file that the keyring does not know",
                "it is left from an interrupted command, or not ours: move it away",
            )


def _keys(
    store: KeyStore, keyring: Keyring, passphrase: bytes | None, at: datetime
) -> Iterator[Complaint]:
    """Root keys may lie elsewhere, as long as a threshold of them can be brought."""
    for root in keyring.roots:
        path = store.folder / root.file
        if path.exists() and passphrase is not None:
            yield from _unopened(KeyFile(path, 0, passphrase, root.kid))
    for issuer in keyring.issuers:
        for key in issuer.keys:
            path = store.folder / key.file
            if not path.exists():
                if key.state_at(at) == "signing":
                    yield Complaint(
                        Severity.ERROR,
                        f"the signing key of {issuer.id}, {path}, is missing",
                        f"restore it, or run `touchstone keys rotate {issuer.id}`",
                    )
            elif passphrase is not None:
                yield from _unopened(KeyFile(path, key.slot, passphrase, key.public.thumbprint))


def _unopened(file: KeyFile) -> Iterator[Complaint]:
    try:
        file.open()
    except TouchstoneError as error:
        yield _error(error)


def _coming_ends(keyring: Keyring, at: datetime) -> Iterator[Complaint]:
    for issuer in keyring.issuers:
        rotate = f"touchstone keys rotate {issuer.id}"
        key = issuer.signing_key
        if key is None or key.not_after < at:
            yield Complaint(Severity.ERROR, f"{issuer.id} has no key that may sign", rotate)
        elif key.not_after < at + KEY_AHEAD:
            message = f"the signing key of {issuer.id} (slot {key.slot}) ends {key.not_after:%F}"
            yield Complaint(Severity.WARNING, message, rotate)


def _trust_list(store: KeyStore, keyring: Keyring, at: datetime) -> Iterator[Complaint]:
    export = "touchstone keys export-trust-list --out trust.jws"
    try:
        listed = store.exported_list(at=at)
        if listed is None:
            yield Complaint(Severity.WARNING, "no trust list has been exported yet", export)
            return
        current = keyring.trust_list(
            version=listed.version, issued_at=listed.issued_at, expires_at=listed.expires_at
        )
    except TouchstoneError as error:
        yield _error(error)
        return
    if not _say_the_same(listed, current) or listed.version != keyring.trust_list_version:
        message = f"trust list {listed.version} does not say what the keyring says now"
        yield Complaint(Severity.WARNING, message, export)
    if listed.expires_at < at:
        yield Complaint(Severity.ERROR, f"the trust list expired {listed.expires_at:%F}", export)
    elif listed.expires_at < at + TRUST_LIST_AHEAD:
        message = f"the trust list expires {listed.expires_at:%F}"
        yield Complaint(Severity.WARNING, message, export)


def _say_the_same(one: TrustList, other: TrustList) -> bool:
    return encode_payload(one) == encode_payload(other)


def _error(error: TouchstoneError) -> Complaint:
    next_step = error.next_step or "undo what was changed by hand, or restore your backup"
    return Complaint(Severity.ERROR, str(error), next_step)


def issuer_facts(issuer: IssuerRecord, at: datetime) -> dict[str, object]:
    """One issuer as `touchstone keys list --json` prints it."""
    return {
        "id": issuer.id,
        "name": issuer.name,
        "company_prefixes": issuer.company_prefixes,
        "hosts": issuer.hosts,
        "keys": [
            {
                "slot": key.slot,
                "algorithm": key.kind,
                "state": key.state_at(at),
                "thumbprint": key.public.thumbprint,
                "not_before": key.not_before,
                "not_after": key.not_after,
                "retired_at": key.retired_at,
                "revoked_at": key.revoked_at,
                "revocation_reason": key.revocation_reason,
            }
            for key in issuer.keys
        ],
    }
