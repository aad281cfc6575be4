"""The codes of a world, each with everything that arrives of it and what really happened.

Packs are simulated batch by batch in processes, verified by the product's own verifier
and gathered by the item that each code names; nothing goes through files, and memory does
not grow with the number of packs.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple, TypeVar

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.detection.sessions import is_of_own_chain
from authenticity.gs1.item import ItemId
from authenticity.history.observation import Observation, observe
from authenticity.records.batch import Batch
from authenticity.records.scan import Scan, to_epoch_ms
from authenticity.trust.trust_list import read_trust_list
from authenticity.trust.verdict import Verdict
from producers.processes import in_processes
from simulation.attacks import COPYING, AttackFamily
from simulation.traffic import Line, Scenario, Traffic
from simulation.truth import Truth
from stream.step import CheckedScan, item_of_scan
from stream.verification import ScanVerifier

PACKS_AT_ONCE: Final = 5_000
_PACKS_VERIFIED_AT_ONCE: Final = 250
_CODES_REMEMBERED: Final = 20_000
_MOST_WORKERS: Final = 16

Answer = TypeVar("Answer")


class Arrival(NamedTuple):
    """One scan as it arrives: what a detector may see, when, and the truth, which it may not."""

    observation: Observation
    received_ms: int
    truth: Truth

    @property
    def is_item_scan(self) -> bool:
        """Whether the item itself was scanned, outside the maker's own supply chain.

        A reading of a case's label is a scan of each item in the case, but no item scan.
        """
        return not is_of_own_chain(self.observation, DEFAULT_POLICY)


class Header(NamedTuple):
    """One statement about a batch, and when it reached the verifiers."""

    arrived_ms: int
    batch: Batch


class Example(NamedTuple):
    """One code, with what arrived of it, in order of arrival.

    `headers` are the statements about the batch its pack was minted in, oldest first;
    `siblings` the first ones about the other batches of that product. `attack` is the
    family of the attack that took hold of it, None for an honest one.
    """

    item: ItemId
    headers: tuple[Header, ...]
    arrivals: tuple[Arrival, ...]
    attack: AttackFamily | None
    attack_id: str | None
    detectable_ms: int | None
    siblings: tuple[Header, ...] = ()

    @property
    def batch(self) -> Batch:
        """The statement about its batch that stands in the end."""
        return self.headers[-1].batch

    @property
    def item_scans(self) -> int:
        """The number of arrivals that are item scans."""
        return sum(arrival.is_item_scan for arrival in self.arrivals)

    @property
    def genuine(self) -> tuple[bool, ...]:
        """For each arrival, whether the genuine pack was scanned."""
        return tuple(arrival.truth.genuine for arrival in self.arrivals)

    @property
    def copied(self) -> bool:
        """The label to learn: whether two packs were read under this code.

        Mangled texts and readings of case labels do not count.
        """
        return self.attack in COPYING and self.detectable_ms is not None


def examples(
    seed: int, items: int, scenario: Callable[[int, int], Scenario], *, workers: int | None = None
) -> Iterator[Example]:
    """Every code of this world that was scanned, honest and attacked, in no particular order.

    `scenario(seed, items)` says which world, for instance `split.scenario_of`.
    """
    for some in map_packs(_all_of, scenario(seed, items), workers=workers):
        yield from some


def map_packs(
    work: Callable[["Reading", range], Answer],
    scenario: Scenario,
    *,
    workers: int | None = None,
    packs: int = PACKS_AT_ONCE,
) -> Iterator[Answer]:
    """`work(reading, packs)` over all packs of a world, some batches at a time, in processes.

    So many `packs` or a few more are one task, whose answer is waited for for five minutes.
    `work` and its answers travel by pickle; `reading.of_packs(packs)` gives the examples.
    """
    tasks = list(chunks_of(scenario, packs))
    workers = min(workers or os.cpu_count() or 1, len(tasks), _MOST_WORKERS)
    prepare = partial(Reading, scenario)
    if workers == 1:
        reading = prepare()
        yield from (work(reading, packs) for packs in tasks)
    else:
        yield from in_processes(prepare, work, tasks, workers=workers)


def chunks_of(scenario: Scenario, packs: int = PACKS_AT_ONCE) -> Iterator[range]:
    """All packs of a world in pieces that begin and end with a batch."""
    world = Traffic(scenario).world
    begin = 0
    for number in world.batches:
        end = world.packs_of(number).stop
        if end - begin >= packs or end == scenario.items:
            yield range(begin, end)
            begin = end


class Reading:
    """One world as a verifier sees it, with the truth of each scan."""

    def __init__(self, scenario: Scenario) -> None:
        self.traffic = Traffic(scenario)
        world = self.traffic.world
        self.trust_list = read_trust_list(world.trust_document, world.roots, at=world.start)
        self._verifier = ScanVerifier(remembered=_CODES_REMEMBERED, threads=1)
        self._batch_number: int | None = None
        self._headers: tuple[Header, ...] = ()
        self._siblings: tuple[Header, ...] = ()

    def of_packs(self, packs: range) -> list[Example]:
        """The scanned codes of these packs, and of the false packs that use their names."""
        found: list[Example] = []
        for first in range(packs.start, packs.stop, _PACKS_VERIFIED_AT_ONCE):
            some = range(first, min(first + _PACKS_VERIFIED_AT_ONCE, packs.stop))
            lines = [(index, line) for index in some for line in self.traffic.of_pack(index)]
            scans = [line.scan for _, line in lines]
            checked = self.verified(scans)
            seen = [
                (index, item_of_scan(scan, verdict), _arrival(scan, verdict, version, line))
                for (index, line), (scan, verdict, version) in zip(lines, checked, strict=True)
            ]
            for index, group in groupby(seen, key=itemgetter(0)):
                headers, siblings = self._headers_of(index), self._siblings
                found += (each._replace(siblings=siblings) for each in _examples(headers, group))
        return found

    def verified(self, scans: Sequence[Scan]) -> list[CheckedScan]:
        """Each scan with the verdict on its code."""
        return self._verifier.check(scans, self.trust_list)

    def headers(self, packs: range) -> list[Header]:
        """Every statement about the batches of these packs."""
        of_each = dict.fromkeys(header for index in packs for header in self._headers_of(index))
        return list(of_each)

    def _headers_of(self, pack: int) -> tuple[Header, ...]:
        number = self.traffic.world.batch_number(pack)
        if number != self._batch_number:
            self._batch_number = number
            self._headers = tuple(
                Header(to_epoch_ms(at), batch) for at, batch in self.traffic.world.headers(number)
            )
            self._siblings = tuple(
                Header(to_epoch_ms(batch.registered_at), batch)
                for batch in self.traffic.world.siblings(number)
            )
        return self._headers


def _arrival(scan: Scan, verdict: Verdict, trust_version: int, line: Line) -> Arrival:
    observation = observe(scan, verdict, trust_version)
    return Arrival(observation, to_epoch_ms(scan.received_at), line.truth)


def _examples(
    headers: tuple[Header, ...], seen: Iterable[tuple[int, ItemId, Arrival]]
) -> Iterator[Example]:
    by_item: dict[ItemId, list[Arrival]] = {}
    for _, item, arrival in seen:
        by_item.setdefault(item, []).append(arrival)
    for item, arrivals in by_item.items():
        arrivals.sort(key=lambda each: (each.received_ms, each.observation.id))
        yield example_of(item, headers, arrivals)


def example_of(item: ItemId, headers: tuple[Header, ...], arrivals: Iterable[Arrival]) -> Example:
    """Labelled by the truths about this very code; a mangled text names another, or none."""
    all_of_it = tuple(arrivals)
    of_code = [each.truth for each in all_of_it if each.truth.item == item]
    attacked = next((truth for truth in of_code if truth.attack is not None), None)
    if attacked is None:
        return Example(item, headers, all_of_it, None, None, None)
    known_at = attacked.first_detectable_at
    known_ms = None if known_at is None else to_epoch_ms(known_at)
    return Example(item, headers, all_of_it, attacked.attack, attacked.attack_id, known_ms)


def _all_of(reading: Reading, packs: range) -> list[Example]:
    return reading.of_packs(packs)
