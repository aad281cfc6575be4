"""The service put together from its dependencies, and what every request asks of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from authenticity.detection.policy import DEFAULT_POLICY, Policy
from authenticity.trust.trust_list import Roots
from events.publisher import Publisher
from ledger.protocols import LedgerReader
from verifier_api.auth.admission import Admission, Caller
from verifier_api.auth.tokens import Authenticator
from verifier_api.http.body_budget import BodyBudgets
from verifier_api.i18n.translator import Translator, choose_language, load_translators
from verifier_api.metrics import EngineMetrics, Metrics
from verifier_api.network.geo_watch import GeoFiles, GeoWatch
from verifier_api.network.keyed_hashes import KeyedHashes
from verifier_api.network.locator import NetworkLocator
from verifier_api.services.checking import Checker
from verifier_api.services.feed_watch import FeedWatch
from verifier_api.services.readiness import ReadinessChecks
from verifier_api.services.recording import Recorder
from verifier_api.services.stamping import Stamp
from verifier_api.services.trust_watch import TrustWatch
from verifier_api.settings import Settings


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What the service is made of. `create_app` closes none of them.

    `engine_metrics`: those of an engine in the same process, shown in /metrics.
    `engine_failure`: its last words, None while it is well. `clock` gives aware UTC,
    `monotonic_s` seconds from anywhere, for all that is limited by time.
    `secret`: 32 bytes, the same in every service process of an installation. `geo`: the
    files that say where addresses are.
    """

    reader: LedgerReader
    publisher: Publisher
    roots: Roots
    secret: bytes = field(repr=False)
    geo: GeoFiles = field(default_factory=GeoFiles)
    settings: Settings = field(default_factory=Settings)
    policy: Policy = DEFAULT_POLICY
    engine_metrics: EngineMetrics | None = None
    engine_failure: Callable[[], str | None] | None = None
    clock: Callable[[], datetime] = _utc_now
    monotonic_s: Callable[[], float] = time.monotonic


class AppState:
    """The dependencies at work in one event loop."""

    def __init__(self, dependencies: Dependencies) -> None:
        limits = dependencies.settings.limits
        reader, clock = dependencies.reader, dependencies.clock
        self.dependencies = dependencies
        self.reader = reader
        self.policy = dependencies.policy
        self.settings = dependencies.settings
        self.limits = limits
        self.clock = clock
        self.translators: Mapping[str, Translator] = load_translators()
        self.metrics = Metrics(dependencies.engine_metrics)
        self.trust = TrustWatch(reader, dependencies.roots, clock, codes_known=limits.codes_known)
        self.checker = Checker(
            reader,
            self.trust,
            dependencies.policy,
            self.metrics,
            dependencies.monotonic_s,
            ledger_within_s=limits.ledger_within_s,
        )
        self.recorder = Recorder(dependencies.publisher, within_s=limits.publish_within_s)
        self.hashes = KeyedHashes(dependencies.secret)
        self.locator = NetworkLocator(self.hashes, known=limits.addresses_located)
        self.geo = GeoWatch(dependencies.geo, self.locator.use)
        self.feed = FeedWatch(reader, poll_s=limits.stream_poll_s, again_s=limits.stream_again_s)
        self.authenticator = Authenticator(
            reader,
            clock,
            dependencies.monotonic_s,
            entitlement_of=lambda prefixes: self.checker.trust().entitlement_of(prefixes),
            known_s=limits.token_known_s,
            known=limits.tokens_known,
            within_s=limits.token_within_s,
        )
        self.readiness = ReadinessChecks(dependencies.monotonic_s, known_s=limits.readiness_known_s)
        self.admission = Admission(
            self.authenticator,
            BodyBudgets(limits),
            limits,
            dependencies.settings.trusted_proxies,
            dependencies.monotonic_s,
        )

    def stamp(self, caller: Caller) -> Stamp:
        """Who a request's scans are by, on every route, and what the service itself knows of it.
        The address is not kept."""
        by = caller.principal
        network = None if by.is_gateway else self.locator.evidence(caller.address)
        return Stamp(by, self.hashes, network)

    def translator(self, asked: str | None, accepted: str | None) -> Translator:
        """The language to answer in, from `?lang=` and Accept-Language."""
        return self.translators[choose_language(asked, accepted)]


async def app_state(request: Request) -> AppState:
    """The state of the app that answers this request."""
    state: AppState = request.app.state.service
    return state


State = Annotated[AppState, Depends(app_state)]
