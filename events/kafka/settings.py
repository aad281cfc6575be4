"""How the Kafka cluster is reached, from the environment, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from authenticity.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

MOST_SERVERS: Final = 32
_MOST_PASSWORD_BYTES: Final = 4_096


class Security(StrEnum):
    """How the connection is protected. Plaintext is for one machine or a private network."""

    PLAINTEXT = "plaintext"
    SSL = "ssl"
    SASL_SSL = "sasl_ssl"
    SASL_PLAINTEXT = "sasl_plaintext"

    @property
    def encrypted(self) -> bool:
        """Whether TLS is used, with the server's certificate and name checked."""
        return self in (Security.SSL, Security.SASL_SSL)

    @property
    def authenticated(self) -> bool:
        """Whether a user and a password are sent."""
        return self in (Security.SASL_SSL, Security.SASL_PLAINTEXT)


class Sasl(StrEnum):
    """How user and password are proven (RFC 4616, RFC 5802, RFC 7677)."""

    PLAIN = "plain"
    SCRAM_SHA_256 = "scram-sha-256"
    SCRAM_SHA_512 = "scram-sha-512"


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """`servers`: "host:port" each. The password is read from its file when it is needed,
    so that no repr, log or crash report can show it, and a rotated one is taken up.
    """

    servers: tuple[str, ...]
    security: Security = Security.PLAINTEXT
    ca: Path | None = None
    sasl: Sasl | None = None
    user: str | None = None
    password_file: Path | None = None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "KafkaSettings | None":
        """None if TOUCHSTONE_KAFKA is not set. Raises `ConfigurationError` naming the variable."""
        servers = env.get("TOUCHSTONE_KAFKA", "").strip()
        if not servers:
            return None
        security = _choice(env, "TOUCHSTONE_KAFKA_SECURITY", Security, Security.PLAINTEXT)
        ca = _file(env, "TOUCHSTONE_KAFKA_CA")
        if ca is not None and not security.encrypted:
            raise ConfigurationError(
                f"TOUCHSTONE_KAFKA_CA is set, but TOUCHSTONE_KAFKA_SECURITY={security} has no TLS",
                next_step="set TOUCHSTONE_KAFKA_SECURITY to ssl or sasl_ssl",
            )
        if not security.authenticated:
            return cls(_servers(servers), security, ca)
        return cls(
            _servers(servers),
            security,
            ca,
            _choice(env, "TOUCHSTONE_KAFKA_SASL", Sasl, Sasl.SCRAM_SHA_512),
            _required(env, "TOUCHSTONE_KAFKA_USER", security),
            Path(_required(env, "TOUCHSTONE_KAFKA_PASSWORD_FILE", security)),
        )

    def password(self) -> str | None:
        """The password as its file holds it now, without the newline at its end.

        Raises `ConfigurationError`.
        """
        if self.password_file is None:
            return None
        try:
            with self.password_file.open("rb") as file:
                raw = file.read(_MOST_PASSWORD_BYTES + 1)
        except OSError as error:
            raise ConfigurationError(
                f"cannot read the file of TOUCHSTONE_KAFKA_PASSWORD_FILE: {error.strerror}",
                next_step=f"check that {self.password_file} exists and that this user may read it",
            ) from None
        text = raw.decode("utf-8", "replace").rstrip("\r\n")
        if not text or len(raw) > _MOST_PASSWORD_BYTES or "\ufffd" in text:
            raise ConfigurationError(
                f"{self.password_file} holds no password",
                next_step="write the password alone into it, as UTF-8",
            )
        return text

    def tls(self) -> "ssl.SSLContext | None":
        """The client's side of TLS: certificate and host name are always checked.

        Raises `ConfigurationError`.
        """
        if not self.security.encrypted:
            return None
        import ssl  # half of what starting the command costs, and seldom needed

        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"{self.ca} cannot be used as TOUCHSTONE_KAFKA_CA: {error}",
                next_step="give a PEM file with the certificate of the brokers' authority",
            ) from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


_Choice = TypeVar("_Choice", Security, Sasl)


def _choice(env: Mapping[str, str], name: str, kind: type[_Choice], default: _Choice) -> _Choice:
    text = env.get(name, "").strip() or default.value
    try:
        return kind(text.lower())
    except ValueError:
        raise ConfigurationError(
            f"{name}={text!r} is not known", next_step=f"use one of: {', '.join(kind)}"
        ) from None


def _required(env: Mapping[str, str], name: str, security: Security) -> str:
    text = env.get(name, "").strip()
    if not text:
        raise ConfigurationError(
            f"TOUCHSTONE_KAFKA_SECURITY={security} needs {name}, which is not set",
            next_step=f"set {name}",
        )
    return text


def _file(env: Mapping[str, str], name: str) -> Path | None:
    text = env.get(name, "").strip()
    if not text:
        return None
    path = Path(text)
    if not path.is_file():
        raise ConfigurationError(f"{name}: there is no file {path}", next_step="mend the path")
    return path


def _servers(text: str) -> tuple[str, ...]:
    servers = tuple(part.strip() for part in text.split(",") if part.strip())
    if not 1 <= len(servers) <= MOST_SERVERS:
        raise _no_servers(text, f"name 1 to {MOST_SERVERS} servers")
    for server in servers:
        host, _, port = server.rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        bare = host.strip("[]") if bracketed else host
        if not bare or "/" in bare or "@" in bare or (":" in bare and not bracketed):
            raise _no_servers(text, f"{server!r} is not host:port")
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535):
            raise _no_servers(text, f"{server!r} has no port between 1 and 65535")
    return servers


def _no_servers(text: str, reason: str) -> ConfigurationError:
    shown = text if "@" not in text else "…"  # somebody may have put a password there
    return ConfigurationError(
        f"TOUCHSTONE_KAFKA={shown!r}: {reason if '@' not in text else 'it takes no user'}",
        next_step="list brokers like broker-1:9092,broker-2:9092",
    )
