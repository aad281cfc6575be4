"""Every setting of the service, from the environment, read once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final
from urllib.parse import urlsplit

from authenticity.errors import ConfigurationError

Network = IPv4Network | IPv6Network

_PREFIX: Final = "TOUCHSTONE_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes, counts and times beyond which the service refuses or answers without.

    Token and ledger together stay below the 1.5 s within which an answer is owed. A stream
    ends within 5 s of its token: `token_known_s` and `stream_token_every_s` are most of them.
    `…_per_minute` and `…_burst` are in checks: one code each. `bodies_in_flight_bytes` is
    the sum over all bodies larger than a scan that are being read or answered. `head_…` are
    request line and headers together; `answer_stalls_s`: a client that reads nothing for
    that long is cut off. `stream_again_s`: how long a stream waits before it asks once more
    what it was not told; `stream_end_within_s`: how long it has to end by itself.
    """

    token_within_s: float = 0.3
    ledger_within_s: float = 1.1
    publish_within_s: float = 1.1
    body_within_s: float = 10.0
    scan_body_bytes: int = 16_384
    bulk_body_bytes: int = 16 * 1_048_576
    bulk_lines: int = 10_000
    bodies_in_flight_bytes: int = 64 * 1_048_576
    anonymous_bodies_in_flight_bytes: int = 16 * 1_048_576
    page_records: int = 200
    trust_list_every_s: float = 1.0
    trust_list_fresh_s: float = 60.0
    token_known_s: float = 2.0
    tokens_known: int = 1_024
    codes_known: int = 16_384
    anonymous_per_minute: float = 240.0
    anonymous_burst: int = 120
    token_per_minute: float = 60_000.0
    token_burst: int = 20_000
    addresses_known: int = 50_000
    readiness_known_s: float = 1.0
    head_bytes: int = 32_768
    head_fields: int = 100
    head_within_s: float = 10.0
    connections: int = 4_000
    connections_per_address: int = 256
    answer_stalls_s: float = 30.0
    addresses_located: int = 16_384
    geo_files_every_s: float = 5.0
    streams: int = 200
    streams_per_token: int = 5
    stream_heartbeat_s: float = 15.0
    stream_poll_s: float = 0.25
    stream_token_every_s: float = 1.0
    stream_batch: int = 200
    stream_again_s: float = 1.0
    stream_end_within_s: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`report_url` is where the page sends people who want to report a fake.

    `trusted_proxies`: only their X-Forwarded-For is believed. `access_log` writes one
    structured line a request (method, route, status, milliseconds; no address, no code).
    """

    report_url: str | None = None
    trusted_proxies: tuple[Network, ...] = ()
    access_log: bool = False
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises `ConfigurationError` naming the variable."""
        return cls(
            report_url=_report_url(environ),
            trusted_proxies=_networks(environ),
            access_log=environ.get(_PREFIX + "ACCESS_LOG", "") not in ("", "0", "false"),
            limits=Limits(
                anonymous_per_minute=_positive(environ, "ANONYMOUS_PER_MINUTE", 240.0),
                anonymous_burst=int(_positive(environ, "ANONYMOUS_BURST", 120)),
                token_per_minute=_positive(environ, "TOKEN_PER_MINUTE", 60_000.0),
                token_burst=int(_positive(environ, "TOKEN_BURST", 20_000)),
                connections=int(_positive(environ, "CONNECTIONS", 4_000)),
                connections_per_address=int(_positive(environ, "CONNECTIONS_PER_ADDRESS", 256)),
            ),
        )


def _positive(environ: Mapping[str, str], name: str, otherwise: float) -> float:
    text = environ.get(_PREFIX + name)
    if text is None:
        return otherwise
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 1 <= number <= 1e9:
        raise ConfigurationError(
            f"{_PREFIX}{name}={text!r} is not a number of at least 1",
            next_step=f"set it like {_PREFIX}{name}={otherwise:g}, or leave it out",
        )
    return number


def _report_url(environ: Mapping[str, str]) -> str | None:
    text = environ.get(_PREFIX + "REPORT_URL")
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.netloc:
        raise ConfigurationError(
            f"{_PREFIX}REPORT_URL={text!r} is not a web address",
            next_step="set it like https://reports.example/fake",
        )
    return text


def _networks(environ: Mapping[str, str]) -> tuple[Network, ...]:
    text = environ.get(_PREFIX + "TRUSTED_PROXIES", "")
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ConfigurationError(
            f"{_PREFIX}TRUSTED_PROXIES: {error}",
            next_step="list networks with commas, like 10.0.0.0/8,fd00::/8",
        ) from error
