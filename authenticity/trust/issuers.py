"""Who may sign for which products: issuers, their keys, and the list of them.

The checks make a `TrustList` coherent by construction, whether it was read from a document
(`authenticity.trust.trust_list`) or is a new version to be signed (`keys.store`). They say
nothing about who signed it.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from authenticity.errors import TrustListError
from authenticity.limits import LIMITS
from authenticity.trust.keys import PublicKey
from authenticity.trust.signature_field import Algorithm
from authenticity.trust.verdict import IssuerId

_LARGEST_VERSION: Final = 2**53 - 1  # what every JSON reader holds exactly (RFC 8259, section 6)
_GTINS_REMEMBERED: Final = 65_536  # products are few; a search costs a lookup a prefix length
_ISSUER_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
_PREFIX: Final = re.compile(r"[0-9]{4,12}", re.ASCII)
_HOST: Final = re.compile(
    r"(?=.{1,259}\Z)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One key of one issuer. All times are aware UTC, all bounds inclusive.

    A code read before `not_before` or after `not_after`, or at or after
    `revoked_at`, does not stand on this key.
    """

    slot: int
    algorithm: Algorithm
    public_key: PublicKey
    not_before: datetime
    not_after: datetime
    revoked_at: datetime | None = None
    revocation_reason: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.slot <= 255:
            raise TrustListError(f"key slot {self.slot} is outside 0–255")
        if self.algorithm is not self.public_key.algorithm:
            raise TrustListError(f"the key in slot {self.slot} is not of the algorithm it claims")
        for name in ("not_before", "not_after", "revoked_at"):
            _check_utc(name, getattr(self, name))
        if self.not_after < self.not_before:
            raise TrustListError(f"the key in slot {self.slot} ends before it begins")
        if self.revocation_reason is not None:
            _check_text("revocation_reason", self.revocation_reason)
            if self.revoked_at is None:
                raise TrustListError(f"slot {self.slot} has a revocation_reason, no revoked_at")


@dataclass(frozen=True, slots=True)
class Issuer:
    """A company that may sign for the GTINs under its GS1 Company Prefixes.

    `company_prefixes` are 4 to 12 digits as GS1 allots them (a GTIN-14 carries them
    from its second digit on); `hosts` are lower case, with a port where one is
    printed, and only ever give rise to a note.
    """

    id: IssuerId
    name: str
    company_prefixes: tuple[str, ...]
    hosts: tuple[str, ...]
    keys: tuple[IssuerKey, ...]

    def __post_init__(self) -> None:
        if not _ISSUER_ID.fullmatch(self.id):
            raise TrustListError(
                f"issuer id {self.id!r} is not 1 to 64 of letters, digits and ._:-"
            )
        _check_text("name", self.name)
        _check_count(self, "company_prefixes", LIMITS.prefixes_per_issuer)
        _check_count(self, "hosts", LIMITS.hosts_per_issuer)
        _check_count(self, "keys", LIMITS.keys_per_issuer)
        for prefix in self.company_prefixes:
            if not _PREFIX.fullmatch(prefix):
                raise TrustListError(
                    f"company prefix {prefix!r} of {self.id} is not 4 to 12 digits"
                )
        for host in self.hosts:
            if not _HOST.fullmatch(host):
                raise TrustListError(f"host {host!r} of {self.id} is not a lower-case host name")


@dataclass(frozen=True, slots=True)
class TrustList:
    """A coherent set of issuers at one version. All times are aware UTC.

    Refused with `TrustListError`: an issuer id twice; a company prefix twice; a
    public key twice (in another slot or under another issuer: a revocation would
    reach one of the two only); more than `LIMITS.keys_per_slot` keys in one slot.

    One prefix may extend another, as when a range was sold: the longest match
    holds, so that the holder of the shorter one is *not* entitled to the range.

    `digest` is the SHA-256 (hex) of the signed payload; empty for a list that was
    not read from a document. Two documents of one version with different digests
    must not both be believed: the caller, who remembers, has to compare.
    """

    version: int
    issued_at: datetime
    expires_at: datetime
    issuers: tuple[Issuer, ...]
    digest: str = field(default="", compare=False)
    _by_id: dict[IssuerId, Issuer] = field(init=False, repr=False, compare=False)
    _by_prefix: dict[str, Issuer] = field(init=False, repr=False, compare=False)
    _prefix_lengths: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _known_gtins: dict[str, Issuer] = field(init=False, repr=False, compare=False)
    _by_slot: dict[tuple[IssuerId, int], tuple[IssuerKey, ...]] = field(
        init=False, repr=False, compare=False
    )
    _everywhere: dict[tuple[int, Algorithm], tuple[tuple[Issuer, IssuerKey], ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not 1 <= self.version <= _LARGEST_VERSION:
            raise TrustListError("the version of a trust list is 1 to 2⁵³-1")
        _check_utc("issued_at", self.issued_at)
        _check_utc("expires_at", self.expires_at)
        if self.expires_at <= self.issued_at:
            raise TrustListError("the trust list expires before it was issued")
        _check_count(self, "issuers", LIMITS.issuers)
        set_once = object.__setattr__
        set_once(self, "_by_id", _index_by_id(self.issuers))
        set_once(self, "_by_prefix", _index_by_prefix(self.issuers))
        set_once(self, "_known_gtins", {})
        lengths = sorted({len(prefix) for prefix in self._by_prefix}, reverse=True)
        set_once(self, "_prefix_lengths", tuple(lengths))
        by_slot, everywhere = _index_keys(self.issuers)
        set_once(self, "_by_slot", by_slot)
        set_once(self, "_everywhere", everywhere)

    def issuer(self, issuer_id: IssuerId) -> Issuer | None:
        """The issuer with this id."""
        return self._by_id.get(issuer_id)

    def issuer_of(self, gtin: str) -> Issuer | None:
        """Who holds this 14-digit GTIN: the longest company prefix that matches.

        The first digit of a GTIN-14 is an indicator, no part of the prefix (GS1
        General Specifications, section 2.1.2).
        """
        holder = self._known_gtins.get(gtin)
        return holder if holder is not None else self._search(gtin)

    def issuer_of_prefix(self, prefix: str) -> Issuer | None:
        """Who holds this company prefix: that of the longest prefix that it begins with."""
        for length in self._prefix_lengths:
            holder = self._by_prefix.get(prefix[:length]) if length <= len(prefix) else None
            if holder is not None:
                return holder
        return None

    def prefixes(self) -> Iterator[tuple[str, Issuer]]:
        """Every company prefix with its issuer, in list order."""
        yield from self._by_prefix.items()

    def _search(self, gtin: str) -> Issuer | None:
        for length in self._prefix_lengths:
            holder = self._by_prefix.get(gtin[1 : length + 1])
            if holder is not None:
                if len(self._known_gtins) < _GTINS_REMEMBERED:
                    self._known_gtins[gtin] = holder
                return holder
        return None

    def keys(self, issuer: Issuer, slot: int) -> tuple[IssuerKey, ...]:
        """Every key of this issuer that was ever in the slot, valid or not, in list order."""
        return self._by_slot.get((issuer.id, slot), ())

    def holds_slot(self, issuer: Issuer, slot: int) -> bool:
        """Whether this issuer ever had a key in the slot, as far as this list knows."""
        return (issuer.id, slot) in self._by_slot

    def lists(self, issuer_id: IssuerId, public_key: PublicKey) -> bool:
        """Whether this issuer is on the list with this key, and it is not revoked."""
        issuer = self.issuer(issuer_id)
        keys = () if issuer is None else issuer.keys
        return any(key.public_key == public_key and key.revoked_at is None for key in keys)

    def keys_of_others(
        self, holder: Issuer | None, slot: int, algorithm: Algorithm
    ) -> Iterator[tuple[Issuer, IssuerKey]]:
        """The keys that issuers other than `holder` have in a slot, in list order."""
        for issuer, key in self._everywhere.get((slot, algorithm), ()):
            if issuer is not holder:
                yield issuer, key


def _index_by_id(issuers: tuple[Issuer, ...]) -> dict[IssuerId, Issuer]:
    by_id: dict[IssuerId, Issuer] = {}
    for issuer in issuers:
        if by_id.setdefault(issuer.id, issuer) is not issuer:
            raise TrustListError(f"issuer {issuer.id} is listed twice")
    return by_id


def _index_by_prefix(issuers: tuple[Issuer, ...]) -> dict[str, Issuer]:
    by_prefix: dict[str, Issuer] = {}
    for issuer in issuers:
        for prefix in issuer.company_prefixes:
            if prefix in by_prefix:
                other = by_prefix[prefix].id
                claim = "twice" if other == issuer.id else f"by {other} and by {issuer.id}"
                raise TrustListError(f"company prefix {prefix} is claimed {claim}")
            by_prefix[prefix] = issuer
    return by_prefix


def _index_keys(
    issuers: tuple[Issuer, ...],
) -> tuple[
    dict[tuple[IssuerId, int], tuple[IssuerKey, ...]],
    dict[tuple[int, Algorithm], tuple[tuple[Issuer, IssuerKey], ...]],
]:
    by_slot: defaultdict[tuple[IssuerId, int], list[IssuerKey]] = defaultdict(list)
    everywhere: defaultdict[tuple[int, Algorithm], list[tuple[Issuer, IssuerKey]]]
    everywhere = defaultdict(list)
    seen: dict[PublicKey, IssuerId] = {}
    for issuer in issuers:
        for key in issuer.keys:
            if key.public_key in seen:
                other = seen[key.public_key]
                raise TrustListError(
                    f"the key in slot {key.slot} of {issuer.id} is already listed under {other}"
                )
            seen[key.public_key] = issuer.id
            keys_in_slot = by_slot[issuer.id, key.slot]
            keys_in_slot.append(key)
            everywhere[key.slot, key.algorithm].append((issuer, key))
            if len(keys_in_slot) > LIMITS.keys_per_slot:
                raise TrustListError(
                    f"{issuer.id} has over {LIMITS.keys_per_slot} keys in slot {key.slot}"
                )
    return (
        {place: tuple(keys) for place, keys in by_slot.items()},
        {place: tuple(pairs) for place, pairs in everywhere.items()},
    )


def _check_utc(name: str, moment: datetime | None) -> None:
    if moment is not None and moment.utcoffset() != timedelta(0):
        raise TrustListError(f"{name} is not in UTC")


def _check_text(name: str, text: str) -> None:
    """People will read it in terminals and pages: no control characters, bounded."""
    if not (0 < len(text) <= LIMITS.name_characters and text.isprintable()):
        raise TrustListError(
            f"{name} {text[:40]!r} is not 1 to {LIMITS.name_characters} printable characters"
        )


def _check_count(owner: Issuer | TrustList, name: str, limit: int) -> None:
    count = len(getattr(owner, name))
    if count > limit:
        raise TrustListError(f"{count} {name} where at most {limit} are allowed")
