"""The embedded log's publisher: one writer thread, many records to a commit."""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from authenticity.errors import LogUnavailableError
from events.embedded.log import EmbeddedLog, LogLimits
from events.publisher import Record

_Waiting = tuple[Sequence[Record], "Future[None]"]


class EmbeddedPublisher:
    """`Publisher` on the embedded log.

    A commit costs one flush of the disk whatever its size, so the thread takes all that
    is waiting, up to `MOST_AT_ONCE` calls, into one. At most `MOST_WAITING` calls wait.
    """

    MOST_WAITING: Final = 10_000
    MOST_AT_ONCE: Final = 1_000

    def __init__(self, path: Path, limits: LogLimits | None = None) -> None:
        """Open the log; raises `LogUnavailableError`."""
        self._log = EmbeddedLog(path, limits)
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(self.MOST_WAITING)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def publish(self, records: Sequence[Record]) -> "Future[None]":
        """See `Publisher.publish`."""
        future: Future[None] = Future()
        if self._closed.is_set():
            future.set_exception(LogUnavailableError("the event log is closed"))
            return future
        try:
            self._waiting.put_nowait((records, future))
        except queue.Full:
            future.set_exception(
                LogUnavailableError(
                    f"{self.MOST_WAITING:,} publications are waiting for the event log",
                    next_step="slow down and try again in a second",
                )
            )
        return future

    def close(self) -> None:
        """See `Publisher.close`."""
        if not self._closed.is_set():
            self._closed.set()
            self._waiting.put(None)
            self._thread.join()
            self._log.close()

    def _run(self) -> None:
        while True:
            group = self._next_group()
            accepted = [waiting for waiting in group if waiting is not None]
            self._append(accepted)
            if len(accepted) < len(group):
                self._append(self._left_over())
                return

    def _next_group(self) -> list[_Waiting | None]:
        group = [self._waiting.get()]
        while group[-1] is not None and len(group) < self.MOST_AT_ONCE:
            try:
                group.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return group

    def _left_over(self) -> list[_Waiting]:
        """What slipped in between the close and its mark in the queue."""
        left: list[_Waiting] = []
        while True:
            try:
                waiting = self._waiting.get_nowait()
            except queue.Empty:
                return left
            if waiting is not None:
                left.append(waiting)

    def _append(self, group: Sequence[_Waiting]) -> None:
        accepted = [(records, future) for records, future in group
                    if future.set_running_or_notify_cancel()]  # fmt: skip
        try:
            self._log.append([record for records, _ in accepted for record in records])
        except Exception as error:  # whatever it is, the callers must hear of it
            for _, future in accepted:
                future.set_exception(error)
        else:
            for _, future in accepted:
                future.set_result(None)
