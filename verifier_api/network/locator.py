"""From a caller's address to `NetworkEvidence`, with a bounded memory of addresses."""

from cachetools import LRUCache

from authenticity.records.network import NetworkEvidence
from verifier_api.http.client_address import Address
from verifier_api.network.derivation import Derivation, GeoSources, derive
from verifier_api.network.keyed_hashes import KeyedHashes


class NetworkLocator:
    """Derives evidence from the files in force.

    Addresses stay in this process: at most `known` of them, so that a lookup is made once.
    """

    def __init__(self, hashes: KeyedHashes, *, known: int) -> None:
        self._hashes = hashes
        self._sources = GeoSources()
        self._known: LRUCache[Address, NetworkEvidence] = LRUCache(known)

    def use(self, sources: GeoSources) -> None:
        """Derive from these files from now on."""
        self._sources = sources
        self._known.clear()

    def evidence(self, address: Address) -> NetworkEvidence:
        """What this address says."""
        try:
            return self._known[address]
        except KeyError:
            evidence = evidence_of(derive(address, self._sources), self._hashes)
            self._known[address] = evidence
            return evidence


def evidence_of(derivation: Derivation, hashes: KeyedHashes) -> NetworkEvidence:
    """The evidence, without the address."""
    place = derivation.place
    return NetworkEvidence(
        hashes.network(derivation.network.network_address.packed),
        derivation.kind,
        place.country,
        place.lat,
        place.lon,
        place.accuracy_km,
    )
