"""Attacks on a product: their families, and where each begins.

An attack begins at one pack, the victim whose code is taken or whose name is used, and
many take hold of the packs beside it too, of one batch. Where they begin follows from the
seed: spread evenly, every family as often as the others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from simulation.draws import stream_of


class AttackFamily(StrEnum):
    """How the product is attacked: see docs/reference/detection-benchmark.md."""

    COPIES = "copies"
    FEW_COPIES = "few-copies"
    SAME_CITY = "same-city"
    BEFORE_SALE = "before-sale"
    AFTER_USE = "after-use"
    REUSE = "reuse"
    COLLUDING = "colluding"
    SWAPPED_CONTENTS = "swapped-contents"
    FORGED = "forged"
    UNSIGNED = "unsigned"
    STOLEN_KEY = "stolen-key"
    GUESSING_FAST = "guessing-fast"
    GUESSING_SLOW = "guessing-slow"
    DIVERSION = "diversion"
    RELABELLED = "relabelled"
    POISONING = "poisoning"


FAMILIES: Final = tuple(AttackFamily)

COPYING: Final = frozenset(
    (
        AttackFamily.COPIES, AttackFamily.FEW_COPIES, AttackFamily.SAME_CITY,
        AttackFamily.BEFORE_SALE, AttackFamily.AFTER_USE, AttackFamily.REUSE,
        AttackFamily.COLLUDING, AttackFamily.SWAPPED_CONTENTS,
    )
)  # fmt: skip
"""A real code is on more than one pack: known with the second pack that is scanned."""

SHOWN: Final = (
    AttackFamily.COPIES, AttackFamily.FEW_COPIES, AttackFamily.FORGED, AttackFamily.UNSIGNED,
    AttackFamily.REUSE, AttackFamily.DIVERSION,
)  # fmt: skip
"""What the live demonstration launches in turn."""

PACKS_TAKEN: Final = {
    AttackFamily.FEW_COPIES: 12,
    AttackFamily.BEFORE_SALE: 3,
    AttackFamily.COLLUDING: 8,
    AttackFamily.SWAPPED_CONTENTS: 24,
    AttackFamily.DIVERSION: 12,
    AttackFamily.RELABELLED: 6,
    AttackFamily.POISONING: 4,
}
"""The fewest, of one batch, side by side; one pack for the other families."""

_WHOLE_CASES: Final = frozenset((AttackFamily.SWAPPED_CONTENTS,))


class Attack(NamedTuple):
    """One attack; `id` is the same for all packs that it affects."""

    id: str
    family: AttackFamily


@dataclass(frozen=True, slots=True)
class AttackPlan:
    """`count` attacks of these families spread evenly over `items` packs in `batches`.

    An attack on several packs affects up to `most_times` as many as `PACKS_TAKEN`.
    """

    seed: int
    items: int
    count: int
    batches: int = 1
    families: tuple[AttackFamily, ...] = FAMILIES
    most_times: float = 1.0
    case_packs: int = 24

    def attack_on(self, index: int) -> Attack | None:
        """The attack that affects this pack, if any."""
        if not self.count:
            return None
        attack, taken = self.attack(index * self.count // self.items)
        return attack if index in taken else None

    def attack(self, number: int) -> tuple[Attack, range]:
        """The attack with this number, 0 to `count` - 1, and the packs it affects."""
        return _attack(self, number)

    def begun_in(self, packs: range) -> Iterator[int]:
        """The numbers of the attacks whose first pack is one of these, next to one another."""
        if not self.count or not packs:
            return
        last = packs[-1] * self.count // self.items
        for number in range(packs[0] * self.count // self.items, last + 1):
            if self.attack(number)[1].start in packs:
                yield number


def plan_attacks(
    seed: int,
    items: int,
    rate: float,
    *,
    batches: int = 1,
    families: tuple[AttackFamily, ...] = FAMILIES,
    most_times: float = 1.0,
    case_packs: int = 24,
) -> AttackPlan:
    """`rate` attacks for each item; each family at least once, if there is room at all."""
    count = round(items * rate) if families else 0
    if count or (rate > 0 and families):
        count = min(items, max(count, len(families)))
    return AttackPlan(seed, items, count, batches, families, most_times, case_packs)


@lru_cache(maxsize=4_096)
def _attack(plan: AttackPlan, number: int) -> tuple[Attack, range]:
    """1. Its family. 2. Where it begins, in a part that is its own. 3. Whom it takes."""
    turn, place = divmod(number, len(plan.families))
    order = stream_of(plan.seed, "families", turn).sample(plan.families, len(plan.families))
    attack = Attack(f"{order[place]}-{number}", order[place])

    first = -(-number * plan.items // plan.count)
    end = -(-(number + 1) * plan.items // plan.count)
    draw = stream_of(plan.seed, "attack", number)
    size = PACKS_TAKEN.get(attack.family, 1)
    if size > 1 and attack.family not in _WHOLE_CASES:
        size = round(size * plan.most_times ** draw.random())
    size = min(size, end - first)
    begins = first + draw.randrange(end - first - size + 1)

    batch = begins * plan.batches // plan.items
    batch_start = -(-batch * plan.items // plan.batches)
    if attack.family in _WHOLE_CASES:
        begins = max(first, begins - (begins - batch_start) % plan.case_packs)
    batch_end = -(-(batch + 1) * plan.items // plan.batches)
    return attack, range(begins, min(begins + size, batch_end, end))
