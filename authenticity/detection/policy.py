"""What counts as suspicious: every threshold of `assess_item_update`, in one frozen value.

As TOML: `authenticity.detection.policy_file`.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from authenticity.records.batch import Batch
from authenticity.records.place import PlaceSource
from authenticity.records.scan import Channel


class Severity(StrEnum):
    """How urgent a finding is, least first."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the least."""
        return _RANK[self]


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketPolicy:
    """Countries (ISO 3166-1 alpha-2) beside those that batches name. `also`: where every batch
    that names markets may be sold too. `otherwise`: the markets of batches that name none;
    empty: anywhere.
    """

    also: frozenset[str] = frozenset()
    otherwise: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClonePolicy:
    """When one code is taken to be on several items. See `authenticity.detection.score`.

    A place found by GPS is off by metres, one from a fixed-line address by tens of
    kilometres, one from a mobile address by hundreds: the stated radius is multiplied by
    its source's factor, so that nearly every device is within it (those behind a VPN are
    not, which is why one session out of place proves nothing). `prior`: the share of items with
    copies among those scanned twice or more, by who scans; in a pharmacy a fake is rare,
    in a seized parcel it is not. `threshold`: the probability from which it is a finding.
    """

    speed_limit_kmh: float = 1_000.0
    apart_km: float = 50.0
    clock_tolerance_s: int = 300
    radius_factor: dict[PlaceSource, float] = field(
        default_factory=lambda: {
            PlaceSource.GPS: 3.0,
            PlaceSource.WIFI: 3.0,
            PlaceSource.FIXED_IP: 5.0,
            PlaceSource.MOBILE_IP: 6.0,
        }
    )
    prior: dict[Channel, float] = field(
        default_factory=lambda: {
            **dict.fromkeys(Channel, 0.01),
            Channel.CUSTOMS: 0.03,
            Channel.POLICE: 0.1,
        }
    )
    threshold: dict[Channel, float] = field(default_factory=lambda: dict.fromkeys(Channel, 0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityPolicy:
    """When many items together say something of a batch or a scanner. See
    `authenticity.detection.signals`. `campaign_prior`: the share of batches of which many
    items were copied; `campaign_item_nats`: from which log-likelihood ratio an item counts as one;
    `campaign_networks`: what so many networks could have brought about is no campaign;
    `campaign_chance`: nor are items that have no country in common with less than this probability.
    """

    campaign_prior: float = 0.01
    campaign_threshold: float = 0.9
    campaign_items: int = 3
    campaign_item_nats: float = 2.5
    campaign_networks: int = 3
    campaign_chance: float = 0.001
    probing_items: int = 10
    poisoning_items: int = 3
    poisoning_places: int = 3
    colluding_items: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Thresholds and windows of `authenticity.detection.assess.assess_item_update`.

    Whoever changes a threshold changes alerts: `version` is part of every answer. `issuer`
    holds the policy for the batches of each issuer that has one of its own.
    """

    version: str = "2026-12"
    alert_from: Severity = Severity.LOW
    undo_window_days: int = 10
    late_after_hours: int = 72
    clock_skew_minutes: int = 10
    elsewhere_km: float = 5.0
    end_grace_hours: int = 24
    end_anonymous_sessions: int = 2
    diverted_sessions: int = 3
    own_supply_chain: frozenset[Channel] = frozenset({Channel.MAKER, Channel.LOGISTICS})
    markets: MarketPolicy = field(default_factory=MarketPolicy)
    clone: ClonePolicy = field(default_factory=ClonePolicy)
    subject: EntityPolicy = field(default_factory=EntityPolicy)
    issuer: "dict[str, Policy]" = field(default_factory=dict)

    def of(self, batch: Batch | None) -> "Policy":
        """What holds for the items of this batch."""
        return self.issuer.get(batch.issuer, self) if batch and self.issuer else self

    def markets_of(self, batch: Batch | None) -> Collection[str]:
        """Countries where the items of this batch may be sold; none: anywhere, or not known."""
        if batch is None:
            return ()
        markets = self.of(batch).markets
        if not batch.markets:
            return markets.otherwise
        return _with(batch.markets, markets.also) if markets.also else batch.markets


@lru_cache(1_024)
def _with(named: tuple[str, ...], also: frozenset[str]) -> frozenset[str]:
    """The union, remembered: few different ones are asked for with every scan."""
    return also.union(named)


DEFAULT_POLICY = Policy()
