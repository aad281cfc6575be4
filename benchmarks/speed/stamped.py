"""What a service adds to a scan, for loads that go straight to the event log."""

from typing import Final

import msgspec

from authenticity.records.network import NetworkClass, NetworkEvidence
from authenticity.records.scan import Scan
from simulation.draws import stamp_of

_SEED: Final = 1
_NETWORKS: Final = 4_096
_RADIUS_KM: Final = 20.0


def stamped(scan: Scan, number: int) -> Scan:
    """This scan with its selection key and session hash, and, of an anonymous one, with the
    evidence of one of a few thousand networks where its place is."""
    network, place = None, scan.place
    if place is not None and not scan.authorised:
        name = stamp_of(_SEED, "network", number % _NETWORKS)
        kind, country = NetworkClass.FIXED, place.country
        network = NetworkEvidence(name, kind, country, place.lat, place.lon, _RADIUS_KM)
    return msgspec.structs.replace(
        scan,
        session=stamp_of(_SEED, "session", scan.session or scan.scan_id),
        network=network,
        selection=stamp_of(_SEED, "selection", scan.publisher, scan.scan_id),
    )
