"""Families that put a real code on more than one pack: the signature cannot tell."""

from dataclasses import replace

from authenticity.records.scan import Act, Channel
from simulation.behaviour import (
    at_home,
    genuine_pack,
    home_city,
    recorded_sale,
    sale_time,
)
from simulation.ceiling import any_of, two_seen
from simulation.cities import City, some_city
from simulation.draws import log_uniform
from simulation.scene import (
    Concern,
    Life,
    Scene,
    Wave,
    copies_of,
    fake_seen,
    original_seen,
    outlets,
    sold,
    sold_one,
    untouched,
    wave_after,
)
from simulation.visits import (
    DAY_S,
    HOUR_S,
    ScannerSession,
    Visit,
    officer,
    shop_name,
    spot_in,
    till,
)


def copies(scene: Scene) -> Life:
    """One serial on many packs in many cities, sold within one wave."""
    number = round(log_uniform(scene.common, 10, scene.most_copies))
    cities, wave = outlets(scene), wave_after(scene, scene.available_s)
    return _cloned(scene, number, cities, wave)


def few_copies(scene: Scene) -> Life:
    """Many serials of one batch, each on a handful of packs: hard to see one by one."""
    cities, wave = outlets(scene), wave_after(scene, scene.available_s)
    return _cloned(scene, scene.draw.randint(1, scene.attackers.few_copies_most), cities, wave)


def same_city(scene: Scene) -> Life:
    """Copies on sale where the original is: no distance tells them from one pack."""
    number = round(log_uniform(scene.common, 10, min(1_000, scene.most_copies)))
    city = home_city(scene.pack, scene.draw, scene.route)
    wave = wave_after(scene, scene.available_s)
    return _cloned(scene, number, [city], wave, city=city)


def before_sale(scene: Scene) -> Life:
    """Photographed at the wholesaler's or on the shelf; the copies sell before the original."""
    shelf = scene.common.random() < 0.5
    route = scene.route
    after_s = route.border_s + DAY_S if route and not shelf else scene.available_s
    cities, wave = outlets(scene), wave_after(scene, after_s)
    number = round(log_uniform(scene.draw, 10, min(300, scene.most_copies)))
    sold_s = wave.ends_s + scene.draw.uniform(0, 1) * max(0.0, scene.latest_s - wave.ends_s)
    life = _cloned(scene, number, cities, wave, sold_s=max(sold_s, scene.available_s))
    return life._replace(style="shelf" if shelf else "wholesaler")


def after_use(scene: Scene) -> Life:
    """Taken from an empty pack; the copies sell when the original is used up."""
    draw, calendar = scene.draw, scene.calendar
    drawn_s = sale_time(scene.pack, draw, calendar, scene.route, scene.shelf_days)
    third_s = calendar.days / 3 * DAY_S
    sold_s = max(scene.available_s, min(drawn_s, calendar.end_s - third_s))
    cities = outlets(scene)
    wave = wave_after(scene, sold_s + draw.uniform(0.05, 0.15) * calendar.days * DAY_S)
    number = round(log_uniform(draw, 10, min(300, scene.most_copies)))
    return _cloned(scene, number, cities, wave, sold_s=sold_s)


def reuse(scene: Scene) -> Life:
    """The code of a pack that was destroyed, or sold at a till, on packs that are sold again."""
    draw, pack, rates = scene.draw, scene.pack, scene.rates
    destroyed = scene.common.random() < 0.5
    city = home_city(pack, draw, scene.route)
    ended_s = draw.uniform(scene.available_s, (scene.available_s + scene.latest_s) / 2)
    wave = wave_after(scene, ended_s + 0.02 * scene.calendar.days * DAY_S)
    cities, number = outlets(scene), round(log_uniform(draw, 1, 20))
    original = genuine_pack(pack)
    if destroyed:
        scanner, spot = officer(draw, city), spot_in(draw, city)
        visits = [Visit(original, scanner, ended_s, spot, "destruction", Act.DESTROY)]
    else:
        visits = [recorded_sale(original, draw, city, ended_s, scene.route)]
    fake = fake_seen(scene) if destroyed else any_of(fake_seen(scene), rates.sale_recorded)
    for copy in copies_of(pack, number):
        there, at_s = draw.choice(cities), draw.uniform(*wave)
        if not destroyed and draw.random() < rates.sale_recorded:
            visits.append(recorded_sale(copy, draw, there, at_s))
        consumer_scans = draw.random() < rates.consumer
        inspected = draw.random() < rates.inspected
        visits += sold_one(scene, copy, there, at_s, consumer_scans, inspected)
    concern = Concern(pack.item, number, fake, 1.0, two_seen(number, fake, 1.0))
    style = "destroyed" if destroyed else "sold"
    return Life(scene.calendar.within(visits), (concern,), wave.begins_s, style)


def colluding(scene: Scene) -> Life:
    """A known shop sells copies of codes it has handled, or a known wholesaler finds them in
    order: what is trusted speaks for the false packs."""
    draw, common, pack = scene.draw, scene.common, scene.pack
    at_till = common.random() < 0.5
    city = some_city(common, pack.batch.markets)
    name = (
        shop_name(city, common.randint(1, 5))
        if at_till
        else f"wholesaler-{city.country.lower()}-{common.randint(1, 4)}"
    )
    there = spot_in(common, city)
    wave = wave_after(scene, scene.available_s)
    patient = scene.attackers.patient
    if patient and common.random() < patient:
        wave = wave._replace(ends_s=max(wave.ends_s, scene.latest_s))
    number = draw.randint(1, 2 if at_till else 3)
    visits = untouched(scene)
    for copy in copies_of(pack, number):
        at_s = draw.uniform(*wave)
        if at_till:
            visits.append(Visit(copy, till(draw, name), at_s, there, "sale", Act.SELL))
        else:
            scanner = ScannerSession(name, Channel.LOGISTICS, True, f"{draw.getrandbits(64):016x}")
            act = Act.INSPECT_CONFORMANT
            visits.append(Visit(copy, scanner, at_s, there, "inspection", act))
        if draw.random() < scene.rates.consumer:
            where = city if at_till else some_city(draw, (city.country,))
            opened_s = at_s + draw.expovariate(1 / (12 * HOUR_S)) + HOUR_S
            visits += at_home(copy, draw, where, opened_s, scene.rates)
    original = original_seen(scene)
    concern = Concern(pack.item, number, 1.0, original, two_seen(number, 1.0, original))
    style = "till" if at_till else "wholesaler"
    visits = scene.calendar.within(visits)
    return Life(visits, (concern,), wave.begins_s, style, publisher=name)


def swapped_contents(scene: Scene) -> Life:
    """The packs of a case are sold elsewhere; copies of them travel on under its SSCC.

    Readings of the case label afterwards are readings of the copies.
    """
    draw, pack, route, rates = scene.draw, scene.pack, scene.route, scene.rates
    elsewhere = some_city(scene.common)
    (copy,) = copies_of(pack, 1)
    original = genuine_pack(pack)
    swapped_s = route.border_s if route else scene.calendar.start_s
    uninspected = replace(scene, rates=replace(rates, inspected=0.0))
    visits = [
        visit._replace(scanned=original) if visit.at_s <= swapped_s and visit.operation else visit
        for visit in untouched(uninspected, scanned=copy)
    ]
    from_s = max(swapped_s, scene.calendar.start_s)
    if draw.random() < rates.consumer:
        at_s = from_s + draw.uniform(0.02, 0.25) * scene.calendar.days * DAY_S
        visits += at_home(original, draw, elsewhere, min(at_s, scene.latest_s), rates)
    fake = original_seen(uninspected)
    concern = Concern(pack.item, 1, fake, rates.consumer, two_seen(1, fake, rates.consumer))
    return Life(scene.calendar.within(visits), (concern,), from_s)


def _cloned(
    scene: Scene,
    number: int,
    cities: list[City],
    wave: Wave,
    *,
    sold_s: float | None = None,
    city: City | None = None,
) -> Life:
    """The original's own life, and `number` copies sold in these cities."""
    visits = untouched(scene, sold_s=sold_s, city=city)
    fakes = copies_of(scene.pack, number)
    visits += sold(scene, fakes, lambda: scene.draw.choice(cities), wave)
    fake, original = fake_seen(scene), original_seen(scene)
    ceiling = two_seen(number, fake, original)
    concern = Concern(scene.pack.item, number, fake, original, ceiling)
    return Life(visits, (concern,), wave.begins_s)
