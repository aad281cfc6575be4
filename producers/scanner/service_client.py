"""Publish scans through a service: `POST /v1/scans`, many at once, an answer for each line."""

import ipaddress
import ssl
import time
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import httpx
import msgspec

from authenticity.errors import ConfigurationError, InputError, UnavailableError
from authenticity.version import USER_AGENT

_LINES_AT_ONCE: Final = 500
_LINES_AT_ONCE_ANONYMOUS: Final = 50
_TOO_MANY: Final = 429
_LONGEST_WAIT_S: Final = 60.0
_WAITS: Final = 5
_TIMEOUT_S: Final = 30.0
_ANSWER_BYTES: Final = 32_000_000
_PATH: Final = "/v1/scans"

Answer = dict[str, Any]


class ScanService:
    """One service, by the URL that its API lives under, with a bearer token or anonymously."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Raises `ConfigurationError` for a URL that cannot be, or would show the token."""
        self._url = _checked(url, with_token=token is not None)
        self._headers = {
            "Content-Type": "application/x-ndjson",
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what is read is bounded before it is unpacked
            "User-Agent": USER_AGENT,
        }
        if token is not None:
            self._headers["Authorization"] = f"Bearer {_checked_token(token)}"
        self._client: httpx.Client | None = None
        self.lines_at_once = _LINES_AT_ONCE_ANONYMOUS if token is None else _LINES_AT_ONCE
        """How many lines to give to `publish`: services take few from those they do not know."""

    def publish(self, lines: Sequence[bytes]) -> list[Answer]:
        """One answer for each line (a Scan as JSON, at most `lines_at_once`), in order.

        Waits, a few times, when the service asks to be asked later.

        Raises `UnavailableError` where trying again can help, `InputError` where the
        service refuses the whole request. Either way nothing is known to be recorded;
        the same scans can be sent again and count once.
        """
        status, body = self._post_in_time(b"\n".join(lines) + b"\n")
        try:
            answer = msgspec.json.decode(body)
        except msgspec.DecodeError:
            raise UnavailableError(
                f"{self._url.netloc} answered {status} and no JSON",
                next_step="check --api: is it a Touchstone service?",
            ) from None
        if not 200 <= status < 300:
            raise _refusal(self._url.netloc, status, answer)
        results = answer.get("results") if isinstance(answer, dict) else answer
        if not isinstance(results, list) or len(results) != len(lines):
            raise UnavailableError(
                f"{self._url.netloc} did not answer every line", next_step="send the file again"
            )
        return results

    def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _post_in_time(self, body: bytes) -> tuple[int, bytes]:
        for _ in range(_WAITS):
            status, answer, wait_s = self._post(body)
            if status != _TOO_MANY or wait_s > _LONGEST_WAIT_S:
                break
            time.sleep(wait_s)
        return status, answer

    def _post(self, body: bytes) -> tuple[int, bytes, float]:
        """A kept connection may have been closed by the other side: then once more."""
        while True:
            kept = self._client is not None
            try:
                client = self._client or self._new_client()
                self._client = client
                with client.stream("POST", self._url.geturl() + _PATH, content=body) as response:
                    wait_s = _seconds(response.headers.get("Retry-After"))
                    return response.status_code, _bounded(response), wait_s
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                self.close()
                if not kept:
                    raise UnavailableError(
                        f"{self._url.netloc} cannot be reached: {error}",
                        next_step="check --api and the network, then send the file again",
                    ) from error

    def _new_client(self) -> httpx.Client:
        """Straight to the service: no proxy of the environment, no redirect, no .netrc."""
        return httpx.Client(
            headers=self._headers,
            timeout=_TIMEOUT_S,
            verify=ssl.create_default_context(),  # the certificates of the system
            trust_env=False,
        )


def _bounded(response: httpx.Response) -> bytes:
    """The body, of which at most `_ANSWER_BYTES` are kept."""
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) >= _ANSWER_BYTES:
            break
    return bytes(body[:_ANSWER_BYTES])


def _checked_token(token: str) -> str:
    """Raises `ConfigurationError` if a header cannot carry it, without showing it."""
    if token.isascii() and token.isprintable() and token == token.strip():
        return token
    raise ConfigurationError(
        "the token has a character that no token has, perhaps the end of a line",
        next_step="give it as `touchstone tokens create` printed it",
    )


def _checked(url: str, *, with_token: bool) -> SplitResult:
    parts = urlsplit(url.rstrip("/"))
    try:
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username:
        raise ConfigurationError(
            f"{url!r} is no service", next_step="give its URL, as --api https://verify.example"
        )
    if with_token and parts.scheme == "http" and not _is_here(parts.hostname or ""):
        raise ConfigurationError(
            "a token must not travel in the clear",
            next_step=f"use https://{parts.netloc}{parts.path}",
        )
    return parts


def _seconds(retry_after: str | None) -> float:
    """`Retry-After` in seconds (RFC 9110, section 10.2.3); a date is taken for a minute."""
    if retry_after is None or not retry_after.strip().isdigit():
        return _LONGEST_WAIT_S
    return max(0.1, float(retry_after))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refusal(netloc: str, status: int, problem: object) -> InputError | UnavailableError:
    facts = problem if isinstance(problem, dict) else {}
    detail = str(facts.get("detail") or facts.get("title") or "no reason given")[:500]
    message = f"{netloc} answered {status}: {detail}"
    next_step = str(facts.get("next_step") or "")[:500]
    if status == 429 or status >= 500:
        return UnavailableError(message, next_step=next_step or "try again in a minute")
    return InputError(message, next_step=next_step or "check the token and the scans")
