"""The version of this program, as a constant: the core reads no files."""

from typing import Final

VERSION: Final = "0.1.0"
"""The same as in `pyproject.toml`; a test compares them."""

USER_AGENT: Final = f"touchstone/{VERSION}"
"""How our HTTP clients name themselves (RFC 9110, section 10.1.5)."""
