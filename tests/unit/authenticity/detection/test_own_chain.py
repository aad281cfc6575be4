"""Only a known scanner speaks for the maker's own supply chain, or for any channel."""

from typing import Any

import pytest

from authenticity.detection.assess import assess_history
from authenticity.detection.caller_assessment import assess_for_caller
from authenticity.detection.features import channel_of
from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.sessions import is_of_own_chain, session_of_observation
from authenticity.detection.standing import Standing
from authenticity.history.history import history_of
from authenticity.history.observation import Observation
from authenticity.records.batch_registry import BatchRegistry
from authenticity.records.scan import Channel
from tests.unit.authenticity.detection.make_observations import (
    ITEM,
    PARIS,
    RIO,
    TOKYO,
    seen,
    trusted,
)

CLAIMED = [channel for channel in Channel if channel is not Channel.CONSUMER]
NOTHING = BatchRegistry()


def _strangers(channel: Channel, **more: Any) -> list[Observation]:
    """Scans without authority, as earlier versions recorded them with a channel."""
    return [
        seen(f"{number}", channel=channel, place=place, **more)
        for number, place in enumerate((PARIS, TOKYO, RIO))
    ]


@pytest.mark.parametrize("format_1", [False, True])
@pytest.mark.parametrize("channel", CLAIMED)
def test_what_is_not_authorised_counts_as_a_consumers_whatever_its_channel(
    channel: Channel, format_1: bool
) -> None:
    more: dict[str, Any] = {"v": 1, "selection": None, "network": None} if format_1 else {}
    as_named = _strangers(channel, **more)
    as_consumers = _strangers(Channel.CONSUMER, **more)
    caller = seen("caller")
    for others, expected in ((as_named[:1], as_consumers[:1]), (as_named, as_consumers)):
        one, two = history_of(others), history_of(expected)
        assert _told(one, caller) == _told(two, caller)
        assert assess_history(ITEM, one, NOTHING, DEFAULT_POLICY).findings == (
            assess_history(ITEM, two, NOTHING, DEFAULT_POLICY).findings
        )
    assert channel_of(as_named) is Channel.CONSUMER
    assert session_of_observation(as_named[0], DEFAULT_POLICY) == session_of_observation(
        as_consumers[0], DEFAULT_POLICY
    )
    told = _told(history_of(as_named), caller)
    assert told is not None and told[0] is not Standing.VERIFIED


def _told(history: Any, caller: Observation) -> tuple[object, ...] | None:
    told = assess_for_caller(ITEM, caller, history, NOTHING, DEFAULT_POLICY)
    return None if told is None else (told.standing, told.findings, told.scans)


def test_only_a_known_scanner_is_of_the_own_chain() -> None:
    for channel in Channel:
        ours = channel in DEFAULT_POLICY.own_supply_chain
        assert is_of_own_chain(trusted("1", channel=channel), DEFAULT_POLICY) == ours
        assert not is_of_own_chain(seen("1", channel=channel), DEFAULT_POLICY)
