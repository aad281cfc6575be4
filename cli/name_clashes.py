"""Refuse an environment in which a package of ours is also somebody else's.

Our top-level names are plain words, and another distribution may bring one of them too
(`Events`, which opensearch-py depends on, brings `events`). A wheel cannot refuse to be
installed, so the command refuses to start. Imports nothing of ours, for that might be
somebody else's already.
"""

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

DISTRIBUTION: Final = "touchstone-authenticity"
NAMES: Final = (
    "authenticity", "keys", "events", "ledger", "producers", "stream", "verifier_api", "cli",
)  # fmt: skip
EXIT_WRONG_USE: Final = 2


class Clash(NamedTuple):
    """A name of ours, and who brings it too: a distribution, or the path of a package."""

    name: str
    other: str

    def __str__(self) -> str:
        return (
            f"error: {self.other} brings a package named {self.name!r} too, so touchstone cannot"
            f" run in this environment; install it on its own: uv tool install {DISTRIBUTION},"
            " or use the container image"
        )


def refuse_name_clashes() -> None:
    """End the program with exit code 2 and one line on stderr if a name is taken twice."""
    clash = find_clash(Path(__file__).parents[1])
    if clash is not None:
        sys.stderr.write(f"{clash}\n")
        sys.exit(EXIT_WRONG_USE)


def find_clash(root: Path) -> Clash | None:
    """The first of our names that is not ours alone; `root` is the folder of our packages.

    1. The name is found elsewhere first, as with an earlier folder on the path.
    2. Another distribution has installed files under it into the same folder, whoever of the
       two overwrote the other.
    """
    for name in NAMES:
        found = find_spec(name)
        folder = root / name
        where = Path(found.origin).parent if found and found.origin else None
        if where is None or where.resolve() != folder.resolve():
            return Clash(name, _owner(name) or str(where or name))
    return _shared_folder(root)


_FILE_OF_OURS: Final = re.compile(
    rb"^(" + "|".join(NAMES).encode() + rb")(?:/|\.py,)", re.MULTILINE
)


def _shared_folder(root: Path) -> Clash | None:
    """What other distributions in this folder say that they have installed (RECORD)."""
    ours = DISTRIBUTION.replace("-", "_")
    if not any(root.glob(f"{ours}-*.dist-info")):
        return None  # a checkout
    for record in sorted(root.glob("*.dist-info/RECORD")):
        if record.parent.name.startswith(f"{ours}-"):
            continue
        if found := _FILE_OF_OURS.search(record.read_bytes()):
            from importlib.metadata import Distribution

            return Clash(found[1].decode(), Distribution.at(record.parent).metadata["Name"])
    return None


def _owner(name: str) -> str | None:
    """Another distribution that brings this name."""
    from importlib.metadata import packages_distributions

    owners = {owner for owner in packages_distributions().get(name, ()) if owner != DISTRIBUTION}
    return min(owners, default=None)
