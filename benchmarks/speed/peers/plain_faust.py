"""The check of scans as a newcomer writes it after Faust's user guide: a baseline.

`faust.Record` for the scan, an agent over the topic, a table with a dict as value, keyed
by item, in the default memory store with the changelog topic that Faust makes of itself.
Each scan is compared with the item's last one. Variables of the environment, all set by
the benchmark: `BENCH_SERVERS`, `BENCH_APP` (a new name is a new consumer group),
`BENCH_TOPIC`, `BENCH_PARTITIONS`, and for the variant that checks signatures `BENCH_TRUST` and
`BENCH_ROOTS`, two files. Run as the guide says:

    faust -A benchmarks.speed.peers.plain_faust worker -l info --without-web

Times are read with `fromisoformat` in the agent rather than with `coerce=True`, which
would cost this program more.
"""

import os
from collections.abc import AsyncIterable
from datetime import UTC, datetime
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any, Final

import faust

from authenticity.trust.jws import read_roots
from authenticity.trust.trust_list import TrustList, read_trust_list
from authenticity.trust.verdict import Genuine
from authenticity.trust.verify import verify
from benchmarks.speed.peers.reporting import end_with_standard_input, report

_REPORT_EVERY: Final = 200
_SPEED_LIMIT_KMH: Final = 1_000.0


class Place(faust.Record):
    """Where a scan was made."""

    lat: float
    lon: float
    accuracy_km: float
    source: str
    country: str | None = None


class Scan(faust.Record):
    """One reading of a code."""

    v: int
    scan_id: str
    publisher: str
    code: str
    captured_at: str
    received_at: str
    channel: str
    authorised: bool
    session: str | None = None
    place: Place | None = None
    act: str | None = None
    operation: str | None = None


app = faust.App(
    os.environ.get("BENCH_APP", "plain-faust"),
    broker=[f"kafka://{server}" for server in os.environ.get("BENCH_SERVERS", "").split(",")],
    topic_partitions=int(os.environ.get("BENCH_PARTITIONS", "8")),
)
scans = app.topic(os.environ.get("BENCH_TOPIC", "scans"), key_type=bytes, value_type=Scan)
last_scans = app.Table("last_scans", default=dict)
suspects: set[bytes] = set()


def _trust_list() -> TrustList | None:
    if "BENCH_TRUST" not in os.environ:
        return None
    roots = read_roots(Path(os.environ["BENCH_ROOTS"]).read_bytes())
    return read_trust_list(
        Path(os.environ["BENCH_TRUST"]).read_bytes(), roots, at=datetime.now(UTC)
    )


trust_list = _trust_list()
end_with_standard_input()


@app.agent(scans)
async def check(stream: Any) -> None:
    """One scan after the other."""
    count = 0
    events: AsyncIterable[tuple[bytes, Scan]] = stream.items()
    async for item, scan in events:
        captured_at = datetime.fromisoformat(scan.captured_at)
        genuine = trust_list is None or isinstance(
            verify(scan.code, trust_list, captured_at), Genuine
        )
        key = item.decode()
        last = last_scans[key]
        if genuine and last and scan.place and _is_too_fast(last, scan.place, captured_at):
            suspects.add(item)
        if scan.place:
            last_scans[key] = {
                "lat": scan.place.lat,
                "lon": scan.place.lon,
                "at": captured_at.timestamp(),
                "scans": last.get("scans", 0) + 1,
            }
        count += 1
        if count % _REPORT_EVERY == 0:
            report(count)


def _is_too_fast(last: dict[str, Any], place: Place, captured_at: datetime) -> bool:
    hours = abs(captured_at.timestamp() - last["at"]) / 3600
    return bool(_km(last["lat"], last["lon"], place.lat, place.lon) > _SPEED_LIMIT_KMH * hours)


def _km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    one, other = radians(lat), radians(other_lat)
    half = (
        sin((other - one) / 2) ** 2 + cos(one) * cos(other) * sin(radians(other_lon - lon) / 2) ** 2
    )
    return 12_742 * asin(sqrt(half))
