"""The trust list in force, and the refusal of every older one."""

from datetime import datetime

from authenticity.errors import TrustListError
from authenticity.trust import Roots, TrustList, read_trust_list


class TrustKeeper:
    """Holds the newest list that the pinned roots vouch for."""

    def __init__(self, roots: Roots) -> None:
        self._roots = roots
        self.trust_list: TrustList | None = None

    def offer(self, document: bytes, at: datetime) -> TrustList:
        """Take this list if it may replace the one in force, and return it.

        `at` is this machine's clock. Raises `TrustListError` or one of its kinds; then
        the list in force stays. The very list in force may be offered again.
        """
        held = self.trust_list
        offered = read_trust_list(
            document, self._roots, at=at, seen_version=held.version if held else 0
        )
        if held and offered.version == held.version and offered.digest != held.digest:
            raise TrustListError(
                f"another trust list of version {held.version} is in force already",
                next_step="export the list again, so that its version grows",
            )
        self.trust_list = offered
        return offered
