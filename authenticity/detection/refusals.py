"""Which refusals by known scanners say that an item may be a fake.

A pack is also refused because its papers are missing or it was kept too warm. Where that is
stated (`Observation.refused_for`), or the pack is let go later, the refusal says nothing of
copies.
"""

from collections.abc import Sequence
from typing import Final

from authenticity.history.observation import ACTS, Observation
from authenticity.records.scan import REFUSALS, Act, RefusalGround

_GENUINE_ALL_THE_SAME: Final = frozenset(
    (RefusalGround.DOCUMENTS, RefusalGround.STORAGE_CONDITIONS)
)


def refusals_of(genuine: Sequence[Observation]) -> list[Observation]:
    """The refusals that speak of falsification and stand, in the order given.

    A refusal falls with a release of the item, by whomever, at its capture time or later. One
    whose scanner has not seized the item falls also when that scanner passes it then.
    """
    seizing = seizing_actors(genuine)
    return [
        each
        for each in genuine
        if speaks_of_falsification(each)
        and not _is_released(each, genuine)
        and (each.actor in seizing or not _is_passed(each, genuine))
    ]


def seizing_actors(genuine: Sequence[Observation]) -> set[int]:
    """Those who seized the item, not for its papers or storage, and nobody released it since."""
    return {
        each.actor
        for each in genuine
        if ACTS[each.act] is Act.SEIZE
        and speaks_of_falsification(each)
        and not _is_released(each, genuine)
    }


def speaks_of_falsification(observation: Observation) -> bool:
    """Whether it is a refusal, and not one for papers or storage. One that does not say why may
    be; goods are detained for any reason, so a detention must say so."""
    act, ground = ACTS[observation.act], observation.refused_for
    if act is Act.DETAIN:
        return ground is RefusalGround.SUSPECTED_FALSIFIED
    return act in REFUSALS and ground not in _GENUINE_ALL_THE_SAME


def _is_released(held: Observation, genuine: Sequence[Observation]) -> bool:
    return any(ACTS[s.act] is Act.RELEASE and s.captured_ms >= held.captured_ms for s in genuine)


def _is_passed(refused: Observation, genuine: Sequence[Observation]) -> bool:
    return any(
        ACTS[s.act] is Act.INSPECT_CONFORMANT
        and s.actor == refused.actor
        and s.captured_ms >= refused.captured_ms
        for s in genuine
    )
