"""The evidence in an item's history, gathered once for everything that is concluded from it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from authenticity.detection.policy import Policy
from authenticity.detection.reasons import Reason
from authenticity.detection.score import CloneScore, proof_of_copies, score_clones
from authenticity.detection.simultaneous import Simultaneous, simultaneous_captures
from authenticity.gs1.item import ItemId, gtin_and_serial
from authenticity.history.history import History, by_capture, kept_networks
from authenticity.history.observation import DOUBTS, Observation
from authenticity.records.batch import Batch, BatchStatus
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

    `batch` is the one whose print the item carries, None if it is withdrawn: then its dates and
    markets are nobody's. `policy` is the one that holds for its issuer. `genuine` are the
    observations of codes that are believed, by capture time; `doubtful` the others. `admitted`
    are those of `genuine` that may raise or lower a suspicion. `clone_score` is None where there
    is nothing to compare, `proof` where no two acts of known scanners contradict each other,
    `simultaneous` where known scanners did not have it in several places at once.
    """

    observations: Sequence[Observation]
    batch_match: BatchMatch
    batch: Batch | None
    policy: Policy
    genuine: Sequence[Observation]
    doubtful: Sequence[Observation]
    admitted: Sequence[Observation]
    clone_score: CloneScore | None
    proof: Reason | None
    simultaneous: Simultaneous | None


def evidence_of(history: History, batch_match: BatchMatch, policy: Policy) -> Evidence:
    """The evidence of this history, under the policy of the batch's issuer."""
    printed = batch_printed(batch_match)
    policy = policy.of(printed)
    batch = None if printed and printed.status is BatchStatus.WITHDRAWN else printed
    genuine, doubtful = split(history, batch_match)
    admitted = admitted_of(history, genuine)
    clone_score, proof, simultaneous = None, None, None
    if len(admitted) > 1:
        clone_score = score_clones(admitted, batch, policy)
        simultaneous = simultaneous_captures(admitted, policy)
        if any(observation.act for observation in admitted):
            proof = proof_of_copies(admitted, policy.elsewhere_km)
    return Evidence(
        history.observations, batch_match, batch, policy, genuine, doubtful, admitted,
        clone_score, proof, simultaneous,
    )  # fmt: skip


def admitted_of(history: History, genuine: Sequence[Observation]) -> list[Observation]:
    """What may raise or lower a suspicion, by capture time: believed scans by known scanners,
    and the first to arrive of each network that has a place in the history.

    The first alone: nobody can put another before it. A second one could be added later by
    anybody in that network, and would move the score, up or down.
    """
    if len(genuine) == 1:
        one = genuine[0]
        return [one] if one.actor or one.is_network_derived else []
    first: dict[int, Observation] = {}
    networks = kept_networks(history.observations)
    for observation in genuine:
        network = observation.network
        if network in networks and observation.is_network_derived:
            known = first.get(network)
            if known is None or _arrival(observation) < _arrival(known):
                first[network] = observation
    return [each for each in genuine if each.actor or first.get(each.network) is each]


def _arrival(observation: Observation) -> tuple[int, Observation]:
    return observation.arrived_ms, observation


def vouched_doubts(doubtful: Sequence[Observation]) -> frozenset[int]:
    """The doubts, by their numbers, of codes that a known scanner read, or that came from two
    networks at least: what one stranger sends says something of the stranger, not of the item."""
    networks: dict[int, set[int]] = {}
    vouched: set[int] = set()
    for observation in doubtful:
        if observation.actor:
            vouched.add(observation.doubt)
        elif observation.is_network_derived:
            networks.setdefault(observation.doubt, set()).add(observation.network)
    return frozenset(vouched.union(doubt for doubt, some in networks.items() if len(some) > 1))


def match_batch(item: ItemId, history: History, batch_registry: BatchRegistry) -> BatchMatch:
    """The registered batch of an item, by what its issued observations print.

    Several prints of one item are the work of a key that was lost. The one that a batch with
    this serial has counts, else the one of a code without doubt, else the first to arrive:
    whoever has a revoked key cannot take the item out of its batch.
    """
    issued = [observation for observation in history.observations if observation.issued]
    names = gtin_and_serial(item)
    if not issued or names is None:
        return UNREGISTERED
    gtin, serial = names
    if len(issued) > 1:
        issued.sort(key=lambda observation: (observation.doubt != 0, observation.arrived_ms))
    matches = [
        batch_registry.find(gtin, lot or None, f"{expiry:06d}" if expiry else None, serial)
        for lot, expiry in dict.fromkeys((each.lot, each.expiry) for each in issued)
    ]
    return next((match for match in matches if batch_holding(match)), matches[0])


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
    batch that holds this serial was registered for that key before the revocation. Of which
    key a scan was that an earlier format remembers is not known."""
    if not observation.doubt:
        return True
    if DOUBTS[observation.doubt] is not Doubt.KEY_REVOKED:
        return False
    batch = batch_holding(batch_match)
    return (
        batch is not None
        and observation.key_slot in (batch.key_slot, -1)
        and batch.registered_at.timestamp() * 1000 < observation.revoked_ms
    )


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
