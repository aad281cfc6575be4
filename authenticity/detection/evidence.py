"""The evidence in an item's history, gathered once for everything that is concluded from it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from authenticity.detection.policy import Policy
from authenticity.detection.reasons import Reason
from authenticity.detection.score import CloneScore, proof_of_copies, score_clones
from authenticity.gs1.item import ItemId, gtin_and_serial
from authenticity.history.history import History, by_capture
from authenticity.history.observation import DOUBTS, Observation
from authenticity.records.batch import Batch
from authenticity.records.batch_registry import (
    UNREGISTERED,
    BatchMatch,
    BatchRegistry,
    batch_holding,
    batch_printed,
)
from authenticity.trust.verdict import Doubt


class Evidence(NamedTuple):
    """What rules and signals rest on.

    `batch` is the one whose print the item carries, `policy` the one that holds for its
    issuer. `genuine` are the observations of codes that are believed, by capture time;
    `doubtful` the others. `clone_score` is None where there is nothing to compare,
    `proof` where no two records of known scanners contradict each other.
    """

    observations: Sequence[Observation]
    batch_match: BatchMatch
    batch: Batch | None
    policy: Policy
    genuine: Sequence[Observation]
    doubtful: Sequence[Observation]
    clone_score: CloneScore | None
    proof: Reason | None


def evidence_of(history: History, batch_match: BatchMatch, policy: Policy) -> Evidence:
    """The evidence of this history, under the policy of the batch's issuer."""
    batch = batch_printed(batch_match)
    policy = policy.of(batch)
    genuine, doubtful = split(history, batch_match)
    clone_score, proof = None, None
    if len(genuine) > 1:
        clone_score = score_clones(genuine, batch, policy)
        if any(observation.act for observation in genuine):
            proof = proof_of_copies(genuine, policy.elsewhere_km)
    return Evidence(
        history.observations, batch_match, batch, policy, genuine, doubtful, clone_score, proof
    )


def match_batch(item: ItemId, history: History, batch_registry: BatchRegistry) -> BatchMatch:
    """The registered batch of an item, by what its earliest issued observation prints."""
    issued = [observation for observation in history.observations if observation.issued]
    names = gtin_and_serial(item)
    if not issued or names is None:
        return UNREGISTERED
    first = issued[0] if len(issued) == 1 else min(issued, key=by_capture)
    gtin, serial = names
    expiry = f"{first.expiry:06d}" if first.expiry else None
    return batch_registry.find(gtin, first.lot or None, expiry, serial)


def split(history: History, batch_match: BatchMatch) -> tuple[list[Observation], list[Observation]]:
    """Observations of codes that are believed, by capture time, and the others.

    Where two trust lists disagreed on one scan, the newer one counts.
    """
    if len(history.observations) == 1:
        one = list(history.observations)
        return (one, []) if is_believed(one[0], batch_match) else ([], one)
    genuine: list[Observation] = []
    doubtful: list[Observation] = []
    for observation in _newest_verdicts(history.observations):
        (genuine if is_believed(observation, batch_match) else doubtful).append(observation)
    genuine.sort(key=by_capture)
    return genuine, doubtful


def is_believed(observation: Observation, batch_match: BatchMatch) -> bool:
    """Whether its code is believed: signed under a valid key, or under a revoked one if the
    batch that holds this serial was registered before the revocation."""
    if not observation.doubt:
        return True
    if DOUBTS[observation.doubt] is not Doubt.KEY_REVOKED:
        return False
    batch = batch_holding(batch_match)
    return batch is not None and batch.registered_at.timestamp() * 1000 < observation.revoked_ms


def _newest_verdicts(observations: Sequence[Observation]) -> Iterator[Observation]:
    """Each content once; equal contents are neighbours in a history."""
    previous: Observation | None = None
    for observation in observations:
        if previous is not None:
            if previous.id != observation.id or previous.content != observation.content:
                yield previous
            elif previous.trust_version > observation.trust_version:
                continue
        previous = observation
    if previous is not None:
        yield previous
