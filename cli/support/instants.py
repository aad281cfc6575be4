"""How an option names a moment: a time in ISO 8601 with its offset from UTC."""

from datetime import UTC, datetime

from authenticity.errors import ConfigurationError


def parse_instant(text: str, *, option: str) -> datetime:
    """The moment in aware UTC.

    Raises `ConfigurationError` for a text that is no time, has no offset, or is outside
    the years 1 to 9999 in UTC. `option` is the name to say then, as in `--at`.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ConfigurationError(
        f"{option} {text!r} is no time with an offset from UTC",
        next_step=f"write it as in {option} 2026-11-24T09:00:00Z",
    )
