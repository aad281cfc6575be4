"""The secret of an installation: 32 random bytes, made once, which no log ever shows.

Scans carry hashes under it (`verifier_api.network.keyed_hashes`). Whoever has it can tell from
a hash which network or session it is of, and choose what histories keep.
"""

import hmac
import logging
import secrets
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from authenticity.errors import ConfigurationError, LedgerUnavailableError
from cli.support.data import DataFolder

SECRET_BYTES: Final = 32
SETTING: Final = "TOUCHSTONE_SECRET_FILE"
_RESTORE: Final = (
    "restore it from a backup, or take a copy of the one that the other services of this "
    f"installation have and name it in {SETTING}. If it is lost for good, `touchstone migrate "
    "--forget-secret` lets the next service begin with another"
)
_KEYED: Final = b'"selection":"'
"""In the bytes of a scan that a service stamped, and of no other: inside of a text the quotation
marks are escaped."""
log = logging.getLogger(__name__)


def installation_secret(folder: DataFolder, environ: Mapping[str, str]) -> bytes:
    """The secret, made now if there is none: several processes that start at once agree.

    The ledger, which must be migrated, keeps a fingerprint of the first that is used with it. A
    ledger that is away is not asked, with a warning, unless the secret would be made now.

    Raises `ConfigurationError` for a file that others can read, or that holds something else;
    for none where the ledger knows of one, or scans carry hashes under one, and for another than
    that one; `UnavailableError` where none can be made.
    """
    found = find_secret(folder, environ)
    if found is None:
        was_used = _was_used(folder)
        # Another process that starts now makes the file before it notes the fingerprint.
        found = find_secret(folder, environ)
        if found is None and was_used is not None:
            raise ConfigurationError(
                f"there is no secret at {folder.secret}, and the scans of this installation were "
                f"recorded under one, here or where a file of them is from ({was_used})",
                next_step=_RESTORE,
            )
        found = found or _made(folder)
    _require_fitting(found, folder, environ.get(SETTING) or folder.secret)
    return found


def _was_used(folder: DataFolder) -> str | None:
    """Where it is seen that there was a secret. A ledger that is made anew knows of none, and
    its log, or the histories of one that was restored, still do."""
    from events.embedded.log import EmbeddedLog
    from events.topics import SCANS
    from ledger.installation import has_keyed_histories, may_begin_anew, secret_fingerprint

    if secret_fingerprint(folder.ledger) is not None:
        return f"{folder.ledger} has its fingerprint"
    if may_begin_anew(folder.ledger):
        return None
    if has_keyed_histories(folder.ledger):
        return f"histories in {folder.ledger} hold hashes under it"
    if folder.kafka is None and folder.log.exists():
        with closing(EmbeddedLog(folder.log)) as scans:
            if scans.carries(SCANS, _KEYED):
                return f"scans in {folder.log} carry hashes under it"
    return None


def _require_fitting(secret: bytes, folder: DataFolder, path: Path | str) -> None:
    from ledger.installation import note_secret
    from verifier_api.network.keyed_hashes import KeyedHashes

    fingerprint = KeyedHashes(secret).fingerprint()
    try:
        known = note_secret(folder.ledger, fingerprint)
    except LedgerUnavailableError as error:
        log.warning(
            "whether %s is the secret of this ledger cannot be told now: %s; with another one, "
            "people count twice. Start the service again once the ledger is there",
            path,
            error,
        )
        return
    if not hmac.compare_digest(known, fingerprint):
        raise ConfigurationError(
            f"{path} is not the secret that the scans in {folder.ledger} were recorded under: "
            "people who scanned before would count twice",
            next_step=_RESTORE,
        )


def _made(folder: DataFolder) -> bytes:
    from keys.durable_files import write_new

    folder.root.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # another process came first
        write_new(folder.secret, secrets.token_bytes(SECRET_BYTES), mode=0o600)
        _say_new(folder)
    return _read(folder.secret, follow_links=False)


def _say_new(folder: DataFolder) -> None:
    """Loudly where other services may be about to start, which need the same one."""
    if folder.kafka is None and isinstance(folder.ledger, Path):
        log.info("made the secret of this installation, %s: save it with the keys", folder.secret)
        return
    log.warning(
        "made a new secret, %s. Every service of this installation needs the same one: if there "
        "is one already, end this service and name a copy of it in %s; otherwise give the others "
        "a copy of this one. One with another secret will not start",
        folder.secret,
        SETTING,
    )


def find_secret(folder: DataFolder, environ: Mapping[str, str]) -> bytes | None:
    """The secret, None where none was made yet. Raises as `installation_secret`."""
    if named := environ.get(SETTING):
        return _read(Path(named), follow_links=True)  # as secrets are mounted into containers
    if not folder.secret.exists() and not folder.secret.is_symlink():
        return None
    return _read(folder.secret, follow_links=False)


def _read(path: Path, *, follow_links: bool) -> bytes:
    from keys.guarded_files import read_guarded

    secret = read_guarded(path, any_folder=True, follow_links=follow_links)
    if len(secret) != SECRET_BYTES:
        raise ConfigurationError(
            f"{path} holds {len(secret):,} bytes, and a secret has {SECRET_BYTES}",
            next_step="restore it from a backup; with another secret the networks and sessions "
            "of scans recorded so far cannot be told to be the same as later ones",
        )
    return secret
