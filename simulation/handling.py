"""What shops, clinics, officers and strangers honestly do with a pack, beside its owner.

Each is a named behaviour in the truth file. What another pack cannot have undergone (a second
sale without a return, a refusal) is here too, because honest people do that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Annotated, Final

from authenticity.records.scan import Act, RefusalGround
from simulation.cities import City, city_abroad, some_city
from simulation.draws import log_uniform, stream_of
from simulation.owners import Owners, phone_of
from simulation.setting import Setting, share_of
from simulation.visits import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    Calendar,
    ScannedObject,
    ScannerSession,
    Spot,
    Visit,
    consumer,
    phone_session,
    spot_around,
    spot_in,
)

_CLINICS_OF_A_CITY: Final = 20
_PHONES_OF_A_SHOP: Final = 3
_DISTRICT_KM: Final = 40.0
_HONEST_GROUNDS: Final = (RefusalGround.DOCUMENTS, RefusalGround.STORAGE_CONDITIONS)
_PARCEL_S: Final = 26 * HOUR_S
"""The longest flight."""


@dataclass(frozen=True, slots=True)
class Handling:
    """Shares of packs or of what happens to them. All 0 in the benchmark.

    A clinic's staff scan a pack with their own phones, which scan other packs too; so does a
    clerk at the counter. A parcel's receiver, in another country, looks as often as a buyer.
    `listed`: a photograph of the code stands in an offer, and its viewers scan their screens;
    `listed_abroad` of them are anywhere in the world. `displayed`: a pack stands where many
    strangers try the scan on it, for hours or for weeks. `refused`: papers or temperature are
    wrong, and the goods are released later; `refused_seized` of these are seized too, until the
    papers come. `grounds_stated`: whoever refuses a pack, false or not, says why; `grounds_wrong`
    of these say what it is not. `releases_unrecorded`: the goods go on, and nobody says so.
    `aid`: a nurse scans every pack that she hands out.
    """

    clinics: Annotated[float, share_of("packs")] = 0.0
    clinic_staff_most: Annotated[int, Setting("phones", 2, 100)] = 8
    clinic_days: Annotated[float, Setting("days, at most", 0.1, 365)] = 30.0
    clerks: Annotated[float, share_of("sales")] = 0.0
    parcels: Annotated[float, share_of("packs")] = 0.0
    unbooked_returns: Annotated[float, share_of("recorded sales")] = 0.0
    double_sales: Annotated[float, share_of("recorded sales")] = 0.0
    listed: Annotated[float, share_of("packs")] = 0.0
    listed_viewers_most: Annotated[int, Setting("viewers who scan", 2, 10_000)] = 40
    listed_abroad: Annotated[float, share_of("viewers")] = 0.2
    displayed: Annotated[float, share_of("packs")] = 0.0
    displayed_visitors_most: Annotated[int, Setting("visitors who scan", 3, 1_000)] = 40
    refused: Annotated[float, share_of("inspections")] = 0.0
    refused_seized: Annotated[float, share_of("honest refusals")] = 0.0
    grounds_stated: Annotated[float, share_of("refusals")] = 0.0
    grounds_wrong: Annotated[float, share_of("stated grounds")] = 0.0
    releases_unrecorded: Annotated[float, share_of("releases")] = 0.0
    aid: Annotated[float, share_of("packs")] = 0.0
    aid_packs: Annotated[int, Setting("packs that a nurse hands out", 1, 5_000)] = 300


NO_HANDLING: Final = Handling()
"""That of the benchmark."""


def at_clinic(
    scanned: ScannedObject,
    draw: Random,
    city: City,
    at_s: float,
    calendar: Calendar,
    handling: Handling,
    owners: Owners,
) -> Iterator[Visit]:
    """Two or more of the staff, within some days, and before the calendar ends."""
    clinic = f"{city.name}-{draw.randint(1, _CLINICS_OF_A_CITY)}"
    spot = spot_in(stream_of(0, "clinic", clinic), city)
    most = handling.clinic_staff_most
    days_s = draw.random() * 0.8 * _room_s(at_s, handling.clinic_days, calendar)
    at_s += 0.1 * _room_s(at_s, 1.0, calendar)
    for number in draw.sample(range(most), draw.randint(2, most)):
        look_s = at_s + draw.random() * days_s
        phone = phone_of("clinic", clinic, number)
        yield Visit(scanned, _session(phone, look_s, owners), look_s, spot, "clinic")


def at_the_counter(
    scanned: ScannedObject, draw: Random, shop: str, spot: Spot, at_s: float, owners: Owners
) -> Visit:
    """A clerk scans it with a phone of their own, minutes before it is sold."""
    phone = phone_of("clerk", shop, draw.randint(1, _PHONES_OF_A_SHOP))
    look_s = at_s - draw.uniform(0.2, 10) * MINUTE_S
    return Visit(scanned, _session(phone, look_s, owners), look_s, spot, "counter")


def parcel(
    scanned: ScannedObject, draw: Random, city: City, at_s: float, calendar: Calendar
) -> Visit:
    """Whoever it was sent to, in another country, looks when it arrives."""
    there = city_abroad(draw, (city.country,))
    look_s = at_s + draw.uniform(0.4, 1.0) * _room_s(at_s, 21.0, calendar)
    return Visit(scanned, consumer(draw), look_s, spot_in(draw, there), "parcel")


def opened_between(opened_s: float, sold_s: float, around: list[Visit]) -> float:
    """When the buyer opens the pack: after clinic or nurse, before a parcel is sent."""
    for visit in around:
        if visit.behaviour in ("clinic", "aid"):
            opened_s = max(opened_s, visit.at_s + 2 * HOUR_S)
    for visit in around:
        if visit.behaviour == "parcel":
            opened_s = min(opened_s, max(sold_s + MINUTE_S, visit.at_s - _PARCEL_S))
    return opened_s


def listed(
    picture: ScannedObject, draw: Random, city: City, at_s: float, handling: Handling
) -> Iterator[Visit]:
    """Viewers of an offer scan the code on their screens, before it is sold and after."""
    begins_s, days = at_s - draw.uniform(0, 10) * DAY_S, draw.uniform(2, 40)
    for _ in range(draw.randint(2, handling.listed_viewers_most)):
        abroad = draw.random() < handling.listed_abroad
        where = some_city(draw, () if abroad else (city.country,))
        look_s = begins_s + draw.random() * days * DAY_S
        yield Visit(picture, consumer(draw), look_s, spot_in(draw, where), "listing")


def displayed(
    scanned: ScannedObject,
    draw: Random,
    spot: Spot,
    after_s: float,
    until_s: float,
    handling: Handling,
) -> Iterator[Visit]:
    """Strangers in one place, before it is sold: a counter, a fair, a school."""
    begins_s = max(after_s, until_s - log_uniform(draw, 0.3, 30) * DAY_S)
    for _ in range(round(log_uniform(draw, 3, handling.displayed_visitors_most))):
        look_s = draw.uniform(begins_s, until_s)
        yield Visit(scanned, consumer(draw), look_s, spot, "displayed")


def aid(
    scanned: ScannedObject,
    draw: Random,
    city: City,
    at_s: float,
    calendar: Calendar,
    nurse: str,
    owners: Owners,
) -> Visit:
    """A nurse scans the pack that she hands out, somewhere in her district, within a day."""
    phone = phone_of("nurse", nurse)
    at_s += draw.uniform(0.3, 0.6) * _room_s(at_s, 1.0, calendar)
    spot = spot_around(draw, city, _DISTRICT_KM)
    return Visit(scanned, _session(phone, at_s, owners), at_s, spot, "aid")


def refused(inspected: Visit, draw: Random, until_s: float, handling: Handling) -> list[Visit]:
    """For its papers or the temperature on the way, and released before `until_s`."""
    room_s = max(0.1 * DAY_S, min(10 * DAY_S, 0.9 * (until_s - inspected.at_s)))
    released_s = inspected.at_s + draw.uniform(0.05, 1.0) * room_s
    refusal = inspected._replace(behaviour="papers refused", act=Act.INSPECT_NONCONFORMANT)
    refusal = with_ground(refusal, handling, is_false=False)
    visits = [refusal]
    draw_after = stream_of(0, "refused", inspected.scanner.session)
    if draw_after.random() < handling.refused_seized:
        seized_s = inspected.at_s + draw_after.uniform(0.001, 0.04) * room_s
        visits.append(refusal._replace(at_s=seized_s, behaviour="papers refused", act=Act.SEIZE))
    if draw_after.random() >= handling.releases_unrecorded:
        visits.append(inspected._replace(at_s=released_s, behaviour="released", act=Act.RELEASE))
    return visits


def with_ground(refusal: Visit, handling: Handling, *, is_false: bool) -> Visit:
    """With its ground, if the officer states one. Draws from a stream of its own."""
    draw = stream_of(0, "ground", refusal.scanner.session)
    if draw.random() >= handling.grounds_stated:
        return refusal
    of_genuine = draw.choice(_HONEST_GROUNDS)
    says_false = is_false != (draw.random() < handling.grounds_wrong)
    return refusal._replace(
        refused_for=RefusalGround.SUSPECTED_FALSIFIED if says_false else of_genuine
    )


def sold_twice(sale: Visit, draw: Random, handling: Handling) -> Iterator[Visit]:
    """The till beeped twice; or the pack was brought back, nobody booked that, and it was sold
    again."""
    if handling.double_sales and draw.random() < handling.double_sales:
        yield sale._replace(at_s=sale.at_s + draw.uniform(2, 300), behaviour="double sale")
    if handling.unbooked_returns and draw.random() < handling.unbooked_returns:
        again_s = sale.at_s + draw.uniform(0.2, 14) * DAY_S
        yield sale._replace(at_s=again_s, behaviour="sold after an unbooked return")


def _session(phone: str, at_s: float, owners: Owners) -> ScannerSession:
    return phone_session(phone, at_s, owners.session_days)


def _room_s(at_s: float, days: float, calendar: Calendar) -> float:
    """So many days, or most of those that are left."""
    return min(days * DAY_S, 0.9 * max(0.0, calendar.end_s - at_s))
