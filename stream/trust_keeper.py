"""The trust list in force, and the refusal of every older one."""

from datetime import datetime

from authenticity.trust.trust_list import Roots, TrustList, read_next_trust_list


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
        self.trust_list = read_next_trust_list(document, self._roots, self.trust_list, at=at)
        return self.trust_list
