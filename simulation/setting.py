"""What each number of a simulated world means: its unit, its range and where it is from.

Every field of the settings is annotated with a `Setting`. The table of the documentation, the
priors of drawn worlds and the check of a world before it is made all read these.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, NamedTuple, Union, get_args, get_origin, get_type_hints

ASSUMED: Final = "assumption"


class Setting(NamedTuple):
    """`least` and `most` are included. `source`: a publication, or `ASSUMED`."""

    unit: str
    least: float
    most: float
    source: str = ASSUMED


class NamedSetting(NamedTuple):
    """One number by its path from the whole, such as `noise.vpn`."""

    path: str
    setting: Setting


def share_of(what: str, source: str = ASSUMED) -> Setting:
    """A share of these, from 0 to 1."""
    return Setting(f"share of {what}", 0, 1, source)


@cache
def settings_of(kind: type[Any]) -> tuple[NamedSetting, ...]:
    """Every annotated field of this dataclass and of those within it, in their order."""
    return tuple(_settings_of(kind, ""))


def _settings_of(kind: type, prefix: str) -> Iterator[NamedSetting]:
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        hint, path = hints[field.name], prefix + field.name
        if get_origin(hint) is Annotated:
            meaning = next(each for each in get_args(hint) if isinstance(each, Setting))
            yield NamedSetting(path, meaning)
        elif (inner := _dataclass_in(hint)) is not None:
            yield from _settings_of(inner, f"{path}.")


def _dataclass_in(hint: Any) -> type | None:
    """The dataclass that this is, or may be beside None."""
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    found = [each for each in options if each is not NoneType and is_dataclass(each)]
    return found[0] if found and isinstance(found[0], type) else None


def value_at(settings: object, path: str) -> Any:
    """The value at this path; None if a part of the path is None."""
    for name in path.split("."):
        settings = None if settings is None else getattr(settings, name)
    return settings


def check_settings(settings: Any) -> None:
    """Raises `ValueError` for the first value that lies outside its range."""
    kind: Any = type(settings)
    for path, setting in settings_of(kind):
        value = value_at(settings, path)
        values = value if isinstance(value, tuple) else (value,)
        for one in values:
            if one is not None and not setting.least <= one <= setting.most:
                raise ValueError(
                    f"{path} is {one:g}, in {setting.unit}; it is {setting.least:g} to"
                    f" {setting.most:g}"
                )
