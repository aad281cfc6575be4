"""Attacks on a product, each with its label, its victims and its visits.

An attack begins at one pack, the victim whose code is taken or whose name is used, and
some take hold of the packs beside it too. Where they begin follows from the seed: spread
evenly, every family as often as the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final, NamedTuple

from authenticity.code import write_digital_link
from authenticity.item import item_id
from authenticity.scan import Act
from authenticity.serial import RANDOM_BYTES, mint_serial
from producers.simulation.behaviour import (
    Rates,
    at_home,
    honest_life,
    inspection,
    own_subject,
    recorded_sale,
)
from producers.simulation.cities import another_city, city_abroad, some_city
from producers.simulation.draws import stream_of
from producers.simulation.visits import (
    DAY_S,
    Calendar,
    Subject,
    Visit,
    officer,
    spot_in,
)
from producers.simulation.world import Pack, SealingKey, sealed_code


class AttackFamily(StrEnum):
    """How the product is attacked."""

    COPIES = "copies"
    FEW_COPIES = "few-copies"
    FORGED = "forged"
    UNSIGNED = "unsigned"
    REPLAY = "replay"
    DIVERSION = "diversion"


FAMILIES: Final = tuple(AttackFamily)

PACKS_TAKEN: Final = {AttackFamily.FEW_COPIES: 12, AttackFamily.DIVERSION: 12}
"""Of one batch, side by side; one pack for the other families."""


class Attack(NamedTuple):
    """One attack; `id` is the same for all packs that it takes hold of."""

    id: str
    family: AttackFamily


@dataclass(frozen=True, slots=True)
class AttackPlan:
    """`count` attacks spread evenly over `items` packs."""

    seed: int
    items: int
    count: int

    def attack_on(self, index: int) -> Attack | None:
        """The attack that takes hold of this pack, if any."""
        if not self.count:
            return None
        number = index * self.count // self.items
        first = -(-number * self.items // self.count)
        room = -(-(number + 1) * self.items // self.count) - first
        family = self._family(number)
        taken = min(PACKS_TAKEN.get(family, 1), room)
        begins = first + stream_of(self.seed, "attack", number).randrange(room - taken + 1)
        if not begins <= index < begins + taken:
            return None
        return Attack(f"{family}-{number}", family)

    def _family(self, number: int) -> AttackFamily:
        """Every six attacks hold each family once, in an order of their own."""
        turn, place = divmod(number, len(FAMILIES))
        return stream_of(self.seed, "families", turn).sample(FAMILIES, len(FAMILIES))[place]


def plan_attacks(seed: int, items: int, rate: float) -> AttackPlan:
    """`rate` attacks for each item; each family at least once, if there is room at all."""
    count = round(items * rate)
    if rate > 0:
        count = min(items, max(count, len(FAMILIES)))
    return AttackPlan(seed, items, count)


@dataclass(frozen=True, slots=True)
class Scene:
    """What an attack takes place in. Chance comes from `draw` alone."""

    pack: Pack
    draw: Random
    calendar: Calendar
    rates: Rates
    forger: SealingKey


def attacked_life(attack: Attack, scene: Scene) -> list[Visit]:
    """Every visit to the victim and to the false packs that go by its name."""
    return scene.calendar.within(_ACTS_OF[attack.family](scene))


def _copies(scene: Scene) -> list[Visit]:
    """One serial on many packs in many cities, sold within a week or two."""
    number = int(10 ** scene.draw.uniform(1.0, 2.3))
    return [*_untouched(scene), *_sold_copies(scene, number, wave_days=scene.draw.uniform(3, 14))]


def _few_copies(scene: Scene) -> list[Visit]:
    """Many serials of one batch, each on a handful of packs: hard to see one by one."""
    return [*_untouched(scene), *_sold_copies(scene, scene.draw.randint(1, 5), wave_days=14)]


def _forged(scene: Scene) -> list[Visit]:
    """A seal by a key that is on no list; one time in five under a serial that exists."""
    batch, host = scene.pack.batch, scene.pack.host
    stolen = scene.draw.random() < 0.2
    serial = scene.pack.serial if stolen else _invented_serial(scene.draw)
    ais = [(ai, serial if ai == "21" else value) for ai, value in scene.pack.plain_ais]

    def print_code() -> str:
        return sealed_code(ais, host, scene.forger)

    subjects = [
        Subject(f"forged-{scene.pack.index}-{n}", False, item_id(batch.gtin, serial), print_code)
        for n in range(scene.draw.randint(2, 20))
    ]
    honest = _untouched(scene) if stolen else []
    return [*honest, *_sold(scene, subjects, wave_days=scene.calendar.days)]


def _unsigned(scene: Scene) -> list[Visit]:
    """A code as it was printed before seals, with an invented serial."""
    batch, host = scene.pack.batch, scene.pack.host
    serial = _invented_serial(scene.draw)
    ais = [(ai, serial if ai == "21" else value) for ai, value in scene.pack.plain_ais]
    text = write_digital_link(ais, host)
    subjects = [
        Subject(
            f"unsigned-{scene.pack.index}-{n}", False, item_id(batch.gtin, serial), lambda: text
        )
        for n in range(scene.draw.randint(2, 20))
    ]
    return _sold(scene, subjects, wave_days=scene.calendar.days)


def _replay(scene: Scene) -> list[Visit]:
    """The code of a pack that was sold or destroyed, on another pack that is sold again."""
    draw, pack = scene.draw, scene.pack
    city = some_city(draw, pack.batch.markets)
    original = own_subject(pack)
    again = Subject(f"replay-{pack.index}-0", False, pack.item, lambda: pack.code)
    gap_s = draw.uniform(2, max(3, scene.calendar.days / 3)) * DAY_S
    latest_s = scene.calendar.end_s - gap_s - 2 * DAY_S
    ended_s = draw.uniform(scene.calendar.start_s, max(scene.calendar.start_s, latest_s))
    resold_s = ended_s + gap_s
    there = another_city(draw, city, pack.batch.markets)
    if there is city:
        there = another_city(draw, city)
    looks = at_home(again, draw, there, resold_s + draw.uniform(0.1, 2) * DAY_S, scene.rates)
    if draw.random() < 0.5:
        sale = recorded_sale(original, draw, city, ended_s)
        return [sale, recorded_sale(again, draw, there, resold_s), *looks]
    reader, spot = officer(draw, city), spot_in(draw, city)
    end = Visit(original, reader, ended_s, spot, "destruction", Act.DESTROY)
    strangers = at_home(again, draw, there, resold_s + draw.uniform(0, 1) * DAY_S, scene.rates)
    return [end, *looks, *strangers]


def _diversion(scene: Scene) -> list[Visit]:
    """Genuine packs, sold where they were not meant to be. No fake, and no clone."""
    draw, pack = scene.draw, scene.pack
    there = city_abroad(draw, pack.batch.markets)
    subject = own_subject(pack)
    at_s = draw.uniform(scene.calendar.start_s, scene.calendar.end_s)
    visits = at_home(subject, draw, there, at_s, scene.rates)
    if draw.random() < 0.3:
        visits.append(inspection(subject, draw, there, at_s - draw.uniform(1, 5) * DAY_S))
    return visits


_ACTS_OF: Final[dict[AttackFamily, Callable[[Scene], list[Visit]]]] = {
    AttackFamily.COPIES: _copies,
    AttackFamily.FEW_COPIES: _few_copies,
    AttackFamily.FORGED: _forged,
    AttackFamily.UNSIGNED: _unsigned,
    AttackFamily.REPLAY: _replay,
    AttackFamily.DIVERSION: _diversion,
}


def _untouched(scene: Scene) -> list[Visit]:
    """What happens to the genuine pack meanwhile."""
    return honest_life(scene.pack, scene.draw, scene.calendar, scene.rates)


def _sold_copies(scene: Scene, number: int, wave_days: float) -> list[Visit]:
    pack = scene.pack
    copies = [
        Subject(f"copy-{pack.index}-{n}", False, pack.item, lambda: pack.code)
        for n in range(number)
    ]
    return _sold(scene, copies, wave_days)


def _sold(scene: Scene, subjects: list[Subject], wave_days: float) -> list[Visit]:
    """False packs reach consumers anywhere, within one wave; few of them are ever scanned."""
    draw, calendar = scene.draw, scene.calendar
    wave_s = min(wave_days * DAY_S, calendar.end_s - calendar.start_s)
    begins_s = draw.uniform(calendar.start_s, calendar.end_s - wave_s)
    visits: list[Visit] = []
    for subject in subjects:
        if draw.random() < scene.rates.consumer:
            at_s = draw.uniform(begins_s, begins_s + wave_s)
            visits += at_home(subject, draw, some_city(draw), at_s, scene.rates)
    return visits


def _invented_serial(draw: Random) -> str:
    return mint_serial(draw.randbytes(RANDOM_BYTES))
