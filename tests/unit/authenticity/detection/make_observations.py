"""Observations for the tests of histories: by hand, and drawn by Hypothesis."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET

from authenticity.detection.evidence import evidence_of
from authenticity.detection.findings import Finding
from authenticity.detection.policy import DEFAULT_POLICY, Policy
from authenticity.detection.prints import every_print
from authenticity.detection.rules import item_findings
from authenticity.gs1.item import ItemId, item_id
from authenticity.history.history import History
from authenticity.history.observation import Observation, observe
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import UNREGISTERED, BatchMatch, InBatch
from authenticity.records.network import NetworkClass, NetworkEvidence
from authenticity.records.place import Place, PlaceSource
from authenticity.records.scan import REFUSALS, Act, Channel, RefusalGround, Scan
from authenticity.trust.verdict import Doubt, Doubtful, Genuine, IssuerId, Verdict

ITEM: ItemId = item_id("09506000134352", "23456789ABCDEFG2")
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

PARIS = Place(48.8566, 2.3522, 0.02, PlaceSource.GPS, "FR")
LYON = Place(45.7640, 4.8357, 0.02, PlaceSource.GPS, "FR")
TOKYO = Place(35.6762, 139.6503, 0.02, PlaceSource.GPS, "JP")
RIO = Place(-22.9, -43.2, 0.02, PlaceSource.GPS, "BR")


def genuine(lot: str | None = "L1", expiry: str | None = "280630") -> Genuine:
    return Genuine(ITEM, IssuerId("maker"), "Maker", 0, lot, expiry)


def doubtful(doubt: Doubt, **facts: Any) -> Doubtful:
    return Doubtful(doubt, item=ITEM, **facts)


def network_at(place: Place | None, name: str, kind: NetworkClass | None = None) -> NetworkEvidence:
    """What the service derives for somebody at this place, in the network of this name."""
    if kind is None:
        mobile = place is not None and place.source is PlaceSource.MOBILE_IP
        kind = NetworkClass.MOBILE if mobile else NetworkClass.FIXED
    if place is None:
        return NetworkEvidence(keyed(name), kind)
    wide = max(20.0, place.accuracy_km)
    return NetworkEvidence(keyed(name), kind, place.country, place.lat, place.lon, wide)


def keyed(name: str) -> str:
    """64 bits that nobody can choose, like those that the service makes with its secret."""
    return blake2b(name.encode(), digest_size=8, key=b"secret").hexdigest()


def scan(
    scan_id: str,
    *,
    after: timedelta = timedelta(),
    network: NetworkEvidence | str | None = "",
    **changes: Any,
) -> Scan:
    """A consumer's scan, captured `after` noon and received a second later.

    Its network is where `place` is: the one of the name `network`, else one of the session's
    own; None where the service saw none.
    """
    session = changes.get("session") or f"session of {scan_id}"
    if changes.get("authorised"):
        network = None
    elif isinstance(network, str):
        network = network_at(changes.get("place"), network or session)
    fields: dict[str, Any] = {
        "v": 2,
        "selection": keyed(f"{changes.get('publisher')} {scan_id}"),
        "network": network,
        "scan_id": scan_id,
        "publisher": "consumer-web",
        "code": "https://example.com/01/09506000134352/21/23456789ABCDEFG2",
        "captured_at": NOON + after,
        "received_at": NOON + after + timedelta(seconds=1),
        "channel": Channel.CONSUMER,
        "authorised": False,
        "session": f"session of {scan_id}",
    }
    return Scan(**(fields | changes))


def seen(scan_id: str, verdict: Verdict | None = None, **changes: Any) -> Observation:
    return observe(scan(scan_id, **changes), verdict or genuine(), trust_version=1)


def trusted(scan_id: str, publisher: str = "shop-1", **changes: Any) -> Observation:
    retail: dict[str, Any] = {"channel": Channel.RETAIL, "authorised": True}
    return seen(scan_id, **(retail | {"publisher": publisher} | changes))


def match_of(batch: Batch | None) -> BatchMatch:
    """As if the registry had found this batch for the item."""
    return InBatch(batch) if batch else UNREGISTERED


def findings_of(
    history: History, batch: Batch | None = None, policy: Policy = DEFAULT_POLICY
) -> tuple[Finding, ...]:
    return item_findings(evidence_of(history, every_print(match_of(batch)), policy))


def claimed(scan_id: str, **changes: Any) -> Observation:
    """What an anonymous scan of version 1 states of itself, and nobody saw."""
    return seen(scan_id, network=None, **({"v": 1, "selection": None} | changes))


def buyers(number: int) -> list[Observation]:
    """In many cities over weeks, each in a network of its own, as buyers of copies are."""
    cities = [PARIS, TOKYO, RIO, LYON, Place(6.5, 3.4, 0.02, PlaceSource.GPS, "NG")]
    return [
        seen(
            f"buyer {n}",
            place=cities[n % 5],
            after=n * timedelta(hours=30),
        )
        for n in range(number)
    ]


_places = st.sampled_from(
    [
        None, PARIS, LYON, TOKYO,
        Place(-33.9, 18.4, 180.0, PlaceSource.MOBILE_IP, "ZA"),
        Place(40.7, -74.0, 12.0, PlaceSource.FIXED_IP, "US"),
    ]
)  # fmt: skip
_verdicts: st.SearchStrategy[Verdict] = st.one_of(
    st.just(genuine()),
    st.just(genuine("L2", None)),
    st.sampled_from([doubtful(d) for d in (Doubt.FORGED, Doubt.UNSIGNED, Doubt.KEY_NOT_VALID)]),
    st.just(doubtful(Doubt.KEY_REVOKED, revoked_at=NOON - timedelta(days=3))),
)


_networks: st.SearchStrategy[NetworkEvidence | None] = st.one_of(
    st.none(),
    st.builds(
        network_at,
        _places,
        st.integers(0, 20).map(str),
        st.sampled_from(NetworkClass),
    ),
)


@st.composite
def any_observation(draw: st.DrawFn, ids: int = 40) -> Observation:
    """Few ids, sessions and networks, so that they meet; acts, grounds, places and verdicts of
    every kind, and both versions of the record."""
    authorised, version = draw(st.booleans()), draw(st.sampled_from([1, 2, 2, 2]))
    act = draw(st.sampled_from([None, *Act]))
    grounds = [UNSET, *RefusalGround] if version == 2 and act in REFUSALS else [UNSET]
    captured = NOON + timedelta(minutes=draw(st.integers(-20_000, 20_000)))
    return observe(
        Scan(
            v=version,
            scan_id=(number := str(draw(st.integers(0, ids)))),
            publisher=draw(st.sampled_from(["customs-1", "shop-1"]))
            if authorised
            else "consumer-web",
            code=draw(st.sampled_from(["a", "b"])),
            captured_at=captured,
            received_at=captured + timedelta(seconds=draw(st.integers(-1_000, 400_000))),
            channel=draw(st.sampled_from(Channel)),
            authorised=authorised,
            session=draw(st.sampled_from([None, "s1", "s2", "s3", "s4", "s5"])),
            place=draw(_places),
            act=act,
            refused_for=draw(st.sampled_from(grounds)),
            network=draw(_networks) if version == 2 else None,
            selection=keyed(number) if version == 2 else None,
        ),
        draw(_verdicts),
        trust_version=1,
    )
