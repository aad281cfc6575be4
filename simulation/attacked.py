"""What an attack does to a pack, and the record of an attack as a whole."""

from collections.abc import Callable, Iterable
from typing import Final

from authenticity.records.scan import from_epoch_ms
from simulation import copying, forging, misuse
from simulation.attacks import Attack, AttackFamily
from simulation.ceiling import ATTACK_FORMAT, AttackedItem, AttackRecord
from simulation.scene import Life, Scene

_LIFE_UNDER: Final[dict[AttackFamily, Callable[[Scene], Life]]] = {
    AttackFamily.COPIES: copying.copies,
    AttackFamily.FEW_COPIES: copying.few_copies,
    AttackFamily.SAME_CITY: copying.same_city,
    AttackFamily.BEFORE_SALE: copying.before_sale,
    AttackFamily.AFTER_USE: copying.after_use,
    AttackFamily.REUSE: copying.reuse,
    AttackFamily.COLLUDING: copying.colluding,
    AttackFamily.SWAPPED_CONTENTS: copying.swapped_contents,
    AttackFamily.FORGED: forging.forged,
    AttackFamily.UNSIGNED: forging.unsigned,
    AttackFamily.STOLEN_KEY: forging.stolen_key,
    AttackFamily.GUESSING_FAST: forging.guessing_fast,
    AttackFamily.GUESSING_SLOW: forging.guessing_slow,
    AttackFamily.DIVERSION: misuse.diversion,
    AttackFamily.RELABELLED: misuse.relabelled,
    AttackFamily.POISONING: misuse.poisoning,
}


def attacked_life(scene: Scene) -> Life:
    """Every visit to the victim and to everything that carries its code."""
    return _LIFE_UNDER[scene.attack.family](scene)


def record_of(attack: Attack, lives: Iterable[Life]) -> AttackRecord:
    """The record of an attack, from the lives of all packs that it affects."""
    lives = list(lives)
    items = (AttackedItem(*concern) for life in lives for concern in life.concerns)
    first = min(lives, key=lambda life: life.begins_s)
    begins_at = from_epoch_ms(round(first.begins_s * 1000))
    return AttackRecord(
        ATTACK_FORMAT, attack.id, attack.family, first.style, begins_at, tuple(items),
        first.publisher, first.sessions,
    )  # fmt: skip
