"""A policy as TOML: read with every refusal naming line and key, and written.

What a file leaves out keeps its default; what `[issuer."ID"]` leaves out is as in the rest
of the file. `docs/reference/policy.md` describes every key.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from enum import StrEnum
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from authenticity.detection.policy import (
    DEFAULT_POLICY,
    ClonePolicy,
    EntityPolicy,
    MarketPolicy,
    Policy,
    Severity,
)
from authenticity.errors import InputError, PolicyError
from authenticity.limits import LIMITS
from authenticity.records.countries import known_country
from authenticity.records.place import Country, PlaceSource
from authenticity.records.scan import Channel

MOST_CHARACTERS: Final = 1_048_576
_LARGEST: Final = 1_000_000_000
_NEXT_STEP: Final = "correct the line; docs/reference/policy.md describes every key"
_COUNTRIES: Final = f'at most {LIMITS.markets} countries, two capitals each, like ["AT", "DE"]'

Path = tuple[str, ...]
_Rules = MarketPolicy | ClonePolicy | EntityPolicy | Policy
_Table = TypeVar("_Table", MarketPolicy, ClonePolicy, EntityPolicy, Policy)


class _Refused(Exception):  # noqa: N818 - a signal to `read_policy`, which knows the lines
    def __init__(self, path: Path, problem: str, allowed: str) -> None:
        super().__init__(problem)
        self.path, self.problem, self.allowed = path, problem, allowed


def read_policy(text: str) -> Policy:
    """The policy written in this TOML.

    Raises `PolicyError` naming line, key and what is allowed there.
    """
    if len(text) > MOST_CHARACTERS:
        raise PolicyError(
            f"policy of {len(text):,} characters; the limit is {MOST_CHARACTERS:,}",
            next_step="leave out what keeps its default",
        )
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_toml(text, error) from None
    try:
        return _policy(values)
    except _Refused as refused:
        line, key = _line_of(refused.path, text), _dotted(refused.path)
        raise PolicyError(
            f"policy line {line}: {key} {refused.problem}; allowed: {refused.allowed}",
            next_step=_NEXT_STEP,
        ) from None


def write_policy(policy: Policy) -> str:
    """TOML with every key; `read_policy` gives the same policy back."""
    lines = [*_lines(policy, ())]
    for issuer, own in sorted(policy.issuer.items()):
        lines += _lines(own, ("issuer", issuer))
    return "\n".join(lines).strip("\n") + "\n"


def _policy(values: dict[str, Any]) -> Policy:
    issuers = values.pop("issuer", {})
    whole = _filled(DEFAULT_POLICY, values, (), _OF_POLICY)
    of_issuer: dict[str, Policy] = {}
    for issuer, table in _table(issuers, ("issuer",)).items():
        path = ("issuer", issuer)
        if not _is_name(issuer, LIMITS.name_characters):
            raise _Refused(path, "is no issuer's id", f"1 to {LIMITS.name_characters} characters")
        of_issuer[issuer] = _filled(whole, _table(table, path), path, _OF_ISSUER)
    return replace(whole, issuer=of_issuer)


_Read = Callable[[object, Path, Any], Any]
"""Takes a value, where it stands, and what holds if it is left out."""


def _filled(
    known: _Table, values: dict[str, Any], at: Path, readers: Mapping[str, _Read]
) -> _Table:
    """`known` with these values in it."""
    changes: dict[str, Any] = {}
    for key, value in values.items():
        path = (*at, key)
        if key not in readers:
            raise _Refused(path, "is not known here", _names(key, readers))
        changes[key] = readers[key](value, path, getattr(known, key))
    return replace(known, **changes)


def _names(key: str, allowed: Mapping[str, object]) -> str:
    """What is allowed, for a message; a name spelled much like `key` comes first."""
    close = get_close_matches(key, allowed, 1)
    return ", ".join([*close, *(name for name in allowed if name not in close)])


def _rules(readers: Mapping[str, _Read], value: object, path: Path, known: Any) -> Any:
    return _filled(known, _table(value, path), path, readers)


def _table(value: object, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Refused(path, "is no table", f"[{_dotted(path)}] with keys below it")
    return value


def _version(value: object, path: Path, _known: object) -> str:
    if not isinstance(value, str) or not _is_name(value, LIMITS.scan_id_characters):
        raise _Refused(path, f"is {value!r:.40}", f"1 to {LIMITS.scan_id_characters} characters")
    return value


def _is_name(text: str, most: int) -> bool:
    return 0 < len(text) <= most and text.isprintable()


def _whole(value: object, path: Path, _known: object) -> int:
    if type(value) is not int or not 0 < value <= _LARGEST:
        raise _Refused(path, f"is {value!r:.40}", f"a whole number from 1 to {_LARGEST:,}")
    return value


def _measure(value: object, path: Path, _known: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LARGEST:
        raise _Refused(path, f"is {value!r:.40}", f"a number above 0, at most {_LARGEST:,}")
    return float(value)


def _probability(value: object, path: Path, _known: object) -> float:
    if type(value) is not float or not 0 < value < 1:
        raise _Refused(path, f"is {value!r:.40}", "a probability above 0 and below 1, like 0.95")
    return value


_Member = TypeVar("_Member", bound=StrEnum)


def _one_of(kind: type[_Member], value: object, path: Path, _known: object) -> _Member:
    for member in kind:
        if value == member.value:
            return member
    raise _Refused(path, f"is {value!r:.40}", ", ".join(kind))


def _set_of(kind: type[_Member], value: object, path: Path, known: object) -> frozenset[_Member]:
    if not isinstance(value, list):
        raise _Refused(path, f"is {value!r:.40}", f"a list of: {', '.join(kind)}")
    return frozenset(_one_of(kind, each, path, known) for each in value)


def _countries(value: object, path: Path, _known: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise _Refused(path, f"is {value!r:.40}", _COUNTRIES)
    if len(value) > LIMITS.markets:
        raise _Refused(path, f"is a list of {len(value):,}", _COUNTRIES)
    for each in value:
        try:
            known_country(msgspec.convert(each, Country))
        except msgspec.ValidationError:
            raise _Refused(path, f"is {each!r:.40}", _COUNTRIES) from None
        except InputError as error:
            raise _Refused(path, f"is refused: {error}", _COUNTRIES) from None
    return frozenset(value)


def _each(kind: type[StrEnum], read: _Read, value: object, path: Path, known: Any) -> Any:
    """A table from members to numbers. Those left out keep what they have."""
    given = {
        _one_of(kind, key, (*path, key), None): read(number, (*path, key), None)
        for key, number in _table(value, path).items()
    }
    return {**known, **given}


_OF_MARKETS: Final[dict[str, _Read]] = {"also": _countries, "otherwise": _countries}
_OF_CLONE: Final[dict[str, _Read]] = {
    "speed_limit_kmh": _measure,
    "apart_km": _measure,
    "clock_tolerance_s": _whole,
    "radius_factor": partial(_each, PlaceSource, _measure),
    "prior": partial(_each, Channel, _probability),
    "threshold": partial(_each, Channel, _probability),
}
_OF_SUBJECT: Final[dict[str, _Read]] = {
    "campaign_prior": _probability,
    "campaign_threshold": _probability,
    "campaign_items": _whole,
    "campaign_item_nats": _measure,
    "campaign_networks": _whole,
    "campaign_chance": _probability,
    "probing_items": _whole,
    "poisoning_items": _whole,
    "poisoning_places": _whole,
    "colluding_items": _whole,
}
_OF_ISSUER: Final[dict[str, _Read]] = {
    "alert_from": partial(_one_of, Severity),
    "undo_window_days": _whole,
    "late_after_hours": _whole,
    "clock_skew_minutes": _whole,
    "elsewhere_km": _measure,
    "end_grace_hours": _whole,
    "end_anonymous_sessions": _whole,
    "diverted_sessions": _whole,
    "own_supply_chain": partial(_set_of, Channel),
    "markets": partial(_rules, _OF_MARKETS),
    "clone": partial(_rules, _OF_CLONE),
}
_OF_POLICY: Final[dict[str, _Read]] = {
    "version": _version,
    **_OF_ISSUER,
    "subject": partial(_rules, _OF_SUBJECT),
}


def _lines(rules: _Rules, at: Path) -> Iterator[str]:
    """The keys of one table, then its tables."""
    if at:
        yield f"\n[{_dotted(at)}]"
    tables: list[tuple[str, Any]] = []
    for name in (field.name for field in fields(rules)):
        value = getattr(rules, name)
        if name == "issuer" or (at[:1] == ("issuer",) and len(at) == 2 and name not in _OF_ISSUER):
            continue
        if isinstance(value, MarketPolicy | ClonePolicy | EntityPolicy | dict):
            tables.append((name, value))
        else:
            yield f"{name} = {_written(value)}"
    for name, value in tables:
        if isinstance(value, dict):
            yield f"\n[{_dotted((*at, name))}]"
            yield from (f"{key} = {_written(number)}" for key, number in sorted(value.items()))
        else:
            yield from _lines(value, (*at, name))


def _written(value: object) -> str:
    if isinstance(value, frozenset):
        return f"[{', '.join(_quoted(each) for each in sorted(value))}]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return msgspec.json.encode(str(text)).decode()  # a JSON string is a basic string of TOML


def _dotted(path: Path) -> str:
    bare = re.compile(r"[A-Za-z0-9_-]+")
    return ".".join(key if bare.fullmatch(key) else _shown(key) for key in path)


def _shown(key: str) -> str:
    return _quoted(key.encode("utf-8", "replace").decode())


def _no_toml(text: str, error: Exception) -> PolicyError:
    """tomllib says line and column in its words; the key is what stands on that line."""
    place = re.search(r"\(at line (\d+), column \d+\)", str(error))
    number = int(place[1]) if place else text.count("\n") + 1
    line = (text.split("\n")[number - 1 : number] or [""])[0].strip()
    reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    return PolicyError(
        f"policy line {number}: {line[:60]!r} is not TOML: {reason[:200]}", next_step=_NEXT_STEP
    )


def _line_of(path: Path, text: str) -> int:
    """The line that says this key: itself, or a table that it is in; 1 if none is found."""
    best, found = 0, 1
    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            here = table = _keys(stripped)
        else:
            here = (*table, *_assigned(stripped))
        shared = len(path) if here[: len(path)] == path else len(here) * (here == path[: len(here)])
        if here and shared > best:
            best, found = shared, number
    return found


def _assigned(line: str) -> Path:
    """The keys before the equals sign."""
    for sign in re.finditer("=", line[:1_000]):
        if keys := _keys(line[: sign.start()] + "=0"):
            return keys
    return ()


def _keys(line: str) -> Path:
    """The path of keys that this line alone makes in a document."""
    try:
        values: object = tomllib.loads(line)
    except (ValueError, RecursionError):
        return ()
    keys: list[str] = []
    while isinstance(values, dict | list) and values:
        if isinstance(values, dict):
            keys.append(next(iter(values)))
            values = values[keys[-1]]
        else:
            values = values[0]
    return tuple(keys)
