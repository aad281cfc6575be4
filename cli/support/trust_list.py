"""Which trust list to believe, and which root keys it is measured by."""

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli.support.data import DataFolder

if TYPE_CHECKING:
    from authenticity.trust.jws import Roots
    from authenticity.trust.trust_list import TrustList

ROOTS_VARIABLE: Final = "TOUCHSTONE_ROOTS"
ROOTS_BYTES: Final = 262_144


def load_trust_list(path: Path, roots_path: Path | None, at: datetime) -> "TrustList":
    """The signed trust list in this file, if the pinned root keys vouch for it.

    `at` is the reader's own clock. Raises `TrustListError` for a list that must not
    be believed, `ConfigurationError` for a file that is missing or is no roots file.
    """
    from authenticity.limits import LIMITS
    from authenticity.trust.trust_list import read_roots, read_trust_list

    document = _contents(
        path,
        "trust list",
        LIMITS.trust_list_bytes,
        "make one with: touchstone keys export-trust-list; or name it with --trust-list FILE",
    )
    pinned = roots_path or find_roots(path)
    roots = read_roots(
        _contents(pinned, "roots file", ROOTS_BYTES, "name the root keys you trust: --roots FILE")
    )
    return read_trust_list(document, roots, at=at)


def load_roots(folder: DataFolder) -> "Roots":
    """The root keys pinned in this installation: TOUCHSTONE_ROOTS, else in its data folder."""
    from authenticity.errors import ConfigurationError
    from authenticity.trust.jws import read_roots

    path = Path(os.environ.get(ROOTS_VARIABLE, folder.roots))
    if not path.exists():
        raise ConfigurationError(
            f"no root keys are pinned: {path} is missing",
            next_step="copy the roots.json that `touchstone keys init` wrote to this place",
        )
    try:
        return read_roots(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error


def find_roots(trust_path: Path) -> Path:
    """Where the root keys of this trust list are pinned, unless they are named.

    For `scans.trust.json` or `scans.json`: `scans.roots.json` beside it, then
    `roots.json` beside it, then the file in the environment's TOUCHSTONE_ROOTS.
    """
    from authenticity.errors import ConfigurationError

    stem = trust_path.name.removesuffix(trust_path.suffix).removesuffix(".trust")
    beside = (trust_path.with_name(f"{stem}.roots.json"), trust_path.with_name("roots.json"))
    for path in beside:
        if path.is_file():
            return path
    named = os.environ.get(ROOTS_VARIABLE)
    if named:
        return Path(named)
    raise ConfigurationError(
        f"no root keys are pinned for {trust_path}: a list is believed only if they signed it",
        next_step=f"give --roots FILE, or set {ROOTS_VARIABLE}, or put roots.json beside the list"
        " (a copy you got by a way you trust, not from whoever sent the list)",
    )


def _contents(path: Path, what: str, limit_bytes: int, next_step: str) -> bytes:
    from authenticity.errors import ConfigurationError

    try:
        with path.open("rb") as file:
            contents = file.read(limit_bytes + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(
            f"the {what} {path} cannot be read: {reason}", next_step=next_step
        ) from error
    if len(contents) > limit_bytes:
        raise ConfigurationError(
            f"the {what} {path} is over {limit_bytes} bytes", next_step=next_step
        )
    return contents
