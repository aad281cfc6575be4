"""The evidence in an item's history, gathered once for everything that is concluded from it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from authenticity.detection.policy import Policy
from authenticity.detection.prints import (
    Prints,
    declared_of,
    denials_of,
    lot_of_item,
    match_of_item,
)
from authenticity.detection.reasons import Reason
from authenticity.detection.score import CloneScore, proof_of_copies, score_clones
from authenticity.detection.simultaneous import Simultaneous, simultaneous_captures
from authenticity.history.history import History, by_capture, has_reserved_place
from authenticity.history.observation import DOUBTS, Observation, same_scan
from authenticity.records.batch import Batch, BatchStatus
from authenticity.records.batch_registry import (
    BatchMatch,
    NotInBatch,
    batch_holding,
    batch_printed,
)
from authenticity.trust.verdict import Doubt


class Evidence(NamedTuple):
    """What rules and signals rest on.

    `observations` are those of the history and the code in hand. `batch_match` is that of the code
    in hand, or of the item (`match_of_item`), and `batch` the one whose print it carries, None if
    it is withdrawn: then its dates and markets are nobody's. `never_issued` is the batch that
    denies the code in hand, or any code that is believed, else one that a known scanner read;
    `is_denial_vouched`: whether that code is believed, or a known scanner or two networks read its
    print. `declared` are the recalled and stolen batches of all prints that are believed (of all
    that were issued where none is) and not denied, and of the code in hand. `policy` is the one
    that holds for its issuer. `genuine` are the observations of codes that are believed, by
    capture time; `doubtful` the others. `admitted` are those of `genuine` that may raise or lower
    a suspicion. `clone_score` is None where there is nothing to compare, `proof` where no two acts
    of known scanners contradict each other, `simultaneous` where known scanners did not have it in
    several places at once. `lot`: under which the item counts among others (`lot_of_item`), empty
    where there is nothing to compare.
    """

    observations: Sequence[Observation]
    batch_match: BatchMatch
    batch: Batch | None
    never_issued: NotInBatch | None
    is_denial_vouched: bool
    lot: str
    declared: tuple[Batch, ...]
    policy: Policy
    genuine: Sequence[Observation]
    doubtful: Sequence[Observation]
    admitted: Sequence[Observation]
    clone_score: CloneScore | None
    proof: Reason | None
    simultaneous: Simultaneous | None


def evidence_of(
    history: History, prints: Prints, policy: Policy, in_hand: Observation | None = None
) -> Evidence:
    """The evidence of this history, under the policy of the batch's issuer. `in_hand`: one
    code, believed, for whose holder it is gathered; else it is about the item as a whole."""
    genuine, doubtful = split(history, prints)
    observations = history.observations
    if in_hand is not None and all(each.content != in_hand.content for each in genuine):
        genuine = sorted([*genuine, in_hand], key=by_capture)  # no number of others hides it
        observations = tuple(sorted([*observations, in_hand]))
    issued = genuine or [observation for observation in doubtful if observation.issued]
    declared = declared_of(issued, prints, in_hand)
    read = issued if in_hand is None else [in_hand]
    batch_match = match_of_item(read, prints)
    never_issued, is_denial_vouched = _denial_of(read, prints, are_believed=bool(genuine))
    if never_issued is None and in_hand is None:  # no believed code takes back what officers read
        known = [each for each in doubtful if each.issued and each.actor]
        never_issued, is_denial_vouched = _denial_of(known, prints, are_believed=False)
    printed = batch_printed(batch_match)
    policy = policy.of(printed)
    batch = None if printed and printed.status is BatchStatus.WITHDRAWN else printed
    admitted = admitted_of(history, genuine)
    clone_score, proof, simultaneous, lot = None, None, None, ""
    if len(admitted) > 1:
        clone_score = score_clones(admitted, batch, policy)
        lot = lot_of_item(genuine, prints)
        simultaneous = simultaneous_captures(admitted, policy)
        if any(observation.act for observation in admitted):
            proof = proof_of_copies(admitted, policy.elsewhere_km)
    return Evidence(
        observations, batch_match, batch, never_issued, is_denial_vouched, lot, declared, policy,
        genuine, doubtful, admitted, clone_score, proof, simultaneous,
    )  # fmt: skip


def _denial_of(
    issued: Sequence[Observation], prints: Prints, *, are_believed: bool
) -> tuple[NotInBatch | None, bool]:
    """A batch whose list denies one of these codes, and whether somebody vouches for that: the
    first by id, of those that are vouched for if there are any."""
    denials = denials_of(issued, prints)
    for match, codes in denials:
        if are_believed or vouched_doubts(codes):
            return match, True
    return (denials[0][0], False) if denials else (None, False)


def admitted_of(history: History, genuine: Sequence[Observation]) -> list[Observation]:
    """What may raise or lower a suspicion, by capture time: believed scans by known scanners,
    and the first to arrive of each network that has a place in the history.

    The first alone: nobody can put another before it. A second one could be added later by
    anybody in that network, and would move the score, up or down. A scan that was sent again
    from another network is one scan.
    """
    if len(genuine) == 1:
        one = genuine[0]
        return [one] if one.actor or one.is_network_derived else []
    first: dict[int, Observation] = {}
    has_place = has_reserved_place(history.observations)
    for observation in genuine:
        if has_place(observation):
            known = first.get(observation.network)
            if known is None or _arrival(observation) < _arrival(known):
                first[observation.network] = observation
    once: dict[int, Observation] = {}
    for observation in sorted(first.values(), key=_arrival):
        once.setdefault(observation.id, observation)
    return [each for each in genuine if each.actor or once.get(each.id) is each]


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


def split(history: History, prints: Prints) -> tuple[list[Observation], list[Observation]]:
    """Observations of codes that are believed, each by its own print, by capture time, and the
    others.

    Where two trust lists disagreed on one scan, the record that arrived first counts, and of one
    record the newer list.
    """
    if len(history.observations) == 1:
        one = list(history.observations)
        return (one, []) if is_believed(one[0], prints.of(one[0]).match) else ([], one)
    genuine: list[Observation] = []
    doubtful: list[Observation] = []
    for observation in _each_scan_once(history.observations):
        believed = is_believed(observation, prints.of(observation).match)
        (genuine if believed else doubtful).append(observation)
    genuine.sort(key=by_capture)
    return genuine, doubtful


def is_believed(observation: Observation, batch_match: BatchMatch) -> bool:
    """Whether its code is believed: signed under a valid key, or under a revoked one if the
    batch that holds this serial, with this print, was registered for that key before the
    revocation. A recalled or stolen batch without a list holds whatever is asked, and excuses
    nothing. Of which key a scan was that an earlier format remembers is not known."""
    if not observation.doubt:
        return True
    if DOUBTS[observation.doubt] is not Doubt.KEY_REVOKED:
        return False
    batch = batch_holding(batch_match)
    return (
        batch is not None
        and (batch.has_list or batch.status is BatchStatus.NORMAL)
        and observation.key_slot in (batch.key_slot, -1)
        and batch.registered_at.timestamp() * 1000 < observation.revoked_ms
    )


def _each_scan_once(observations: Sequence[Observation]) -> Iterator[Observation]:
    """Each content once; equal contents are neighbours in a history."""
    previous: Observation | None = None
    for observation in observations:
        if previous is None:
            previous = observation
        elif previous.id == observation.id and previous.content == observation.content:
            previous = same_scan(previous, observation)
        else:
            yield previous
            previous = observation
    if previous is not None:
        yield previous
