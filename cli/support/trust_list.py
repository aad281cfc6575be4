"""Which trust list to believe, and which root keys it is measured by."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from cli.support.data import DataFolder

if TYPE_CHECKING:
    from authenticity.trust.jws import Roots
    from authenticity.trust.trust_list import TrustList

ROOTS_VARIABLE: Final = "TOUCHSTONE_ROOTS"
ROOTS_BYTES: Final = 262_144
_A_LIST: Final = (
    "make one with: touchstone keys export-trust-list; or name it with --trust-list FILE"
)
_ANOTHER_LIST: Final = (
    "get the list again from whoever signs it: touchstone keys export-trust-list writes it"
)


def load_trust_list(
    path: Path, roots_path: Path | None, at: datetime, *, allow_older: bool = False
) -> "TrustList":
    """The signed trust list in this file, for what codes prove now: none older than this user
    was handed before, unless that is allowed.

    `at` and errors as of `load_recorded_trust_list`.
    """
    from cli.support.lists_seen import refuse_older

    trust_list, roots = _load(path, roots_path, at)
    refuse_older(trust_list, roots, allow=allow_older)
    return trust_list


def load_recorded_trust_list(path: Path, roots_path: Path | None, at: datetime) -> "TrustList":
    """The signed trust list in this file, of whatever age, for scans that were recorded with it.

    `at` is the reader's own clock. Raises `TrustListError` for a list that the pinned root keys
    do not vouch for, `ConfigurationError` for a file that is missing, is no roots file, or may
    be changed by others.
    """
    return _load(path, roots_path, at)[0]


@contextmanager
def named_trust_list(path: Path) -> "Iterator[None]":
    """Name the file, and what to do, in a `TrustListError` that says neither."""
    from authenticity.errors import TrustListError

    try:
        yield
    except TrustListError as error:
        error.args = (f"{path}: {error}",)
        error.next_step = error.next_step or _ANOTHER_LIST
        raise


def read_trust_file(path: Path) -> bytes:
    """The document in this file, not read further. Raises `ConfigurationError`."""
    from authenticity.limits import LIMITS

    return _contents(path, "trust list", LIMITS.trust_list_bytes, _A_LIST)


def _load(path: Path, roots_path: Path | None, at: datetime) -> "tuple[TrustList, Roots]":
    from authenticity.trust.trust_list import read_roots, read_trust_list

    document = read_trust_file(path)
    roots = read_roots(_pinned(roots_path or find_roots(path)))
    with named_trust_list(path):
        return read_trust_list(document, roots, at=at), roots


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
    return read_roots(_pinned(path))


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


def _pinned(path: Path) -> bytes:
    """The roots file, if nobody but its owner could have put it there."""
    next_step = "name the root keys you trust: --roots FILE"
    return _contents(path, "roots file", ROOTS_BYTES, next_step, refuse=_refuse_open_to_others)


def _refuse_open_to_others(path: Path, file: BinaryIO) -> None:
    """Raise `ConfigurationError` if others may change the file, or put another in its place.

    In a folder with the sticky bit, as /tmp, only the owner of a file may replace it.
    """
    from authenticity.errors import ConfigurationError
    from verifier_api.open_to_others import open_to_others

    place = open_to_others(path, file)
    if place == path:
        raise ConfigurationError(
            f"others may change the root keys in {path}: whoever did is believed in everything",
            next_step=f"compare them with those you were given, then: chmod go-w {path}",
        )
    if place is not None:
        raise ConfigurationError(
            f"others may put other root keys in the place of {path}: they may write {place}",
            next_step=f"compare them with those you were given, then: chmod o-w {place}",
        )


def _contents(
    path: Path,
    what: str,
    limit_bytes: int,
    next_step: str,
    *,
    refuse: Callable[[Path, BinaryIO], None] | None = None,
) -> bytes:
    from authenticity.errors import ConfigurationError

    try:
        with path.open("rb") as file:
            if refuse is not None:
                refuse(path, file)
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
