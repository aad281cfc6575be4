"""Families whose codes were never issued: invented serials, signed or unsigned."""

from collections.abc import Callable
from functools import partial

from authenticity.gs1.code import write_digital_link
from authenticity.gs1.item import ItemId, item_id
from authenticity.records.serial import RANDOM_BYTES, mint_serial
from authenticity.trust.signature_field import SIGNATURE_FIELD_AI
from simulation.ceiling import one_seen
from simulation.cities import some_city
from simulation.networks import line_at, mobile_at
from simulation.scene import (
    Concern,
    Life,
    Scene,
    fake_seen,
    outlets,
    sold,
    untouched,
    wave_after,
)
from simulation.visits import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    ScannedObject,
    Visit,
    consumer,
    spot_in,
)
from simulation.world import signed_code

_EXISTING_SERIALS = 0.2
_INVENTED_LOTS = 0.2


def unsigned(scene: Scene) -> Life:
    """A code without a signature field, with an invented serial."""
    serial = _invented_serial(scene)
    text = write_digital_link(_ais(scene, serial), scene.pack.host)
    return _faked(scene, serial, scene.draw.randint(2, 20), lambda: text)


def forged(scene: Scene) -> Life:
    """A signature by a key that is on no list; one time in five with a serial that was issued."""
    exists = scene.draw.random() < _EXISTING_SERIALS
    serial = scene.pack.serial if exists else _invented_serial(scene)
    ais = _ais(scene, serial)
    print_code = partial(signed_code, ais, scene.pack.host, scene.forger)
    return _faked(scene, serial, scene.draw.randint(2, 20), _once(print_code))


def stolen_key(scene: Scene) -> Life:
    """The maker's own key signs serials that nobody issued; mostly in a lot that exists."""
    assert scene.thief is not None, "the simulation does not hold the maker's key"
    common, draw = scene.common, scene.draw
    invented_lot = common.random() < _INVENTED_LOTS
    lot = f"{scene.pack.batch.lot}{common.choice('BXZ')}" if invented_lot else None
    cities, wave = outlets(scene), wave_after(scene, scene.available_s)
    visits, fake = untouched(scene), fake_seen(scene)
    concerns: list[Concern] = []
    for serial in (_invented_serial(scene) for _ in range(draw.randint(5, 40))):
        ais = [(ai, lot if ai == "10" and lot else value) for ai, value in _ais(scene, serial)]
        print_code = _once(partial(signed_code, ais, scene.pack.host, scene.thief))
        scanned_objects = _fakes(scene, serial, draw.randint(1, 3), print_code)
        visits += sold(scene, scanned_objects, lambda: draw.choice(cities), wave)
        ceiling = one_seen(len(scanned_objects), fake)
        concerns.append(Concern(scanned_objects[0].item, len(scanned_objects), fake, 0.0, ceiling))
    style = "invented lot" if invented_lot else "existing lot"
    return Life(visits, tuple(concerns), wave.begins_s, style)


def guessing_fast(scene: Scene) -> Life:
    """Hundreds of serials tried within an hour, in one to three sessions."""
    draw = scene.draw
    begins_s = draw.uniform(scene.available_s, max(scene.available_s, scene.latest_s))
    tries = draw.randint(100, 600)
    length_s = draw.uniform(10, 60) * MINUTE_S
    times = sorted(begins_s + draw.uniform(0, length_s) for _ in range(tries))
    return _guessed(scene, times, sessions=draw.randint(1, 3))


def guessing_slow(scene: Scene) -> Life:
    """A few serials a day for weeks, always from the same phone."""
    draw = scene.draw
    days = min(draw.uniform(10, 60), 0.5 * scene.calendar.days)
    room_s = max(0.0, scene.latest_s - scene.available_s - days * DAY_S)
    begins_s = scene.available_s + draw.random() * room_s
    times = [
        begins_s + day * DAY_S + draw.uniform(0, 14) * HOUR_S
        for day in range(max(1, int(days)))
        for _ in range(draw.randint(1, 8))
    ]
    return _guessed(scene, sorted(times), sessions=1)


def _guessed(scene: Scene, times: list[float], sessions: int) -> Life:
    """Serials in order or at random, from one network; without a signature, or with that of
    another code."""
    draw, pack = scene.draw, scene.pack
    in_order, signed = draw.random() < 0.5, draw.random() < 0.5
    copied = pack.code.rpartition(f"{SIGNATURE_FIELD_AI}=")[2].partition("&")[0]
    first = draw.randrange(36**6)
    scanners = [consumer(draw) for _ in range(sessions)]
    place = spot_in(draw, some_city(draw))
    uplink = line_at(place) if draw.random() < 0.5 else mobile_at(draw, place)
    visits: list[Visit] = []
    for number, at_s in enumerate(times):
        serial = f"{first + number:012d}" if in_order else _invented_serial(scene)
        ais = [*_ais(scene, serial), *([(SIGNATURE_FIELD_AI, copied)] if signed else [])]
        text = write_digital_link(ais, pack.host)
        item = item_id(pack.batch.gtin, serial)
        scanned = ScannedObject(
            f"guess-{pack.index}-{number}", False, item, _constant(text), on_screen=True
        )
        scanner = draw.choice(scanners)
        visits.append(Visit(scanned, scanner, at_s, place, "guess", uplink=uplink))
    visits = scene.calendar.within(visits)
    concerns = tuple(Concern(visit.scanned.item, 1, 1.0, 0.0, 1.0) for visit in visits)
    style = f"{'in order' if in_order else 'at random'}, {'copied' if signed else 'no'} signature"
    known = tuple(scanner.session for scanner in scanners)
    return Life(
        [*untouched(scene), *visits], concerns, times[0], style,
        publisher=scanners[0].publisher, sessions=known,
    )  # fmt: skip


def _faked(scene: Scene, serial: str, number: int, print_code: Callable[[], str]) -> Life:
    """`number` packs under one serial, sold in some cities within one wave."""
    cities, wave = outlets(scene), wave_after(scene, scene.available_s)
    scanned_objects = _fakes(scene, serial, number, print_code)
    visits = untouched(scene)
    visits += sold(scene, scanned_objects, lambda: scene.draw.choice(cities), wave)
    fake = fake_seen(scene)
    concern = Concern(scanned_objects[0].item, number, fake, 0.0, one_seen(number, fake))
    return Life(visits, (concern,), wave.begins_s)


def _fakes(
    scene: Scene, serial: str, number: int, print_code: Callable[[], str]
) -> list[ScannedObject]:
    item: ItemId = item_id(scene.pack.batch.gtin, serial)
    name = f"{scene.attack.family}-{scene.pack.index}-{serial}"
    return [ScannedObject(f"{name}-{n}", False, item, print_code) for n in range(number)]


def _ais(scene: Scene, serial: str) -> list[tuple[str, str]]:
    return [(ai, serial if ai == "21" else value) for ai, value in scene.pack.plain_ais]


def _invented_serial(scene: Scene) -> str:
    return mint_serial(scene.draw.randbytes(RANDOM_BYTES))


def _once(print_code: Callable[[], str]) -> Callable[[], str]:
    """A function that calls `print_code` at its first call and returns that text ever after."""
    printed: list[str] = []

    def read() -> str:
        if not printed:
            printed.append(print_code())
        return printed[0]

    return read


def _constant(text: str) -> Callable[[], str]:
    return lambda: text
