"""Where a ledger is: a file of SQLite, or a database of PostgreSQL."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

from authenticity.errors import ConfigurationError

EXAMPLE: Final = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"

_PARAMETERS: Final = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey", "passfile"})
"""Those that both drivers read alike. How long to wait and what to ask of the server is not
for the address to say."""
_SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A database of PostgreSQL. `url` holds the password: hand it to a driver, show it to
    nobody. `str` and `repr` leave it out."""

    url: str = field(repr=False)
    shown: str

    def __str__(self) -> str:
        return self.shown


LedgerAddress = Path | PostgresAddress


def read_address(text: str, *, password: str | None = None) -> PostgresAddress:
    """The address in a URL: `postgresql://user:password@host:port/database?sslmode=…`.

    Several hosts, with commas between, are tried in turn: the one that takes writes is
    chosen. `password`, as from a file, takes the place of that in the URL. Raises
    `ConfigurationError`, whose message does not repeat the text.
    """
    try:
        parts = urlsplit(text.strip())
        parameters = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise _bad("it is no URL") from None
    _check(parts, parameters)
    who, _, where = parts.netloc.rpartition("@")
    user, _, own_password = who.partition(":")
    secret = own_password if password is None else quote(password, safe="")
    database = parts.path.removeprefix("/")
    rest = f"{where}/{database}"
    options = f"?{parts.query}" if parts.query else ""
    signed_in = f"{user}:{secret}" if secret else user
    return PostgresAddress(
        f"postgresql://{signed_in}@{rest}{options}", f"postgresql://{user}@{rest}"
    )


def _check(parts: SplitResult, parameters: dict[str, str]) -> None:
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    where = parts.netloc.rpartition("@")[2]
    if parts.scheme not in ("postgresql", "postgres"):
        raise _bad("it does not begin with postgresql://")
    if not user:
        raise _bad("it names no user")
    if not where or not all(_is_host(host) for host in where.split(",")):
        raise _bad("it names no host, or a port that is none")
    if not parts.path.removeprefix("/") or "/" in parts.path[1:] or parts.fragment:
        raise _bad("it names no database (a # in a password is written %23)")
    if unknown := sorted(parameters.keys() - _PARAMETERS):
        raise _bad(f"it may not say {unknown[0]}", f"leave only {', '.join(sorted(_PARAMETERS))}")
    if parameters.get("sslmode", "prefer") not in _SSL_MODES:
        raise _bad("its sslmode is not known", f"choose one of {', '.join(_SSL_MODES)}")


def _is_host(text: str) -> bool:
    host, port = text, "5432"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if rest else port
    elif ":" in text:
        host, _, port = text.partition(":")
    return bool(host) and port.isascii() and port.isdigit() and 0 < int(port) < 65_536


def _bad(reason: str, next_step: str = f"write it as {EXAMPLE}") -> ConfigurationError:
    return ConfigurationError(
        f"the address of the ledger cannot be used: {reason}", next_step=next_step
    )
