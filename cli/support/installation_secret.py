"""The secret of an installation: 32 random bytes, made once, which no log ever shows.

Scans carry hashes under it (`verifier_api.network.keyed_hashes`). Whoever has it can tell from
a hash which network or session it is of, and choose what histories keep.
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from authenticity.errors import ConfigurationError
from cli.support.data import DataFolder

SECRET_BYTES: Final = 32
SETTING: Final = "TOUCHSTONE_SECRET_FILE"


def installation_secret(folder: DataFolder, environ: Mapping[str, str]) -> bytes:
    """The secret, made now if there is none: several processes that start at once agree.

    Raises `ConfigurationError` for a file that others can read, or that holds something else,
    and `UnavailableError` where none can be written.
    """
    found = find_secret(folder, environ)
    if found is not None:
        return found
    from keys.durable_files import write_new

    folder.root.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):  # another process came first
        write_new(folder.secret, secrets.token_bytes(SECRET_BYTES), mode=0o600)
    return _read(folder.secret, follow_links=False)


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
