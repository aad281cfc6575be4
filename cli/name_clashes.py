"""Refuse an environment in which a package of ours is also somebody else's.

Our top-level names are plain words, and another distribution may bring one of them too
(opensearch-py brings `events`). A wheel cannot refuse to be installed, so the command
refuses to start. Imports nothing of ours, for that might be somebody else's already. What
is checked on every start takes a millisecond; metadata is read once something is wrong.
"""

import base64
import hashlib
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
    2. Both were installed into one folder: `__init__.py` was overwritten, or files lie
       there that we did not install, and another distribution says that they are its own.
    """
    for name in NAMES:
        found = find_spec(name)
        folder = root / name
        where = Path(found.origin).parent if found and found.origin else None
        if where is None or where.resolve() != folder.resolve():
            return Clash(name, _owner(name) or str(where or name))
    installed = _installed_files(root)
    for name in NAMES if installed else ():
        if _is_mixed(root / name, installed) and (owner := _owner(name)):
            return Clash(name, owner)
    return None


def _installed_files(root: Path) -> dict[str, str]:
    """What the installer wrote, with its digest (RECORD); empty in a checkout."""
    files: dict[str, str] = {}
    for record in root.glob(f"{DISTRIBUTION.replace('-', '_')}-*.dist-info/RECORD"):
        for line in record.read_text(encoding="utf-8").splitlines():
            path, _, rest = line.partition(",")
            files[path] = rest.partition(",")[0]
    return files if f"{NAMES[0]}/__init__.py" in files else {}


def _is_mixed(folder: Path, installed: dict[str, str]) -> bool:
    names = {path.removeprefix(f"{folder.name}/").partition("/")[0]
             for path in installed if path.startswith(f"{folder.name}/")}  # fmt: skip
    if any(entry.name not in names and entry.name != "__pycache__" for entry in folder.iterdir()):
        return True
    digest = hashlib.sha256((folder / "__init__.py").read_bytes()).digest()
    expected = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return installed.get(f"{folder.name}/__init__.py") != f"sha256={expected}"


def _owner(name: str) -> str | None:
    """Another distribution that brings this name."""
    from importlib.metadata import packages_distributions

    owners = {owner for owner in packages_distributions().get(name, ()) if owner != DISTRIBUTION}
    return min(owners, default=None)
