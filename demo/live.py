"""Live traffic: honest packs and attacks that begin now, scans that arrive when they arrive.

The clock is the demonstration's own, in seconds since 1970, and runs faster than ours.
Nothing here reads a clock or sleeps: `until` takes the time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Final

from authenticity.records.scan import to_epoch_ms
from simulation.attacked import attacked_life
from simulation.attacks import PACKS_TAKEN, SHOWN, Attack, AttackFamily
from simulation.behaviour import Rates, honest_life
from simulation.draws import stream_of
from simulation.noise import Noise, Report, reports_of
from simulation.scene import Scene
from simulation.seeded_signer import SeededSigner
from simulation.traffic import Line, honest_lines, lines_of
from simulation.visits import DAY_S, Calendar, Visit
from simulation.world import Pack

_VISITS_A_PACK: Final = 2.0  # with every pack seen by a consumer; measured, roughly

Take = Callable[[int], list[Pack]]
"""So many packs of one batch that were never handed out before."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How much happens in a day of the demonstration's calendar."""

    scans_a_day: float
    attacks_a_day: float
    story_days: float = 6.0
    """From the first to the last scan of a pack, or of an attack."""
    honest: Rates = field(default_factory=lambda: Rates(consumer=1.0, retry=0.15))
    attacked: Rates = field(default_factory=lambda: Rates(consumer=0.6))


class LiveTraffic:
    """Starts packs and attacks as time passes, and yields the scans that have arrived."""

    def __init__(self, take: Take, pace: Pace, noise: Noise, seed: int, start_s: float) -> None:
        self.launched: dict[str, AttackFamily] = {}
        """Every attack that has begun, by its id."""
        self._take = take
        self._pace = pace
        self._noise = noise
        self._seed = seed
        self.forger = SeededSigner(seed, "forger")
        self._numbers = count()
        self._arriving: list[tuple[int, int, Line]] = []
        honest_scans = max(0.0, pace.scans_a_day - _attack_scans(pace))
        self._pack_every_s = DAY_S * _VISITS_A_PACK / max(honest_scans, 1.0)
        self._attack_every_s = DAY_S / pace.attacks_a_day if pace.attacks_a_day else float("inf")
        self._next_pack_s = self._next_attack_s = start_s

    def until(self, now_s: float) -> list[Line]:
        """What arrives up to this moment and has not been handed out, in order of arrival."""
        while min(self._next_pack_s, self._next_attack_s) <= now_s:
            if self._next_pack_s <= self._next_attack_s:
                self._start_pack(self._next_pack_s)
                self._next_pack_s += self._pack_every_s
            else:
                self._start_attack(self._next_attack_s)
                self._next_attack_s += self._attack_every_s
        arrived: list[Line] = []
        while self._arriving and self._arriving[0][0] <= now_s * 1000:
            arrived.append(heappop(self._arriving)[2])
        return arrived

    def launch(self, family: AttackFamily, at_s: float) -> list[Pack]:
        """Begin an attack of this family; answers the packs that it affects."""
        number = len(self.launched)
        attack = Attack(f"{family}-{number}", family)
        self.launched[attack.id] = family
        packs = self._take(PACKS_TAKEN.get(family, 1))
        for pack in packs:
            draw = stream_of(self._seed, "live attack", number, pack.index)
            scene = Scene(
                attack=attack,
                pack=pack,
                draw=draw,
                common=stream_of(self._seed, "live attack", number),
                calendar=self._story(at_s),
                rates=self._pace.attacked,
                forger=self.forger,
            )
            life = attacked_life(scene)
            self._expect(lines_of(self._reports(pack, life.visits), attack, life, pack))
        return packs

    def _start_attack(self, at_s: float) -> None:
        self.launch(SHOWN[len(self.launched) % len(SHOWN)], at_s)

    def _start_pack(self, at_s: float) -> None:
        (pack,) = self._take(1)
        draw = stream_of(self._seed, "live pack", pack.index)
        visits = honest_life(pack, draw, self._story(at_s), self._pace.honest)
        self._expect(honest_lines(self._reports(pack, visits)))

    def _story(self, at_s: float) -> Calendar:
        return Calendar(at_s, at_s + self._pace.story_days * DAY_S)

    def _reports(self, pack: Pack, visits: list[Visit]) -> list[Report]:
        draw = stream_of(self._seed, "live noise", pack.index)
        return reports_of(visits, draw, self._noise, self._seed)

    def _expect(self, lines: list[Line]) -> None:
        for line in lines:
            arrival_ms = to_epoch_ms(line.scan.received_at)
            heappush(self._arriving, (arrival_ms, next(self._numbers), line))


def _attack_scans(pace: Pace) -> float:
    """Scans that the attacks make in a day, roughly: fourteen each."""
    return 14.0 * pace.attacks_a_day
