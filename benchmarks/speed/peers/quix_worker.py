"""The work of a worker, on Quix Streams instead of Faust: a baseline.

The same decoding, the same signature checks with the same memory and threads, the same
pure step, the same rows through the same statements; only what brings the scans and
keeps the offsets differs. All partitions of a checkpoint go into one fold, which is more
favourable to this program than a `BatchingSink`, whose batches are of one partition.
Variables of the environment: `BENCH_SERVERS`, `BENCH_LEDGER`, `BENCH_GROUP`,
`BENCH_TOPIC`, `BENCH_TRUST` and `BENCH_ROOTS` (two files).

Runs in an environment of its own, see `benchmarks.speed.peers.quix_environment`.
"""

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from quixstreams import Application
from quixstreams.sinks import BaseSink

from authenticity.detection.policy import DEFAULT_POLICY
from authenticity.gs1.item import ItemId
from authenticity.history.history import History
from authenticity.records.scan import decode_scan
from authenticity.trust.jws import read_roots
from authenticity.trust.trust_list import TrustList, read_trust_list
from benchmarks.speed.peers.reporting import end_with_standard_input, report
from ledger.address import read_address
from ledger.opening import open_store
from ledger.protocols import BatchRegistryChanged, LedgerStore
from stream.step import step, updates_of
from stream.verification import ScanVerifier

AT_ONCE: Final = 4_096
_COMMIT_INTERVAL_S: Final = 0.25


class LedgerSink(BaseSink):  # type: ignore[misc]  # quixstreams is not in our environment
    """Folds the scans of a checkpoint into the ledger when it commits."""

    def __init__(self, ledger: str, trust_list: TrustList) -> None:
        super().__init__()
        self._waiting: list[bytes] = []
        self._trust_list = trust_list
        self._verifier = ScanVerifier()
        self._runner = asyncio.Runner()
        self._ledger: LedgerStore = open_store(read_address(ledger))
        self._scans = 0

    def add(self, value: bytes, **_: Any) -> None:
        """One more of this checkpoint."""
        self._waiting.append(value)

    def flush(self) -> None:
        """Fold; whoever calls commits the offsets after it."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        scans = [decode_scan(value) for value in waiting]
        updates = updates_of(self._verifier.check(scans, self._trust_list))
        self._runner.run(self._fold(updates))
        self._scans += len(waiting)
        report(self._scans)

    async def _fold(self, updates: Mapping[ItemId, History]) -> None:
        await self._ledger.trust_version()
        pending = updates
        while pending:
            batch_registry, version = await self._ledger.batch_registry()
            known = await self._ledger.known(pending.keys())
            changes = step(pending, known, batch_registry, DEFAULT_POLICY)
            try:
                conflicts = await self._ledger.write(changes, version, datetime.now(UTC))
            except BatchRegistryChanged:
                continue
            pending = {item: pending[item] for item in conflicts}


def main() -> None:
    """Until SIGTERM, or the end of standard input."""
    end_with_standard_input()
    environ = os.environ
    roots = read_roots(Path(environ["BENCH_ROOTS"]).read_bytes())
    document = Path(environ["BENCH_TRUST"]).read_bytes()
    app = Application(
        broker_address=environ["BENCH_SERVERS"],
        consumer_group=environ["BENCH_GROUP"],
        auto_offset_reset="earliest",
        commit_every=AT_ONCE,
        commit_interval=_COMMIT_INTERVAL_S,
        auto_create_topics=False,
        use_changelog_topics=False,
        loglevel="WARNING",
    )
    topic = app.topic(environ["BENCH_TOPIC"], value_deserializer="bytes", key_deserializer="bytes")
    trust_list = read_trust_list(document, roots, at=datetime.now(UTC))
    app.dataframe(topic).sink(LedgerSink(environ["BENCH_LEDGER"], trust_list))
    app.run()


if __name__ == "__main__":
    main()
