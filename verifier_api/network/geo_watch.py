"""Which files of addresses there are, and keeping what was read of them fresh."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from authenticity.errors import ConfigurationError
from verifier_api.network.databases import NOWHERE, AddressDatabase, place_of
from verifier_api.network.derivation import GeoSources
from verifier_api.network.relay_ranges import read_relay_ranges

log = logging.getLogger(__name__)


class GeoFile(StrEnum):
    """What a file is for. The value is also the field of `GeoSources`."""

    CITY = "city"
    ASN = "asn"
    RELAYS = "relays"


SETTINGS: Final = {
    GeoFile.CITY: "TOUCHSTONE_GEO_CITY",
    GeoFile.ASN: "TOUCHSTONE_GEO_ASN",
    GeoFile.RELAYS: "TOUCHSTONE_GEO_RELAYS",
}
_DEFAULTS: Final = {
    GeoFile.CITY: ("city.mmdb", "country.mmdb"),
    GeoFile.ASN: ("asn.mmdb",),
    GeoFile.RELAYS: ("relays.csv", "relays.txt"),
}
FOLDER: Final = "geo"


@dataclass(frozen=True, slots=True)
class GeoFiles:
    """Where each file may be: the first that exists counts. `named`: those that a setting
    names, which ought to exist."""

    candidates: Mapping[GeoFile, tuple[Path, ...]] = field(default_factory=dict)
    named: frozenset[GeoFile] = frozenset()

    @classmethod
    def find(cls, environ: Mapping[str, str], data: Path) -> "GeoFiles":
        """From the settings, else the folder `geo` of the data folder."""
        candidates = {
            kind: tuple(data / FOLDER / name for name in names) for kind, names in _DEFAULTS.items()
        }
        given = {kind: Path(path) for kind, name in SETTINGS.items() if (path := environ.get(name))}
        candidates |= {kind: (path,) for kind, path in given.items()}
        return cls(candidates, frozenset(given))

    def path(self, kind: GeoFile) -> Path | None:
        """The file to read; None where there is none and none was named."""
        candidates = self.candidates.get(kind, ())
        found = next((path for path in candidates if _may_be_there(path)), None)
        return found or (candidates[0] if kind in self.named else None)


@dataclass(frozen=True, slots=True)
class GeoFileState:
    """`value`: what was read, of the field of `GeoSources`. `problem`: why the file that is
    there now is not in force; what was read before stays so."""

    path: Path | None = None
    version: tuple[object, ...] | None = None
    value: Any = None
    problem: ConfigurationError | None = None


class GeoWatch:
    """Reads files that changed (by name, inode, times and size) and hands them over together."""

    def __init__(self, files: GeoFiles, use: Callable[[GeoSources], None]) -> None:
        self._files = files
        self._use = use
        self.states: dict[GeoFile, GeoFileState] = {kind: GeoFileState() for kind in GeoFile}

    async def watch(self, every_s: float) -> None:
        """Refresh until cancelled, whatever a refresh meets."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.refresh()
            except Exception:
                log.exception("the files of addresses could not be looked at")

    async def refresh(self) -> None:
        """Read what changed, in a thread; what cannot be read is logged once."""
        states = await asyncio.to_thread(self._next_states)
        if states != self.states:
            for kind, state in states.items():
                if state != self.states[kind]:
                    _log_change(kind, state)
            self.states = states
            self._use(sources_of(states))

    def _next_states(self) -> dict[GeoFile, GeoFileState]:
        return {kind: next_state(self._files, kind, state) for kind, state in self.states.items()}


def sources_of(states: Mapping[GeoFile, GeoFileState]) -> GeoSources:
    """What was read of the files, in force or not."""
    return GeoSources(**{kind.value: state.value for kind, state in states.items()})


def next_state(files: GeoFiles, kind: GeoFile, state: GeoFileState) -> GeoFileState:
    """The state after a look at the file. Raises nothing."""
    path = files.path(kind)
    version = None if path is None else _version(path)
    if (path, version) == (state.path, state.version):
        return state
    state = replace(state, path=path, version=version, problem=None)
    try:
        if path is not None:
            return replace(state, value=_READERS[kind](path))
    except ConfigurationError as error:
        return replace(state, problem=error)
    except Exception as error:
        return replace(state, problem=_unforeseen(path, error))
    return state if state.value is None else replace(state, problem=_gone(kind))


def _gone(kind: GeoFile) -> ConfigurationError:
    return ConfigurationError(
        f"the {kind} file of addresses is gone",
        next_step="put it back, or restart the service to do without it",
    )


def _unforeseen(path: Path | None, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be used: {type(error).__name__}: {error}",
        next_step="put another file in its place, by renaming it",
    )


def _log_change(kind: GeoFile, state: GeoFileState) -> None:
    if state.problem is None:
        if state.path is not None:
            log.info("%s file of addresses: %s", kind, state.path)
        return
    kept = "; what was read before stays in use" if state.value is not None else ""
    log.error("%s%s; %s", state.problem, kept, state.problem.next_step)


def read_places(path: Path) -> AddressDatabase:
    """A file that says where addresses are. Raises `ConfigurationError` for another."""
    database = AddressDatabase(path)
    if all(place_of(row) == NOWHERE for row in database.sample):
        raise ConfigurationError(
            f"{path} ({database.type}) names neither countries nor places",
            next_step="give a city or country database; "
            f"one of networks belongs to {SETTINGS[GeoFile.ASN]}",
        )
    return database


_READERS: Final[Mapping[GeoFile, Callable[[Path], Any]]] = {
    GeoFile.CITY: read_places,
    GeoFile.ASN: AddressDatabase,
    GeoFile.RELAYS: read_relay_ranges,
}


def _may_be_there(path: Path) -> bool:
    """False only where there is nothing; what cannot be looked at is said when it is read."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True


def _version(path: Path) -> tuple[object, ...] | None:
    """What changes when the file does, or who may write it or its folder."""
    try:
        facts, folder = path.stat(), path.parent.stat()
    except (OSError, ValueError):
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, folder.st_mode
