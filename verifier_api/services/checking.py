"""From a code text to an answer, within the deadline."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from authenticity.detection.alerts import Alert
from authenticity.detection.policy import Policy
from authenticity.errors import UnavailableError
from authenticity.gs1.item import EntityId, ItemId, batch_entity, gtin_of
from authenticity.history.observation import observe
from authenticity.records.scan import Scan, judged_at
from authenticity.trust.verdict import Verdict
from authenticity.trust.verify import check_validity
from ledger.protocols import LedgerReader
from verifier_api.auth.principals import Principal
from verifier_api.http.problems import NO_TRUST_LIST, Problem
from verifier_api.i18n.translator import Translator
from verifier_api.metrics import Metrics
from verifier_api.services.answers import (
    Checked,
    Known,
    Question,
    answer,
    is_invented,
    item_to_look_up,
)
from verifier_api.services.batched_lookups import BatchedLookups, standing_alerts
from verifier_api.services.serial_lists import with_lists
from verifier_api.services.trust_watch import TrustInForce, TrustWatch

_CODES_A_TURN: Final = 256
_FAILURES_TO_REST: Final = 3
_REST_S: Final = 2.0
_BATCHES_ASKED: Final = 32

_OfBatch = Mapping[EntityId, tuple[Alert, ...]]


class Checker:
    """Verifies codes, asks the ledger what it knows, and gives the answer.

    A ledger that failed a few times running is left alone for two seconds: its
    answers are provisional at once, and its threads can recover.
    """

    def __init__(
        self,
        reader: LedgerReader,
        trust: TrustWatch,
        policy: Policy,
        metrics: Metrics,
        monotonic_s: Callable[[], float],
        *,
        ledger_within_s: float,
    ) -> None:
        self._reader = reader
        self._trust = trust
        self._policy = policy
        self._metrics = metrics
        self._monotonic_s = monotonic_s
        self._ledger_within_s = ledger_within_s
        self._lookups = BatchedLookups(reader, within_s=ledger_within_s)
        self._failures = 0
        self._rests_until_s = 0.0
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="verify")

    def close(self) -> None:
        """Stop the threads; what they are verifying is finished first."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def trust(self) -> TrustInForce:
        """The trust list in force, or a 503 `Problem`: without one nothing can be said."""
        if self._trust.current is None:
            raise Problem(
                NO_TRUST_LIST,
                "no trust list is known yet, so no code can be checked",
                "try again in a moment; the operator publishes one with `touchstone trust publish`",
                {"Retry-After": "5"},
            )
        return self._trust.current

    async def check(self, scan: Scan, principal: Principal, translator: Translator) -> Checked:
        """The answer for one scan; nothing is recorded here."""
        trust = self.trust()
        scan = _as_heard(scan, principal)
        verdict = _verdict(trust, scan)
        asked = item_to_look_up(verdict, principal)
        known = None if asked is None else await self._look_up(asked)
        if known is not None and asked is not None:
            known = (await self._listed({asked: known}, [verdict], principal)).get(asked)
        if known is not None:
            entities = _batch_entities([verdict], principal)
            of_batch = await self._of_batches(entities.values(), principal)
            known = _with_batch(known, entities.get(0), of_batch)
        return self._answer(trust, scan, verdict, principal, translator, known)

    async def check_many(
        self, scans: Sequence[Scan], principal: Principal, translator: Translator
    ) -> list[Checked]:
        """The answers in order. Signatures are checked in threads; past the deadline the
        items not looked up yet are answered from their codes alone."""
        trust = self.trust()
        scans = [_as_heard(scan, principal) for scan in scans]
        verdicts = await self._verdicts(trust, scans)
        asked = [item_to_look_up(verdict, principal) for verdict in verdicts]
        known = await self._look_up_many({item for item in asked if item is not None})
        known = await self._listed(known, verdicts, principal)
        entities = _batch_entities(verdicts, principal)
        of_batch = await self._of_batches(entities.values(), principal) if known else {}
        answers = []
        for number, (scan, verdict, item) in enumerate(zip(scans, verdicts, asked, strict=True)):
            found = known.get(item) if item is not None else None
            if found is not None:
                found = _with_batch(found, entities.get(number), of_batch)
            answers.append(self._answer(trust, scan, verdict, principal, translator, found))
            if number % _CODES_A_TURN == 0:
                await asyncio.sleep(0)
        return answers

    def _answer(
        self,
        trust: TrustInForce,
        scan: Scan,
        verdict: Verdict,
        principal: Principal,
        translator: Translator,
        known: Known | None,
    ) -> Checked:
        version = trust.trust_list.version
        observation = observe(scan, verdict, version)
        question = Question(verdict, observation, principal, translator, scan.received_at, version)
        given = answer(question, known, self._policy)
        self._metrics.answered(given.standing, provisional=given.provisional)
        return Checked(given, is_invented(verdict, known))

    async def _verdicts(self, trust: TrustInForce, scans: Sequence[Scan]) -> list[Verdict]:
        loop = asyncio.get_running_loop()
        parts = [
            loop.run_in_executor(self._threads, _verdicts, trust, scans[start : start + 256])
            for start in range(0, len(scans), _CODES_A_TURN)
        ]
        return [verdict for part in await asyncio.gather(*parts) for verdict in part]

    async def _look_up(self, item: ItemId) -> Known | None:
        """History and batch registry; None if the ledger is slow, dead or left alone."""
        if self._monotonic_s() < self._rests_until_s:
            return None
        try:
            known = await self._lookups.known(item)
        except UnavailableError:
            self._failed()
            return None
        self._failures = 0
        return known

    async def _look_up_many(self, items: Iterable[ItemId]) -> dict[ItemId, Known]:
        known: dict[ItemId, Known] = {}
        waiting = list(items)
        if self._monotonic_s() < self._rests_until_s:
            return known
        try:
            async with asyncio.timeout(self._ledger_within_s):
                for start in range(0, len(waiting), _CODES_A_TURN):
                    part = waiting[start : start + _CODES_A_TURN]
                    histories, batch_registry = await self._reader.items(part)
                    for item, history in zip(part, histories, strict=True):
                        known[item] = Known(history, batch_registry)
        except (TimeoutError, UnavailableError):
            self._failed()
        return known

    async def _listed(
        self, known: dict[ItemId, Known], verdicts: Sequence[Verdict], principal: Principal
    ) -> dict[ItemId, Known]:
        """With what serial lists say of these items; empty if that does not come in time."""
        registries = [each.batch_registry for each in known.values()]
        if not any(registry.has_parts for registry in registries):
            return known
        found = [
            (verdict.item, known[verdict.item].history, verdict)
            for verdict in verdicts
            if verdict.item is not None and verdict.item in known
        ]
        entitled = {item for item in known if principal.is_entitled_to(item)}
        try:
            async with asyncio.timeout(self._ledger_within_s):
                listed = await with_lists(self._reader, registries[-1], found, entitled)
        except (TimeoutError, UnavailableError):
            self._failed()
            return {}
        return {
            item: msgspec.structs.replace(
                each,
                batch_registry=listed.batch_registry,
                serial_list=listed.incomplete.get(item),
            )
            for item, each in known.items()
        }

    async def _of_batches(self, entities: Iterable[EntityId], principal: Principal) -> _OfBatch:
        """The standing alerts about these batches; those that came within the time limit."""
        alerts: dict[EntityId, tuple[Alert, ...]] = {}
        try:
            async with asyncio.timeout(self._ledger_within_s):
                for entity in dict.fromkeys(entities):
                    alerts[entity] = await standing_alerts(
                        self._reader, entity, principal.entitlement
                    )
        except (TimeoutError, UnavailableError):
            self._failed()
        return alerts

    def _failed(self) -> None:
        self._metrics.ledger_failed()
        self._failures += 1
        if self._failures >= _FAILURES_TO_REST:
            self._failures = 0
            self._rests_until_s = self._monotonic_s() + _REST_S


def _as_heard(scan: Scan, principal: Principal) -> Scan:
    """The scan that the answer is about. Without a token only the service's clock counts: a
    time of the caller's choice would choose the answer."""
    if not principal.is_anonymous or scan.captured_at == scan.received_at:
        return scan
    return msgspec.structs.replace(scan, captured_at=scan.received_at)


def _batch_entities(verdicts: Sequence[Verdict], principal: Principal) -> dict[int, EntityId]:
    """By place, the batch that a code names, where the principal is entitled to it. At most
    `_BATCHES_ASKED` batches, for a consignment is of few."""
    entities: dict[int, EntityId] = {}
    distinct: set[EntityId] = set()
    for place, verdict in enumerate(verdicts):
        gtin = gtin_of(verdict.item) if verdict.item else None
        if gtin and verdict.lot and principal.is_entitled_to(verdict.item):
            entity = batch_entity(gtin, verdict.lot)
            if entity in distinct or len(distinct) < _BATCHES_ASKED:
                distinct.add(entity)
                entities[place] = entity
    return entities


def _with_batch(known: Known, entity: EntityId | None, of_batch: _OfBatch) -> Known:
    if entity is None or not of_batch.get(entity):
        return known
    return msgspec.structs.replace(known, of_batch=of_batch[entity])


def _verdict(trust: TrustInForce, scan: Scan) -> Verdict:
    return check_validity(trust.check_signature(scan.code), trust.trust_list, judged_at(scan))


def _verdicts(trust: TrustInForce, scans: Sequence[Scan]) -> list[Verdict]:
    return [_verdict(trust, scan) for scan in scans]
