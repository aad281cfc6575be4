"""Where programs and data that are fetched once are kept."""

from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str]) -> Path:
    """TOUCHSTONE_CACHE, else the user's cache (XDG)."""
    if given := environ.get("TOUCHSTONE_CACHE"):
        return Path(given)
    if shared := environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "touchstone"
    return Path.home() / ".cache" / "touchstone"
