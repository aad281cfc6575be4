"""Hands fetched records to the streams, with less work than Faust's own loop.

Faust's loop (`Consumer._drain_messages`) makes two tasks for each record, a third of a
worker's time, and can lose records: one that was fetched under an assignment that has ended
meanwhile is handed over all the same. This loop hands over a whole fetch without a task, and is
stricter in two things. What was fetched under an assignment that has ended meanwhile is dropped
as a whole and fetched again from what is committed. And records that do not follow on what was
handed over before are fetched once more before they are believed: somebody may have taken those
in between and dropped them.
"""

from typing import Any, Final

import faust
from faust.types import TP

from stream.sources.faust.compat import NOT_NOW, ConsumerInternals, replace_drain

_PATIENCE_S: Final = 1.0
_POLL_S: Final = 0.01


def install(app: faust.App, *, most_waiting: int) -> None:
    """Replace the loop of this app's consumer, before the app starts.

    `most_waiting`: nothing is fetched for a stream in which so many records wait.
    """

    async def drain(consumer: Any, fetcher: Any) -> None:
        intake = Intake(consumer, fetcher, most_waiting)
        try:
            while not intake.ended:
                await intake.fetch_and_hand_over()
        except consumer.consumer_stopped_errors:
            if not app.should_stop:
                raise

    replace_drain(app, drain)


class Intake:
    """One consumer's fetching, and handing over to the streams."""

    def __init__(self, consumer: Any, fetcher: Any, most_waiting: int) -> None:
        self._consumer = consumer
        self._internals = ConsumerInternals(consumer, fetcher)
        self._app = consumer.app
        self._most_waiting = most_waiting
        self._sought_in: int | None = None
        """The generation for which positions are known."""
        self._next: dict[TP, int] = {}
        """The offset that each partition's next record has, if none is missing."""
        self._doubted: dict[TP, int] = {}
        """The last offset that came in the place of another one."""

    @property
    def ended(self) -> bool:
        """Whether the consumer or its fetcher is to stop."""
        return self._internals.ended

    async def fetch_and_hand_over(self) -> None:
        """One fetch, of at most what the consumer polls at once.

        A topic whose stream is full is left out, and no other for its sake: scans wait for
        the first trust list, which must therefore come past any number of them.
        """
        consumer = self._consumer
        if not consumer.flow_active:
            await consumer.wait(consumer.can_resume_flow)
            if self.ended:
                return
        generation = self._app.consumer_generation_id
        if self._sought_in != generation:
            await self._go_back(generation)
            return
        active = self._internals.active_partitions()
        roomy = {tp for tp in active if self._has_room(tp)}
        if self.ended or not roomy:
            await consumer.sleep(_POLL_S)
            return
        patience_s = _PATIENCE_S if len(roomy) == len(active) else _POLL_S
        records = await self._internals.fetch(roomy, patience_s)
        if not records:
            await consumer.sleep(0)
            return
        if not self._current(generation) or self._skips(records):
            # They may have been taken after the new assignment's own seek: then the consumer
            # stands behind them, and nobody else would go back for them.
            self._sought_in = None
            return
        # Nothing is awaited from here on: no rebalance can come in between.
        for tp, fetched in records.items():
            self._hand_over(tp, fetched)

    async def _go_back(self, generation: int) -> None:
        """To what is committed, or where nothing is, to the beginning.

        Faust's own seek leaves a partition of which nothing is committed where it stands,
        which may be beyond records that were fetched and dropped.
        """
        consumer = self._consumer
        try:
            if ours := consumer.assignment():
                await consumer.perform_seek()
                self._next = {tp: at for tp in ours if (at := self._internals.read_offset(tp))}
                if anew := ours - self._next.keys():
                    starts = await consumer.earliest_offsets(*anew)
                    await consumer.seek_wait(starts)
                    self._next |= starts
        except NOT_NOW:
            await consumer.sleep(_POLL_S)
            return
        if self._current(generation):
            self._sought_in = generation

    def _has_room(self, tp: TP) -> bool:
        channels = self._internals.channels(tp)
        return all(channel.queue.qsize() < self._most_waiting for channel in channels)

    def _current(self, generation: int) -> bool:
        return bool(
            self._consumer.flow_active
            and self._app.flow_control.is_active()
            and self._app.consumer_generation_id == generation
        )

    def _skips(self, records: dict[TP, list[Any]]) -> bool:
        """Whether a partition goes on with another offset than the one that is due, for the
        first time. The same one again, after going back, is no skip: compaction or retention
        took those before it."""
        skips = False
        for tp, fetched in records.items():
            first = fetched[0].offset
            if first > self._next.get(tp, first) and self._doubted.get(tp) != first:
                self._doubted[tp] = first
                skips = True
        return skips

    def _note_gaps(self, tp: TP, fetched: list[Any]) -> None:
        """Offsets that compaction or retention took: Faust must not wait for them.

        Only for what is handed over: a gap noted beside a fetch that is then dropped would let
        Faust commit past records that nobody has seen.
        """
        before = self._internals.read_offset(tp)
        for record in fetched:
            if before is not None and record.offset > before + 1:
                self._internals.note_gap(tp, before + 1, record.offset)
            before = record.offset

    def _hand_over(self, tp: TP, fetched: list[Any]) -> None:
        self._note_gaps(tp, fetched)
        self._internals.hand_over(tp, fetched)
        last = fetched[-1].offset
        self._next[tp] = last + 1
        if self._doubted.get(tp, self._next[tp]) <= last:
            del self._doubted[tp]
