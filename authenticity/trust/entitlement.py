"""Whose an item is: the longest company prefix of the trust list decides, for everything.

What a caller may read, change and act on, and what signatures stand for, must never be told
by another comparison of prefixes than those of this module and of `TrustList.issuer_of`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from authenticity.gs1.item import EntityId, ItemId, gtin_of
from authenticity.trust.issuers import TrustList


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The GTINs of a caller: of all prefixes here, the longest that a GTIN begins with decides.

    `held` opens what is under it, `sold` closes what is under it. Both are company prefixes
    as GS1 allots them: a GTIN-14 carries them from its second digit on.
    """

    held: frozenset[str]
    sold: frozenset[str] = frozenset()
    lengths: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """Of all prefixes, the longest first."""

    def __post_init__(self) -> None:
        lengths = sorted({len(prefix) for prefix in self.held | self.sold}, reverse=True)
        object.__setattr__(self, "lengths", tuple(lengths))

    def holds(self, gtin: str) -> bool:
        """Whether this 14-digit GTIN is theirs."""
        for length in self.lengths:
            prefix = gtin[1 : length + 1]
            if prefix in self.held:
                return True
            if prefix in self.sold:
                return False
        return False

    def opens(self, about: ItemId | EntityId) -> bool:
        """Whether this item, batch or custody leg is of a GTIN of theirs.

        Scanners and texts that name no item are nobody's.
        """
        gtin = gtin_of(ItemId(about))
        return gtin is not None and self.holds(gtin)


NOTHING: Final = Entitlement(frozenset())


def entitlement_of(prefixes: Iterable[str], trust_list: TrustList) -> Entitlement:
    """What these company prefixes open under this list.

    A prefix stands for the issuer that the list names for it, if any. It opens the GTINs
    under it that are this issuer's: a range that the list gives to another is cut out, and
    what that other gave back is in again. Where the list names nobody for the prefix, it
    opens what the list gives to nobody.
    """
    own = {prefix: trust_list.issuer_of_prefix(prefix) for prefix in prefixes}
    held: set[str] = set(own)
    sold: set[str] = set()
    for listed, issuer in trust_list.prefixes():
        covering = [owner for prefix, owner in own.items() if listed.startswith(prefix)]
        if covering:
            (held if any(owner is issuer for owner in covering) else sold).add(listed)
    return Entitlement(frozenset(held), frozenset(sold - held))
