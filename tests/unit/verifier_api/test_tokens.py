"""How long the answer about a token is believed, and that the deadlines fit together."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from authenticity.trust.entitlement import NOTHING
from ledger.records import Role, TokenRecord
from verifier_api.auth.tokens import Authenticator
from verifier_api.http.problems import Problem
from verifier_api.settings import Limits

NOW = datetime(2026, 11, 29, tzinfo=UTC)
ANSWER_IS_OWED_WITHIN_S = 1.5


class OneToken:
    """A ledger with one token, which takes some seconds to answer."""

    def __init__(self, clock: list[float]) -> None:
        self.record = TokenRecord(
            "t", Role.OFFICER, "port", None, NOW, NOW + timedelta(days=1), None
        )
        self.asked = 0
        self._clock = clock

    async def token(self, token_sha256: bytes) -> TokenRecord:
        self.asked += 1
        record = self.record
        self._clock[0] += 0.25
        return record


def _authenticator(ledger: Any, clock: list[float]) -> Authenticator:
    return Authenticator(
        ledger,
        lambda: NOW,
        lambda: clock[0],
        entitlement_of=lambda _: NOTHING,
        known_s=2.0,
        known=2,
        within_s=5.0,
    )


def test_a_revocation_takes_effect_two_seconds_after_the_ledger_was_asked() -> None:
    clock = [100.0]
    ledger = OneToken(clock)
    authenticator = _authenticator(ledger, clock)

    async def run() -> None:
        assert (await authenticator.find("Bearer x")).name == "port"
        ledger.record = TokenRecord("t", Role.OFFICER, "port", None, NOW, NOW, NOW)
        clock[0] = 101.99
        assert (await authenticator.find("Bearer x")).name == "port"
        clock[0] = 102.01
        with pytest.raises(Problem):
            await authenticator.find("Bearer x")

    asyncio.run(run())
    assert ledger.asked == 2


def test_the_tokens_remembered_are_bounded() -> None:
    clock = [0.0]
    ledger = OneToken(clock)
    authenticator = _authenticator(ledger, clock)

    async def run() -> None:
        for token in ("a", "b", "c", "a"):
            await authenticator.find(f"Bearer {token}")

    asyncio.run(run())
    assert ledger.asked == 4


def test_token_and_ledger_together_leave_time_for_the_answer() -> None:
    limits = Limits()
    assert limits.token_within_s + limits.ledger_within_s < ANSWER_IS_OWED_WITHIN_S
    assert limits.publish_within_s < ANSWER_IS_OWED_WITHIN_S
