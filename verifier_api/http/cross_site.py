"""Refuses posts that another site's page makes a browser send.

Nothing here takes cookies, so such a post acts for nobody; but it records a scan from the
visitor's address, and a page with many visitors would speak from many addresses.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from verifier_api.http.problems import CROSS_SITE, Problem

SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_NAMES: Final = frozenset((b"sec-fetch-site", b"origin", b"host"))

_LONGEST: Final = 300
"""A host name has 253 characters."""


def refuse_cross_site(scope: Mapping[str, Any]) -> None:
    """Raise `Problem` 403 unless the request comes from our own page or from no page.

    `Sec-Fetch-Site` (W3C Fetch Metadata) decides where it says `same-origin`, `none` or
    `cross-site`. Else `Origin` (RFC 6454), if there is one, must name the host of the
    request. Programs send neither. A proxy must pass on `Host` as it came.
    """
    given = {name: value for name, value in reversed(scope["headers"]) if name in _NAMES}
    site = given.get(b"sec-fetch-site")
    if site in (b"same-origin", b"none"):
        return
    origin = given.get(b"origin")
    if site != b"cross-site" and (origin is None or _names(origin, given.get(b"host", b""))):
        return
    raise Problem(
        CROSS_SITE,
        "a page of another site may not make its visitors record anything here",
        "open the printed code itself, or send it from a program, without Origin and "
        "Sec-Fetch-Site",
    )


def _names(origin: bytes, host: bytes) -> bool:
    """Whether the origin is on this host. Its scheme is not compared: a proxy ends TLS."""
    if max(len(origin), len(host)) > _LONGEST:  # `urlsplit` remembers what it is given
        return False
    try:
        parts = urlsplit(origin.decode("latin-1").lower())
        asked = urlsplit(f"//{host.decode('latin-1').lower()}")
        default = {"https": 443, "http": 80}.get(parts.scheme)
        ports = (parts.port or default, asked.port or default)
    except ValueError:
        return False
    return bool(parts.hostname) and parts.hostname == asked.hostname and ports[0] == ports[1]
