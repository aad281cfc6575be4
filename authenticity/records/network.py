"""Network evidence: what the service itself derived from the address that a scan came from.

A caller has no say in it, unlike in the place that a device reports. The address is not
kept: `network` is a hash of its network under the installation's secret, so that two scans
can be told to come from one network, and nobody can be found by it.
"""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, Struct

from authenticity.records.place import Country

Hex16 = Annotated[str, Meta(pattern="^[0-9a-f]{16}$", max_length=16)]
"""64 bits, in lower-case hexadecimal digits."""


class NetworkClass(StrEnum):
    """What kind of network it is; it decides whether its place is the caller's."""

    FIXED = "fixed"
    MOBILE = "mobile"
    HOSTING = "hosting"
    RELAY = "relay"
    TUNNEL = "tunnel"
    UNKNOWN = "unknown"


LOCATING: Final = frozenset((NetworkClass.FIXED, NetworkClass.MOBILE, NetworkClass.UNKNOWN))
"""Whoever comes from one of these is where the network is."""


class NetworkEvidence(Struct, frozen=True, gc=False):
    """The network of one caller.

    `network`: keyed hash of its /24, or /48 of IPv6. `country`, and `lat`, `lon` (WGS 84
    degrees) with `accuracy_km`, are where the network is registered or measured to be; the
    last three are all there, or none of them.
    """

    network: Hex16
    kind: NetworkClass
    country: Country | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    accuracy_km: Annotated[float, Meta(ge=0, le=20_040)] | None = None

    def __post_init__(self) -> None:
        """Raises `ValueError` for a part of a place."""
        if len({self.lat is None, self.lon is None, self.accuracy_km is None}) > 1:
            raise ValueError("`lat`, `lon` and `accuracy_km` belong together")

    @property
    def locates(self) -> bool:
        """Whether the caller is where the network is. Whoever comes through a relay, a
        tunnel or a data centre may be anywhere."""
        return self.lat is not None and self.kind in LOCATING
