"""What the offline reference knows of one code: figures of all its scans, however many.

It reads observations and the batch's header, which a service has, and never the truth. It
shares no table with the product: neither its features nor its bounded histories.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import nan
from typing import Final

import numpy as np

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.sessions import is_of_own_chain
from authenticity.history.observation import ACTS, CHANNELS, NETWORK_KINDS, Observation
from authenticity.records.network import NetworkClass
from authenticity.records.scan import Act, Channel, to_epoch_ms
from benchmarks.detection.evaluation.reference_scans import (
    APART_KM,
    CodeScans,
    Spot,
    apart_km,
    spot_of,
)

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
_LEAST_HOURS: Final = 1 / 60
_MOST_PAIRED: Final = 40
_OFFICIAL: Final = (Channel.CUSTOMS, Channel.POLICE)
_NEGATIVE: Final = (Act.INSPECT_NONCONFORMANT, Act.DETAIN, Act.SEIZE)
_ENDING: Final = (Act.SELL, Act.SEIZE, Act.DESTROY)
_FIXED: Final = NETWORK_KINDS.index(NetworkClass.FIXED)
_HIDING: Final = (NetworkClass.HOSTING, NetworkClass.RELAY, NetworkClass.TUNNEL)


def code_features(scans: CodeScans) -> dict[str, float]:
    """Every figure of one code by name, always the same names; NaN where there is none."""
    return {
        **_counts(scans),
        **_networks(scans),
        **_times(scans),
        **_places(scans),
        **_journeys(scans),
        **_known(scans),
        **_chain(scans),
        **_markets(scans),
    }


def _counts(scans: CodeScans) -> dict[str, float]:
    acts = Counter(ACTS[scan.act] for scan in scans.known)
    officials = sum(CHANNELS[scan.channel] in _OFFICIAL for scan in scans.known)
    lot = scans.batch.lot or ""
    return {
        "scans": len(scans.every),
        "item scans": len(scans.every) - len(scans.chain),
        "anonymous": len(scans.anonymous),
        "sessions": len({(scan.network, scan.session) for scan in scans.anonymous}),
        "devices": len({scan.session for scan in scans.anonymous}),
        "days": len({scan.captured_ms // DAY_MS for scan in scans.anonymous}),
        "countries": len({scan.country for scan in scans.anonymous if scan.country}),
        "known": len(scans.known),
        "chain readings": len(scans.chain),
        "known scanners": len({scan.actor for scan in scans.known}),
        "officials": officials,
        "sales": acts[Act.SELL],
        "returns": acts[Act.REACTIVATE],
        "sold beyond returns": acts[Act.SELL] - acts[Act.REACTIVATE],
        "conformant": acts[Act.INSPECT_CONFORMANT],
        "negative acts": sum(acts[act] for act in _NEGATIVE),
        "destroyed": acts[Act.DESTROY],
        "doubtful": sum(not scan.issued for scan in scans.every),
        "other lots": sum(scan.issued and scan.lot != lot for scan in scans.every),
        "prints": len({(scan.lot, scan.expiry) for scan in scans.every}),
        "claimed places": len(scans.claims),
        "longest delay, h": max((scan.delay_s for scan in scans.every), default=0) / 3600,
    }


def _networks(scans: CodeScans) -> dict[str, float]:
    kinds = Counter(NETWORK_KINDS[scan.network_kind] for scan in scans.anonymous)
    by_network = Counter(scan.network for scan in scans.anonymous if scan.network)
    networks: Counter[NetworkClass | None] = Counter()
    for _, kind in {(scan.network, scan.network_kind) for scan in scans.anonymous}:
        networks[NETWORK_KINDS[kind]] += 1
    ranked = by_network.most_common(2)
    days = Counter(
        network
        for network, _ in {
            (s.network, s.captured_ms // DAY_MS) for s in scans.anonymous if s.network
        }
    )
    per_device = Counter(
        session for session, _ in {(scan.session, scan.network) for scan in scans.anonymous}
    )
    return {
        "networks": len(by_network),
        **{f"scans {kind}": kinds[kind] for kind in NetworkClass},
        "scans without network": kinds[None],
        "networks fixed": networks[NetworkClass.FIXED],
        "networks mobile": networks[NetworkClass.MOBILE],
        "networks hiding": sum(networks[kind] for kind in _HIDING),
        "busiest network share": _ratio(ranked[0][1] if ranked else 0, len(scans.anonymous)),
        "second network share": _ratio(ranked[1][1] if ranked[1:] else 0, len(scans.anonymous)),
        "network changes": _changes([scan.network for scan in scans.anonymous]),
        "network returns": _returns([scan.network for scan in scans.anonymous]),
        "networks on two days": sum(number > 1 for number in days.values()),
        "devices in two networks": sum(number > 1 for number in per_device.values()),
        "scans a device": _ratio(len(scans.anonymous), len(per_device)),
    }


def _times(scans: CodeScans) -> dict[str, float]:
    released = scans.batch.released_at or scans.batch.registered_at
    since = [(scan.captured_ms - to_epoch_ms(released)) / DAY_MS for scan in scans.anonymous]
    first: dict[tuple[int, int], int] = {}
    for scan in scans.anonymous:
        first.setdefault((scan.network, scan.session), scan.captured_ms)
    gaps = [(later - one) / HOUR_MS for one, later in pairwise(sorted(first.values()))]
    days = Counter(scan.captured_ms // DAY_MS for scan in scans.anonymous)
    hours = Counter(scan.captured_ms // HOUR_MS for scan in scans.anonymous)
    item = [scan for scan in scans.every if not is_of_own_chain(scan, DEFAULT_POLICY)]
    return {
        "released": float(scans.batch.released_at is not None),
        "first day": since[0] if since else nan,
        "middle day": since[len(since) // 2] if since else nan,
        "last day": since[-1] if since else nan,
        "span, days": since[-1] - since[0] if since else nan,
        "item span, days": (item[-1].captured_ms - item[0].captured_ms) / DAY_MS if item else nan,
        **_quantiles("gap, h", gaps, (0.0, 0.25, 0.5, 0.75, 1.0)),
        "weeks": len({day // 7 for day in days}),
        "most in a day": max(days.values(), default=0),
        "most in an hour": max(hours.values(), default=0),
        "busiest day share": _ratio(max(days.values(), default=0), len(scans.anonymous)),
    }


def _places(scans: CodeScans) -> dict[str, float]:
    places, total = scans.places, len(scans.spots)
    number_of = {spot.scan.id: number for number, place in enumerate(places) for spot in place}
    order = [number_of[spot.scan.id] for spot in scans.spots]
    spans = [_span(place) for place in places]
    networks = [len({spot.scan.network for spot in place}) for place in places]
    days = [len({spot.scan.captured_ms // DAY_MS for spot in place}) for place in places]
    devices = Counter(
        session for session, _ in {(s.scan.session, number_of[s.scan.id]) for s in scans.spots}
    )
    by_country = Counter(scan.country for scan in scans.anonymous if scan.country)
    countries = [scan.country for scan in scans.anonymous if scan.country]
    heads = [place[0] for place in places[:_MOST_PAIRED]]
    far = [apart_km(one, two) for at, one in enumerate(heads) for two in heads[at + 1 :]]
    precise = {(s.scan.lat, s.scan.lon) for s in scans.spots if s.scan.network_kind == _FIXED}
    return {
        "places": len(places),
        "fixed spots": len(precise),
        "busiest place share": _ratio(len(places[0]) if places else 0, total),
        "second place share": _ratio(len(places[1]) if places[1:] else 0, total),
        "place changes": _changes(order),
        "place returns": _returns(order),
        "places that overlap": _overlaps(spans[:_MOST_PAIRED]),
        "places on two days": sum(number > 1 for number in days),
        "places of two networks": sum(number > 1 for number in networks),
        "days in busiest place": max(days, default=0),
        "networks in busiest place": networks[0] if networks else 0,
        "devices in two places": sum(number > 1 for number in devices.values()),
        "places beyond devices": len(places) - sum(number > 1 for number in devices.values()),
        **_quantiles("places apart, km", far, (0.0, 0.5, 1.0)),
        "busiest country share": _ratio(max(by_country.values(), default=0), len(countries)),
        "country changes": _changes(countries),
        "country returns": _returns(countries),
        "claims apart, km": max(
            (apart_km(place[0], claim) for claim in scans.claims for place in places[:3]),
            default=nan,
        ),
    }


def _span(place: Sequence[Spot]) -> tuple[int, int]:
    times = [spot.scan.captured_ms for spot in place]
    return min(times), max(times)


def _overlaps(spans: Sequence[tuple[int, int]]) -> int:
    """Pairs of places that were both scanned while the other one was in use."""
    return sum(
        one[0] < two[1] and two[0] < one[1]
        for at, one in enumerate(spans)
        for two in spans[at + 1 :]
    )


def _journeys(scans: CodeScans) -> dict[str, float]:
    steps = [_step(one, later) for one, later in pairwise(scans.spots)]
    far = [step for step in steps if step[0] > 0]
    some = scans.spots[:: max(1, len(scans.spots) // _MOST_PAIRED)]
    pairs = [_step(one, two) for at, one in enumerate(some) for two in some[at + 1 :]]
    return {
        "hops": len(far),
        "long hops": sum(km > 500 for km, _ in far),
        "way, km": sum(km for km, _ in far),
        **_quantiles("hop, km", [km for km, _ in steps], (0.5, 0.75, 1.0)),
        **_quantiles("speed, km/h", [speed for _, speed in steps], (0.5, 0.75, 0.9, 1.0)),
        "over 100 km/h": sum(speed > 100 for _, speed in steps),
        "over 1000 km/h": sum(speed > 1000 for _, speed in steps),
        "fastest of all pairs": max((speed for _, speed in pairs), default=nan),
        "pairs over 500 km/h": sum(speed > 500 for _, speed in pairs),
        "pairs apart within a day": sum(km > 0 and km / speed < 24 for km, speed in pairs),
        "pairs apart share": _ratio(sum(km > 0 for km, _ in pairs), len(pairs)),
    }


def _step(one: Spot, later: Spot) -> tuple[float, float]:
    """Kilometres that remain after both radii and 50 km, and the speed to cover them, in km/h."""
    km = max(0.0, apart_km(one, later) - APART_KM)
    hours = (later.scan.captured_ms - one.scan.captured_ms) / HOUR_MS
    return km, km / max(hours, _LEAST_HOURS)


def _known(scans: CodeScans) -> dict[str, float]:
    """Beside sales and other ends of a pack's life, and the last one that a shop recorded."""
    sales = [scan for scan in scans.known if ACTS[scan.act] is Act.SELL]
    ends = [scan for scan in scans.known if ACTS[scan.act] in _ENDING]
    sale = spot_of(sales[-1]) if sales else None
    placed = [spot_of(scan) for scan in scans.known if scan.source]
    steps = [_step(one, later) for one, later in pairwise(placed)]
    away = [apart_km(sale, spot) for spot in scans.spots] if sale and sale.scan.source else []
    before, after = _around(sales[0].captured_ms, scans.spots) if sales else ([], [])
    first = sale.scan if sale else None
    end_ms = ends[-1].captured_ms if ends else None
    return {
        **_quantiles("from the sale, km", away, (0.0, 0.5, 1.0)),
        "from the sale, scans": sum(km > APART_KM for km in away),
        "before the sale": len(before) if sales else nan,
        "after the sale": len(after) if sales else nan,
        "before the sale, km": _farthest(sale, before),
        "after the sale, km": _farthest(sale, after),
        "days before the sale": _days(before[0].scan if before else None, first),
        "days after the sale": _days(first, after[0].scan if after else None),
        "abroad of the sale": _ratio(
            sum(scan.country not in ("", sale.scan.country) for scan in scans.anonymous),
            len(scans.anonymous),
        )
        if sale
        else nan,
        "known after an end": sum(scan.captured_ms > end_ms for scan in scans.known)
        if end_ms is not None
        else nan,
        "anonymous after an end": sum(scan.captured_ms > end_ms for scan in scans.anonymous)
        if end_ms is not None
        else nan,
        "known apart, km": max((km for km, _ in steps), default=nan),
        "known speed, km/h": max((speed for _, speed in steps), default=nan),
        "known countries": len({scan.country for scan in scans.known if scan.country}),
    }


def _around(at_ms: int, spots: Sequence[Spot]) -> tuple[list[Spot], list[Spot]]:
    """A day's grace: a sale may be recorded late."""
    before = [spot for spot in spots if spot.scan.captured_ms < at_ms - DAY_MS]
    return before, [spot for spot in spots if spot.scan.captured_ms >= at_ms]


def _farthest(sale: Spot | None, spots: Sequence[Spot]) -> float:
    if sale is None or not sale.scan.source:
        return nan
    return max((apart_km(sale, spot) for spot in spots), default=nan)


def _chain(scans: CodeScans) -> dict[str, float]:
    """Beside the maker's own chain: where the pack was last known to be."""
    last = scans.chain[-1] if scans.chain else None
    first = scans.anonymous[0] if scans.anonymous else None
    spot = spot_of(last) if last and last.source else None
    away = [apart_km(spot, each) for each in scans.spots] if spot else []
    countries = {scan.country for scan in scans.known if scan.country}
    strange = sum(bool(scan.country) and scan.country not in countries for scan in scans.anonymous)
    return {
        **_quantiles("from the chain, km", away, (0.0, 0.5, 1.0)),
        "first after the chain, days": _days(last, first),
        "chain after the first": sum(scan.captured_ms > first.captured_ms for scan in scans.chain)
        if first
        else nan,
        "span of the chain, days": _days(scans.chain[0], last) if last else nan,
        "scanners of the chain": len({scan.actor for scan in scans.chain}),
        "in countries of no known scan": strange if countries else nan,
        "share in countries of no known scan": _ratio(strange, len(scans.anonymous))
        if countries
        else nan,
    }


def _markets(scans: CodeScans) -> dict[str, float]:
    markets = DEFAULT_POLICY.markets_of(scans.batch)
    outside = [s for s in scans.anonymous if s.country and s.country not in markets]
    outside = outside if markets else []
    kinds = Counter(NETWORK_KINDS[scan.network_kind] for scan in outside)
    known = [scan for scan in scans.known if scan.country and scan.country not in markets]
    return {
        "markets": len(markets),
        "outside": len(outside),
        "outside share": _ratio(len(outside), len(scans.anonymous)),
        "outside countries": len({scan.country for scan in outside}),
        "outside networks": len({scan.network for scan in outside}),
        "outside fixed": kinds[NetworkClass.FIXED],
        "outside mobile": kinds[NetworkClass.MOBILE],
        "outside other": len(outside) - kinds[NetworkClass.FIXED] - kinds[NetworkClass.MOBILE],
        "outside days": len({scan.captured_ms // DAY_MS for scan in outside}),
        "known outside": len(known) if markets else 0,
    }


def _days(one: Observation | None, later: Observation | None) -> float:
    if one is None or later is None:
        return nan
    return (later.captured_ms - one.captured_ms) / DAY_MS


def _ratio(some: float, among: float) -> float:
    return some / among if among else nan


def _changes(order: Sequence[object]) -> int:
    return sum(one != later for one, later in pairwise(order))


def _returns(order: Sequence[object]) -> int:
    """How often one comes again after another."""
    seen: set[object] = set()
    returns = 0
    for one, later in pairwise(order):
        seen.add(one)
        returns += later != one and later in seen
    return returns


def _quantiles(name: str, values: Sequence[float], levels: Sequence[float]) -> Mapping[str, float]:
    """By linear interpolation, under names such as "gap, h 50 %"."""
    names = [f"{name} {100 * level:.0f} %" for level in levels]
    if not values:
        return dict.fromkeys(names, nan)
    if len(values) == 1:
        return dict.fromkeys(names, float(values[0]))
    return dict(zip(names, np.quantile(values, levels).tolist(), strict=True))
