"""From what happened to what arrives: wrong places, wrong clocks, late, twice, mangled."""

from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from authenticity.scan import SCAN_FORMAT, Place, Scan, from_epoch_ms
from producers.simulation.draws import digest_of
from producers.simulation.location import consumer_place, exact_place, known_place
from producers.simulation.visits import DAY_S, HOUR_S, Reader, Visit

_LONGEST_DELAY_S: Final = 14 * DAY_S
_CAPS_LOCK: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
)
_QWERTZ: Final = str.maketrans("yzYZ", "zyZY")


@dataclass(frozen=True, slots=True)
class Noise:
    """Shares, each of which can be 0: of devices, of scans, of known scanners' uploads."""

    vpn: float = 0.05
    skewed_clocks: float = 0.10
    skew_limit_s: float = 300.0
    duplicates: float = 0.01
    mangled: float = 0.003
    late_consumers: float = 0.005
    late_officers: float = 0.30
    place_errors: bool = True


SILENCE: Final = Noise(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, place_errors=False)
"""Every scan arrives once, in time, as it was, and from where it was."""


class Report(NamedTuple):
    """A scan as it arrives, what happened, and the names of the noise between them."""

    scan: Scan
    visit: Visit
    noise: tuple[str, ...]


class _Device(NamedTuple):
    """What all scans of one session share."""

    place: Place
    skew_s: float
    is_vpn: bool


def reports_of(visits: list[Visit], draw: Random, noise: Noise, seed: int) -> list[Report]:
    """What arrives of these visits; in the order of the visits, not of arrival."""
    devices: dict[Reader, _Device] = {}
    reports: list[Report] = []
    for number, visit in enumerate(visits):
        if visit.reader not in devices:
            devices[visit.reader] = _device(visit, draw, noise)
        report = _report(visit, number, devices[visit.reader], draw, noise, seed)
        reports.append(report)
        if draw.random() < noise.duplicates:
            reports.append(_again(report, draw))
    return reports


def _device(visit: Visit, draw: Random, noise: Noise) -> _Device:
    reader, spot = visit.reader, visit.spot
    if reader.authorised:
        return _Device(known_place(draw, spot, reader.channel), 0.0, False)
    if not noise.place_errors:
        return _Device(exact_place(spot), 0.0, False)
    place, is_vpn = consumer_place(draw, spot, noise.vpn)
    skew_s = 0.0
    if draw.random() < noise.skewed_clocks:
        skew_s = draw.uniform(-noise.skew_limit_s, noise.skew_limit_s)
    return _Device(place, skew_s, is_vpn)


def _report(
    visit: Visit, number: int, device: _Device, draw: Random, noise: Noise, seed: int
) -> Report:
    causes: list[str] = []
    text = visit.subject.print_code()
    if draw.random() < noise.mangled:
        text = _mangled(text, draw)
        causes.append("mangled")
    delay_s, is_late = _delay_s(visit.reader, draw, noise)
    causes += ["late"] * is_late + ["clock-skew"] * bool(device.skew_s) + ["vpn"] * device.is_vpn
    reader = visit.reader
    scan = Scan(
        v=SCAN_FORMAT,
        scan_id=digest_of(seed, visit.subject.physical, number),
        publisher=reader.publisher,
        code=text,
        captured_at=from_epoch_ms(round((visit.at_s + device.skew_s) * 1000)),
        received_at=from_epoch_ms(round((visit.at_s + delay_s) * 1000)),
        channel=reader.channel,
        authorised=reader.authorised,
        session=reader.session,
        place=device.place,
        act=visit.act,
    )
    return Report(scan, visit, tuple(causes))


def _delay_s(reader: Reader, draw: Random, noise: Noise) -> tuple[float, bool]:
    """Seconds; hours for those without signal, up to two weeks for a few officers."""
    if reader.authorised:
        if draw.random() < noise.late_officers:
            longest_s = _LONGEST_DELAY_S if draw.random() < 0.05 else 3 * DAY_S
            return min(draw.expovariate(1 / (longest_s / 4)), longest_s), True
    elif draw.random() < noise.late_consumers:
        return draw.uniform(1, 48) * HOUR_S, True
    return draw.uniform(0.2, 3.0), False


def _again(report: Report, draw: Random) -> Report:
    """The same scan, delivered a second time: only its arrival differs."""
    scan = report.scan
    received_ms = round(scan.received_at.timestamp() * 1000 + draw.uniform(1, 600) * 1000)
    fields = {name: getattr(scan, name) for name in scan.__struct_fields__}
    again = Scan(**(fields | {"received_at": from_epoch_ms(received_ms)}))
    return report._replace(scan=again, noise=(*report.noise, "duplicate"))


def _mangled(text: str, draw: Random) -> str:
    """What a scanner that acts as a keyboard makes of it: Caps Lock, QWERTZ, cut short."""
    return draw.choice(
        (text.upper(), text.translate(_CAPS_LOCK), text.translate(_QWERTZ), text[: len(text) - 20])
    )
