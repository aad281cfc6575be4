"""The newest trust list that this user was handed, so that an older one is noticed.

Whoever brings the list to a place without a network could bring one from before a revocation.
A file of the user's own remembers the highest version for each set of root keys.
"""

import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from authenticity.errors import ConfigurationError, TrustListError, UnavailableError
from cli.support.console import warn

if TYPE_CHECKING:
    from authenticity.trust.jws import Roots
    from authenticity.trust.trust_list import TrustList

_FILE: Final = "trust-lists.json"
_BYTES: Final = 1_048_576


class ListSeen(Struct, frozen=True):
    """The newest list of one set of roots. `digest`: SHA-256 of its payload, hex."""

    version: int
    digest: str


def refuse_older(
    trust_list: "TrustList",
    roots: "Roots",
    *,
    allow: bool = False,
    renew: str = "get the newest list",
) -> None:
    """Raise `TrustListError` for a list older than one that was seen under these roots, and for
    another list of the same version; else remember it. `allow` says so and goes on. `renew`:
    what to do about an older one.

    Where nothing can be remembered, a warning says so.
    """
    from authenticity.trust.jws import encode_roots
    from keys.durable_files import locked, write_durably

    name = sha256(encode_roots(roots)).hexdigest()
    folder = _state_folder()
    now = ListSeen(trust_list.version, trust_list.digest)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(folder / ".lock", f"the memory of trust lists in {folder}"):
            seen = _seen(folder / _FILE)
            if not _follows(now, seen.get(name)):
                if not allow:
                    raise _refusal(now, seen[name], folder / _FILE, renew)
                warn(f"trust list {now.version} is not the newest you were handed")
            elif seen.get(name) != now:
                content = msgspec.json.encode(seen | {name: now}, order="sorted")
                write_durably(folder / _FILE, content + b"\n")
    except (OSError, UnavailableError) as error:
        warn(f"which trust list is the newest cannot be remembered: {error}")


def _follows(now: ListSeen, known: ListSeen | None) -> bool:
    return known is None or now.version > known.version or now == known


def _refusal(now: ListSeen, known: ListSeen, memory: Path, renew: str) -> TrustListError:
    if now.version == known.version:
        what = f"this is another trust list of version {now.version} than the one you had"
    else:
        what = f"this trust list is of version {now.version}; you had version {known.version}"
    return TrustListError(
        f"{what}: keys may have been revoked since",
        next_step=f"{renew}, or say --allow-older-list if you know why (remembered in {memory})",
    )


def _state_folder() -> Path:
    """XDG Base Directory Specification 0.8: a relative path counts as none."""
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    try:
        return (named if named.is_absolute() else Path.home() / ".local/state") / "touchstone"
    except RuntimeError as error:
        raise ConfigurationError(
            f"there is no folder to remember trust lists in: {error}",
            next_step="set XDG_STATE_HOME to a folder of your own",
        ) from None


def _seen(path: Path) -> dict[str, ListSeen]:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_BYTES), type=dict[str, ListSeen])
    except FileNotFoundError:
        return {}
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the memory of trust lists {path} cannot be read: {error}",
            next_step="move it away, and give the newest trust list first",
        ) from None
