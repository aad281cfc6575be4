"""The trust list in force in this process, kept fresh in the background."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from hashlib import sha256

from authenticity.errors import TouchstoneError, TrustListError
from authenticity.limits import LIMITS
from authenticity.trust.entitlement import Entitlement, entitlement_of
from authenticity.trust.trust_list import Roots, TrustList, read_next_trust_list
from authenticity.trust.verify import SignatureCheck, check_signature
from ledger.protocols import LedgerReader

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrustInForce:
    """One trust list, the document it came from, and the signatures checked under it.

    `check_signature` remembers a bounded number of codes: checking a signature costs fifty times
    finding it here. `entitlement_of` remembers as many sets of company prefixes: each costs a
    walk through the list.
    """

    trust_list: TrustList
    document: bytes
    etag: str
    check_signature: Callable[[str], SignatureCheck]
    entitlement_of: Callable[[tuple[str, ...]], Entitlement]


class TrustWatch:
    """Reads the newest document from the ledger; one that the roots signed comes into force.

    An older list, another list of the same version, or one the roots did not sign
    leaves the present one in force. `read_at` is when a document was last read, None
    before the first.
    """

    def __init__(
        self,
        reader: LedgerReader,
        roots: Roots,
        clock: Callable[[], datetime],
        *,
        codes_known: int,
    ) -> None:
        self._reader = reader
        self._roots = roots
        self._clock = clock
        self._codes_known = codes_known
        self._refused = b""
        self.current: TrustInForce | None = None
        self.read_at: datetime | None = None

    async def watch(self, every_s: float) -> None:
        """Refresh until cancelled; what fails is tried again next time."""
        while True:
            try:
                async with asyncio.timeout(max(every_s, 1.0) * 5):
                    await self.refresh()
            except (TouchstoneError, TimeoutError) as error:
                log.warning("trust list not refreshed: %s", error or "the ledger is too slow")
            await asyncio.sleep(every_s)

    async def refresh(self) -> None:
        """Read the newest document; a refused one is logged once."""
        document = await self._reader.trust_list()
        if document is None or document == self._refused:
            return
        if self.current is None or document != self.current.document:
            try:
                self._accept(document)
            except TrustListError as error:
                self._refused = document
                log.error("trust list refused: %s; %s", error, error.next_step)
                return
        self.read_at = self._clock()

    def _accept(self, document: bytes) -> None:
        held = self.current.trust_list if self.current else None
        trust_list = read_next_trust_list(document, self._roots, held, at=self._clock())
        self.current = in_force(trust_list, document, codes_known=self._codes_known)


def in_force(trust_list: TrustList, document: bytes, *, codes_known: int) -> TrustInForce:
    """This list with an empty memory of codes.

    `functools.lru_cache`: several threads use it, and cachetools is neither safe nor fast there.
    """

    @lru_cache(maxsize=codes_known)
    def remembered(code_text: str) -> SignatureCheck:
        return check_signature(code_text, trust_list)

    def checked(code_text: str) -> SignatureCheck:
        if len(code_text) > LIMITS.code_characters:  # refused at once, and costly to keep
            return check_signature(code_text, trust_list)
        return remembered(code_text)

    etag = f'"{sha256(document).hexdigest()[:32]}"'
    entitlements = lru_cache(maxsize=codes_known)(partial(entitlement_of, trust_list=trust_list))
    return TrustInForce(trust_list, document, etag, checked, entitlements)
