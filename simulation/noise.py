"""From what happened to what arrives: wrong places, wrong clocks, late, twice, mangled."""

from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import UNSET

from authenticity.records.scan import SCAN_FORMAT, Channel, Scan, from_epoch_ms
from simulation.draws import digest_of, stamp_of, stream_of
from simulation.location import Positioning, exact_place, known_place
from simulation.networks import Uplinks, evidence_of
from simulation.phones import Device, device_in_one_session, device_of_phone
from simulation.setting import Setting, share_of
from simulation.visits import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    ScannerSession,
    Spot,
    Visit,
)

_LONGEST_DELAY_S: Final = 14 * DAY_S
_CAPTURED_BEFORE_S: Final = 72 * HOUR_S
_CAPTURED_AFTER_S: Final = 5 * MINUTE_S
"""The bounds of an anonymous scan's capture time, before and after its arrival."""
_OFFICERS: Final = frozenset((Channel.CUSTOMS, Channel.POLICE))
_CAPS_LOCK: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
)
_QWERTZ: Final = str.maketrans("yzYZ", "zyZY")
_CUT_CHARACTERS: Final = 20

MANGLING: Final = frozenset(("case-mangled", "keys-swapped", "truncated"))
"""Noise after which the text may name another item, or none."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Shares, each of which can be 0: of devices, of scans, of uploads, of batches, of days.

    `late_officers`: their uploads come 0 to 72 hours later, one in twenty of those up to
    14 days. `out_of_order`: a scan is held up for minutes. `backlogs`: the scans of one
    known publisher's day arrive again, days later. `late_manifests`: a batch's header is uploaded
    when its packs are in the shops. `undated`: it never says when the batch was released.
    `wrong_clocks`: all scanners of a publisher are off by the same time.
    """

    vpn: Annotated[float, share_of("phones' sessions")] = 0.05
    skewed_clocks: Annotated[float, share_of("phones")] = 0.10
    skew_limit_s: Annotated[float, Setting("seconds", 0, 86_400)] = 300.0
    wrong_clocks: Annotated[float, share_of("known publishers")] = 0.0
    wrong_clock_limit_s: Annotated[float, Setting("seconds", 0, 7 * 86_400)] = 7_200.0
    duplicates: Annotated[float, share_of("scans")] = 0.01
    case_mangled: Annotated[float, share_of("scans")] = 0.001
    keys_swapped: Annotated[float, share_of("scans")] = 0.001
    truncated: Annotated[float, share_of("scans")] = 0.001
    late_consumers: Annotated[float, share_of("phones' scans")] = 0.005
    late_officers: Annotated[float, share_of("officers' scans")] = 0.30
    late_partners: Annotated[float, share_of("partners' and tills' scans")] = 0.05
    out_of_order: Annotated[float, share_of("scans")] = 0.02
    backlogs: Annotated[float, share_of("a known publisher's days")] = 0.002
    late_manifests: Annotated[float, share_of("batches")] = 0.005
    undated: Annotated[float, share_of("batches whose release is not registered")] = 0.0
    place_errors: Annotated[bool, Setting("yes or no", 0, 1)] = True
    uplinks: Uplinks = field(default_factory=Uplinks)
    positioning: Positioning = field(default_factory=Positioning)


SILENCE: Final = Noise(
    vpn=0.0, skewed_clocks=0.0, skew_limit_s=0.0, duplicates=0.0, case_mangled=0.0,
    keys_swapped=0.0, truncated=0.0, late_consumers=0.0, late_officers=0.0, late_partners=0.0,
    out_of_order=0.0, backlogs=0.0, late_manifests=0.0, place_errors=False,
)  # fmt: skip
"""Every scan arrives once, in time, as it was, and from where it was."""


class Report(NamedTuple):
    """A scan as it arrives, what happened, and the names of the noise between them."""

    scan: Scan
    visit: Visit
    noise: tuple[str, ...]


def reports_of(visits: list[Visit], draw: Random, noise: Noise, seed: int) -> list[Report]:
    """What arrives of these visits; in the order of the visits, not of arrival."""
    devices: dict[tuple[ScannerSession, Spot | None], Device] = {}
    reports: list[Report] = []
    for number, visit in enumerate(visits):
        key = visit.scanner, visit.spot if visit.scanner.phone else None
        if key not in devices:
            devices[key] = _device(visit, draw, noise, seed)
        report = _report(visit, number, devices[key], draw, noise, seed)
        reports.append(report)
        if draw.random() < noise.duplicates:
            reports.append(_again(report, draw.uniform(1, 600), "duplicate"))
        day = int(visit.at_s // DAY_S)
        share = noise.backlogs if visit.scanner.authorised else 0.0
        delay_days = _backlog(seed, visit.scanner.publisher, day, share)
        if delay_days:
            reports.append(_again(report, delay_days * DAY_S, "backlog"))
    return reports


@lru_cache(maxsize=65_536)
def _backlog(seed: int, publisher: str, day: int, share: float) -> float:
    """After how many days this day of the publisher's is sent again; 0 for hardly ever."""
    if not share:
        return 0.0
    draw = stream_of(seed, "backlog", publisher, day)
    return draw.uniform(2, 10) if draw.random() < share else 0.0


def _device(visit: Visit, draw: Random, noise: Noise, seed: int) -> Device:
    scanner, spot = visit.scanner, visit.spot
    if scanner.authorised:
        skew_s = _clock_error_s(seed, scanner.publisher, noise)
        return Device(known_place(draw, spot, scanner.channel), None, skew_s)
    if scanner.phone:
        return device_of_phone(seed, visit, noise)
    return device_in_one_session(draw, spot, noise)


def _clock_error_s(seed: int, publisher: str, noise: Noise) -> float:
    if not noise.wrong_clocks:
        return 0.0
    draw = stream_of(seed, "clock", publisher)
    limit_s = noise.wrong_clock_limit_s
    return draw.uniform(-limit_s, limit_s) if draw.random() < noise.wrong_clocks else 0.0


def _report(
    visit: Visit, number: int, device: Device, draw: Random, noise: Noise, seed: int
) -> Report:
    text = visit.scanned.print_code()
    causes: tuple[str, ...] = ()
    if visit.operation is None:  # otherwise it was the case's label that was read
        text, causes = _typed(text, draw, noise)
    delay_s, late = _delay_s(visit.scanner, draw, noise)
    if late:
        causes += (late,)
    uplink = visit.uplink or device.uplink
    if visit.uplink is None and device.uplink_noise:
        causes += (device.uplink_noise,)
    if device.skew_s and visit.claimed_s is None:
        causes += ("clock-skew",)
    scanner, received_s = visit.scanner, visit.at_s + delay_s
    captured_s = visit.at_s + device.skew_s if visit.claimed_s is None else visit.claimed_s
    clamped = not scanner.authorised and not (
        -_CAPTURED_BEFORE_S <= captured_s - received_s <= _CAPTURED_AFTER_S
    )
    scan_id = digest_of(seed, visit.scanned.physical, number)
    network = None
    if uplink is not None:
        network = evidence_of(seed, uplink, errors=noise.place_errors, uplinks=noise.uplinks)
    network_id = network.network if network else ""
    scan = Scan(
        v=SCAN_FORMAT,
        scan_id=scan_id,
        publisher=scanner.publisher,
        code=text,
        captured_at=from_epoch_ms(round((received_s if clamped else captured_s) * 1000)),
        received_at=from_epoch_ms(round(received_s * 1000)),
        channel=scanner.channel,
        authorised=scanner.authorised,
        session=scanner.session,
        place=exact_place(visit.reported) if visit.reported else device.place,
        act=visit.act,
        operation=visit.operation,
        network=network,
        selection=stamp_of(seed, "selection", scanner.publisher, scan_id, network_id),
        clamped=clamped,
        refused_for=visit.refused_for or UNSET,
    )
    return Report(scan, visit, causes)


def _delay_s(scanner: ScannerSession, draw: Random, noise: Noise) -> tuple[float, str]:
    """Seconds; minutes if held up; hours without a signal, up to two weeks for officers."""
    if scanner.channel in _OFFICERS:
        if draw.random() < noise.late_officers:
            if draw.random() < 0.05:
                return draw.uniform(3 * DAY_S, _LONGEST_DELAY_S), "late"
            return draw.uniform(0, 3 * DAY_S), "late"
    elif scanner.authorised:
        if draw.random() < noise.late_partners:
            return draw.uniform(1, 24) * HOUR_S, "late"
    elif draw.random() < noise.late_consumers:
        return draw.uniform(1, 48) * HOUR_S, "late"
    if draw.random() < noise.out_of_order:
        return draw.uniform(3, 300), "out-of-order"
    return draw.uniform(0.2, 3.0), ""


def _again(report: Report, after_s: float, cause: str) -> Report:
    """The same scan, delivered a second time: only its arrival differs."""
    scan = report.scan
    received_ms = round((scan.received_at.timestamp() + after_s) * 1000)
    again = msgspec.structs.replace(scan, received_at=from_epoch_ms(received_ms))
    return report._replace(scan=again, noise=(*report.noise, cause))


def _typed(text: str, draw: Random, noise: Noise) -> tuple[str, tuple[str, ...]]:
    """What a scanner that acts as a keyboard makes of it: Caps Lock, QWERTZ, cut short."""
    chance = draw.random()
    if chance < noise.case_mangled:
        return (text.upper() if draw.random() < 0.5 else text.translate(_CAPS_LOCK)), (
            "case-mangled",
        )
    chance -= noise.case_mangled
    if chance < noise.keys_swapped:
        return text.translate(_QWERTZ), ("keys-swapped",)
    chance -= noise.keys_swapped
    if chance < noise.truncated:
        return text[:-_CUT_CHARACTERS], ("truncated",)
    return text, ()
