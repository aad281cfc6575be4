"""Families that fake no code: genuine packs diverted, relabelled, or discredited by scans."""

from random import Random
from typing import Final

from simulation.behaviour import (
    at_home,
    genuine_pack,
    inspection,
    picture_of,
    shipment,
)
from simulation.ceiling import any_of
from simulation.cities import city_abroad, some_city
from simulation.networks import exit_abroad, line_at, mobile_at
from simulation.scene import Concern, Life, Scene, untouched, wave_after
from simulation.visits import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    ScannedObject,
    ScannerSession,
    Spot,
    Uplink,
    Visit,
    consumer,
    officer,
    spot_in,
)

_INSPECTED_ABROAD: Final = 0.05
_PRINT_READ: Final = 0.10
_BACKDATED_HOURS: Final = 71.0
"""A service believes an anonymous scan that is up to 72 hours old."""
_FRESH: Final = "one fresh session a scan"


def diversion(scene: Scene) -> Life:
    """Genuine packs, sold where they were not meant to be. No fake, and no clone."""
    draw, pack, route = scene.draw, scene.pack, scene.route
    there = city_abroad(scene.common, pack.batch.markets)
    wave = wave_after(scene, scene.available_s)
    at_s = draw.uniform(*wave)
    scanned = genuine_pack(pack)
    visits: list[Visit] = []
    if route:
        visits += [
            visit for visit in shipment(scanned, route)
            if visit.scanner.publisher != route.shop.name
        ]  # fmt: skip
    if draw.random() < scene.rates.consumer:
        visits += at_home(scanned, draw, there, at_s, scene.rates)
    if draw.random() < _INSPECTED_ABROAD:
        before_s = draw.uniform(0, 1) * min(5 * DAY_S, at_s - scene.available_s)
        visits.append(inspection(scanned, draw, there, at_s - before_s))
    seen = any_of(scene.rates.consumer, _INSPECTED_ABROAD)
    concern = Concern(pack.item, 0, 0.0, seen, seen)
    return Life(scene.calendar.within(visits), (concern,), wave.begins_s)


def relabelled(scene: Scene) -> Life:
    """Genuine packs with a later date, or another lot, pasted over the print.

    The code itself cannot be changed without breaking its signature. So the fraud shows only
    where a known scanner reads the print beside the code: plain text, without a signature.
    """
    draw, pack = scene.draw, scene.pack
    changed = scene.common.choice(("expiry", "lot"))
    later = _two_years_later(pack.batch.expiry or "300101")
    lot = f"{pack.batch.lot}{scene.common.randint(1, 9)}"
    new = {"17": later} if changed == "expiry" else {"10": lot}
    printed = "".join(f"({ai}){new.get(ai, value)}" for ai, value in pack.plain_ais)
    wave = wave_after(scene, scene.available_s)
    sold_s = draw.uniform(*wave)
    visits = untouched(scene, sold_s=sold_s)
    if draw.random() < _PRINT_READ:
        own = genuine_pack(pack)
        print_of = ScannedObject(own.physical, True, own.item, lambda: printed)
        city = some_city(draw, pack.batch.markets)
        if scene.route:
            city = scene.route.shop.city
        read_s = draw.uniform(wave.begins_s, sold_s)
        spot = spot_in(draw, city)
        visits.append(Visit(print_of, officer(draw, city), read_s, spot, "print read"))
    concern = Concern(pack.item, 0, 0.0, _PRINT_READ, _PRINT_READ)
    return Life(scene.calendar.within(visits), (concern,), wave.begins_s, changed)


def _two_years_later(expiry: str) -> str:
    """YYMMDD; the 28th at the latest, for the next February is shorter."""
    return f"{(int(expiry[:2]) + 2) % 100:02d}{expiry[2:4]}{min(int(expiry[4:]), 28):02d}"


def poisoning(scene: Scene) -> Life:
    """Codes photographed on a shelf, scanned from the screen under invented places, so that
    genuine packs seem copied. In one burst from few sessions, or over days with fresh ones;
    through the few networks that they have. Half of them also invent when they scanned."""
    draw, common, pack = scene.draw, scene.common, scene.pack
    style = common.choice(("burst", "spread", _FRESH))
    home = spot_in(common, some_city(common))
    scanners = [consumer(common) for _ in range(common.randint(2, 6))]
    scans = common.randint(4, scene.attackers.poison_scans_most)
    uplinks, backdated = _poisoners_networks(home, scene), common.random() < 0.5
    begins_s, length_s = _attack_time(scene, style)
    visits = untouched(scene)
    picture = picture_of(pack)
    for _ in range(scans):
        scanner = _poisoning_scanner(style, scanners, draw)
        at_s = begins_s + draw.uniform(0, length_s)
        reported = spot_in(draw, some_city(draw))
        claimed_s = at_s - draw.uniform(0, _BACKDATED_HOURS) * HOUR_S if backdated else None
        uplink = uplinks[int(scanner.session, 16) % len(uplinks)]
        visits.append(
            Visit(
                picture, scanner, at_s, home, "poisoning",
                reported=reported, claimed_s=claimed_s, uplink=uplink,
            )
        )  # fmt: skip
    concern = Concern(pack.item, 0, 0.0, 0.0, 1.0)
    own = () if style == _FRESH else tuple(scanner.session for scanner in scanners)
    visits = scene.calendar.within(visits)
    publisher = scanners[0].publisher
    return Life(visits, (concern,), begins_s, style, publisher=publisher, sessions=own)


def _poisoners_networks(home: Spot, scene: Scene) -> list[Uplink]:
    """Their line, then their carrier's, then a VPN's exits abroad: all that they have."""
    common = scene.common
    own = [line_at(home), mobile_at(common, home)]
    own += [exit_abroad(common, home) for _ in range(scene.attackers.poison_exits)]
    return own[: common.randint(1, len(own))]


def _attack_time(scene: Scene, style: str) -> tuple[float, float]:
    """When it begins, around the days on the shelf, and how long it lasts."""
    common = scene.common
    length_s = common.uniform(10, 60) * MINUTE_S if style == "burst" else (
        min(common.uniform(2, 14), 0.2 * scene.calendar.days) * DAY_S
    )  # fmt: skip
    begins_s = scene.available_s + common.uniform(0, 10) * DAY_S
    return min(begins_s, scene.calendar.end_s - length_s - HOUR_S), length_s


def _poisoning_scanner(style: str, scanners: list[ScannerSession], draw: Random) -> ScannerSession:
    """The few sessions of a burst; a fresh one now and then; a fresh one each time."""
    if style == "burst" or (style == "spread" and draw.random() < 0.5):
        return draw.choice(scanners)
    return consumer(draw)
