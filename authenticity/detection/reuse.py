"""Was an item used again after its end?

Rules of the European medicines system (EMVS): a plain check raises no alarm, only a
second change of state does; the same actor repeating an act within the undo window is
information; an undo (reactivate) is what it says.
"""

from collections.abc import Iterator, Sequence

from authenticity.detection.findings import Finding, FindingKind, Reason, because, found
from authenticity.detection.policy import Policy
from authenticity.history.observation import ACTS, Observation, distance_km
from authenticity.records.scan import Act

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS


def reused_after_end(genuine: Sequence[Observation], policy: Policy) -> Iterator[Finding]:
    """Takes issued observations sorted by capture time; only authorised ones carry an act."""
    reason = _sold_twice(genuine, policy) or _seen_after_destruction(genuine, policy)
    if reason:
        yield found(FindingKind.REUSED_AFTER_END, reason)


def _sold_twice(genuine: Sequence[Observation], policy: Policy) -> Reason | None:
    """A second sale by the same actor after the undo window, with no undo between. By
    another actor it proves two items: see `authenticity.detection.score`."""
    sold: Observation | None = None
    for observation in genuine:
        act = ACTS[observation.act]
        if act is Act.REACTIVATE:
            sold = None
        elif act is Act.SELL and sold is None:
            sold = observation
        elif act is Act.SELL and sold is not None:
            gap_ms = observation.captured_ms - sold.captured_ms
            if observation.actor == sold.actor and gap_ms > policy.undo_window_days * _DAY_MS:
                return because("sold-twice", hours_between=gap_ms // _HOUR_MS)
    return None


def _seen_after_destruction(genuine: Sequence[Observation], policy: Policy) -> Reason | None:
    """Captured elsewhere after it was destroyed: by a trusted scanner, or in several sessions."""
    end = next((s for s in genuine if ACTS[s.act] is Act.DESTROY), None)
    if end is None:
        return None
    after = [
        observation
        for observation in genuine
        if observation.captured_ms > end.captured_ms + policy.end_grace_hours * _HOUR_MS
        and observation.session != end.session
        and not _same_place(observation, end, policy)
    ]
    trusted = any(
        observation.authorised and observation.actor != end.actor for observation in after
    )
    sessions = {observation.session for observation in after if not observation.authorised}
    if trusted or len(sessions) >= policy.end_anonymous_sessions:
        return because("seen-after-destruction", scanners="trusted" if trusted else "anonymous")
    return None


def _same_place(one: Observation, other: Observation, policy: Policy) -> bool:
    """Whether both are known to be in one place; an unknown place is not."""
    return bool(one.source and other.source) and distance_km(one, other) <= policy.elsewhere_km
