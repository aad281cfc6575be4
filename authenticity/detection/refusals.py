"""Which refusals by known scanners say that an item may be a fake.

A pack is also refused because its papers are missing or it was kept too warm. Where that is
stated (`Observation.refused_for`), or the pack is let go later, the refusal says nothing of
copies.

Later is by capture time, or by arrival where that is earlier: a clock that is fast neither puts
a refusal off nor lets a release last for ever.
"""

from collections.abc import Sequence
from typing import Final

from authenticity.detection.sessions import is_official
from authenticity.history.observation import ACTS, Observation
from authenticity.records.scan import REFUSALS, Act, RefusalGround

_GENUINE_ALL_THE_SAME: Final = frozenset(
    (RefusalGround.DOCUMENTS, RefusalGround.STORAGE_CONDITIONS)
)


def refusals_of(genuine: Sequence[Observation]) -> list[Observation]:
    """The refusals that speak of falsification and stand, in the order given.

    A refusal falls with a later release of the item by customs, by police or by its own scanner.
    One whose scanner has not seized the item falls also when that scanner passes it later.
    """
    standing = [
        each
        for each in genuine
        if speaks_of_falsification(each)
        and not any(is_release_of(later, each) for later in genuine)
    ]
    seizing = {each.actor for each in standing if ACTS[each.act] is Act.SEIZE}
    return [
        each
        for each in standing
        if each.actor in seizing or not any(_is_pass_of(later, each) for later in genuine)
    ]


def speaks_of_falsification(observation: Observation) -> bool:
    """Whether it is a refusal, and not one for papers or storage. One that does not say why may
    be; goods are detained for any reason, so a detention must say so."""
    act, ground = ACTS[observation.act], observation.refused_for
    if act is Act.DETAIN:
        return ground is RefusalGround.SUSPECTED_FALSIFIED
    return act in REFUSALS and ground not in _GENUINE_ALL_THE_SAME


def takes_for_fake(refusal: Observation) -> bool:
    """Whether who refused it seized it, or said that it may be falsified."""
    said = refusal.refused_for is RefusalGround.SUSPECTED_FALSIFIED
    return said or ACTS[refusal.act] is Act.SEIZE


def is_release_of(release: Observation, refused: Observation) -> bool:
    """Whether it ends this refusal: nobody else lets go what an authority holds."""
    may = release.actor == refused.actor or is_official(release)
    return ACTS[release.act] is Act.RELEASE and may and _at_ms(release) >= _at_ms(refused)


def _is_pass_of(passed: Observation, refused: Observation) -> bool:
    by_the_same = passed.actor == refused.actor and _at_ms(passed) >= _at_ms(refused)
    return ACTS[passed.act] is Act.INSPECT_CONFORMANT and by_the_same


def _at_ms(observation: Observation) -> int:
    return min(observation.captured_ms, observation.arrived_ms)
