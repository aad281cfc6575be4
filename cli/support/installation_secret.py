"""The secret of an installation: 32 random bytes, made once, which no log ever shows.

Scans carry hashes under it (`verifier_api.network.keyed_hashes`). Whoever has it can tell from
a hash which network or session it is of, and choose what histories keep.
"""

import logging
import secrets
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from authenticity.errors import ConfigurationError, ScanError
from cli.support.data import DataFolder

SECRET_BYTES: Final = 32
SETTING: Final = "TOUCHSTONE_SECRET_FILE"
_LOOKED_AT: Final = 1_000
log = logging.getLogger(__name__)


def installation_secret(folder: DataFolder, environ: Mapping[str, str]) -> bytes:
    """The secret, made now if there is none: several processes that start at once agree.

    Raises `ConfigurationError` for a file that others can read, or that holds something else,
    and for none beside a log whose scans were recorded under one; `UnavailableError` where
    none can be written.
    """
    found = find_secret(folder, environ)
    if found is not None:
        return found
    from keys.durable_files import write_new

    if _was_in_use(folder.log):
        raise ConfigurationError(
            f"there is no secret at {folder.secret}, and scans in {folder.log} were recorded "
            "under one",
            next_step="restore it from a backup. If it is lost, make another (32 random bytes, "
            f"mode 0600): head -c {SECRET_BYTES} /dev/urandom > {folder.secret}; people who "
            "scanned before will then count twice",
        )
    folder.root.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # another process came first
        write_new(folder.secret, secrets.token_bytes(SECRET_BYTES), mode=0o600)
        _say_new(folder)
    return _read(folder.secret, follow_links=False)


def _say_new(folder: DataFolder) -> None:
    """Loudly where other machines may have one already: that is not noticed otherwise."""
    if folder.kafka is None and isinstance(folder.ledger, Path):
        log.info("made the secret of this installation, %s: save it with the keys", folder.secret)
        return
    log.warning(
        "made a new secret, %s. Every service of this installation needs the same one: if there "
        "is one already, end this service and name a copy of it in %s; otherwise give the others "
        "a copy of this one. With different secrets, people count twice",
        folder.secret,
        SETTING,
    )


def _was_in_use(path: Path) -> bool:
    """Whether a scan near the end of this embedded log was recorded under a secret."""
    if not path.exists():
        return False
    from authenticity.records.scan import decode_scan
    from events.embedded.log import EmbeddedLog
    from events.topics import SCANS

    with closing(EmbeddedLog(path)) as embedded:
        end = embedded.end(SCANS)
        for entry in embedded.read(SCANS, max(0, end - _LOOKED_AT), _LOOKED_AT):
            with suppress(ScanError):
                if decode_scan(entry.value).selection is not None:
                    return True
    return False


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
