"""The trust list in force, the refusal of every older one, and whose batches it lets in."""

from datetime import datetime

from authenticity.errors import BatchError
from authenticity.records.batch import Batch
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


def entitled(batch: Batch, trust_list: TrustList) -> Batch:
    """The batch, if its issuer holds the GTIN's company prefix. Raises `BatchError`."""
    holder = trust_list.issuer_of(batch.gtin)
    if holder is None or holder.id != batch.issuer:
        raise BatchError(
            f"issuer {batch.issuer} does not hold the company prefix of {batch.gtin}",
            next_step="publish the trust list that names this issuer, then the batch again",
        )
    return batch
