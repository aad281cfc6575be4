"""Backup, loss, restore and rewind, as docs/operations.md says it: nothing is lost.

The site runs with the least that each role needs.
"""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from authenticity.batch import decode_batch
from events.kafka_publisher import KafkaPublisher
from events.publisher import Record
from events.topics import BATCHES, TRUST, TRUST_KEY, batch_key
from tests.integration.operations.site import OperatedSite, operated_site

pytestmark = pytest.mark.slow


def _simulated(folder: Path) -> list[bytes]:
    file = folder / "scans.ndjson"
    subprocess.run(
        [sys.executable, "-m", "cli.main", "simulate", "--seed", "11", "--items", "1500",
         "--out", str(file)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return file.read_bytes().splitlines()


def _replayed(site: OperatedSite, lines: list[bytes]) -> str:
    (site.folder / "scans.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    return site.touchstone("replay", str(site.folder / "scans.ndjson"))


def _publish_what_scans_rest_on(site: OperatedSite) -> None:
    document = (site.folder / "scans.trust.json").read_bytes()
    batches = (site.folder / "scans.batches.ndjson").read_bytes().splitlines()
    publisher = KafkaPublisher(site.kafka.settings)
    publisher.publish([Record(TRUST, TRUST_KEY, document)]).result(30)
    publisher.publish(
        [Record(BATCHES, batch_key(decode_batch(line)), line) for line in batches]
    ).result(30)
    publisher.close()


def test_a_restored_ledger_catches_up_to_the_byte_once_the_workers_are_set_back(
    tmp_path: Path,
) -> None:
    scans = _simulated(tmp_path)
    early, late = scans[: len(scans) // 2], scans[len(scans) // 2 :]
    with operated_site(tmp_path) as site:
        _publish_what_scans_rest_on(site)
        with site.workers():
            site.publish_scans(early)
            site.settle()
            at_backup = site.touchstone("export")
            before_backup = datetime.now(UTC) - timedelta(seconds=1)
            site.postgres_tool("pg_dump", "--format=custom", f"--file={tmp_path / 'dump'}")
            site.publish_scans(late)
            site.settle()
            refused = site.tried("topics", "rewind")
            at_the_end = site.touchstone("export")
        assert refused.returncode == 2
        assert "are running" in refused.stderr

        # The database is lost, and comes back as it was in another one.
        site.postgres_tool("dropdb", "--force", "touchstone", database="postgres")
        site.postgres_tool("createdb", "restored", database="postgres")
        site.postgres_tool(
            "pg_restore", "--dbname=restored", "--exit-on-error", str(tmp_path / "dump")
        )
        site.database = "restored"
        assert at_backup != at_the_end
        assert site.touchstone("export") == at_backup == _replayed(site, early)

        # What was folded since then is behind the group's offsets: it is read again.
        site.touchstone("topics", "rewind", "--to", before_backup.isoformat())
        later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        assert "scans: 0 " in site.touchstone("topics", "rewind", "--to", later), "never forward"
        with site.workers():
            site.settle()
        assert site.touchstone("export") == at_the_end == _replayed(site, scans)
