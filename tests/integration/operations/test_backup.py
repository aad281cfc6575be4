"""Backup, loss, restore and rewind, as docs/how-to/operate.md says it: nothing is lost.

The site runs with the least that each role needs.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.operations.site import OperatedSite, eventually, operated_site, simulated

pytestmark = pytest.mark.slow


def _replayed(site: OperatedSite, lines: list[bytes]) -> str:
    (site.folder / "scans.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    return site.touchstone("replay", str(site.folder / "scans.ndjson"))


def _wait_until_exported(site: OperatedSite, expected: str, said: Path) -> None:
    """Campaigns are assessed a while after the last scan has passed."""
    eventually(lambda: site.touchstone("export") == expected, said)


def test_a_restored_ledger_catches_up_to_the_byte_once_the_workers_are_set_back(
    tmp_path: Path,
) -> None:
    scans = simulated(tmp_path, items=1_500)
    early, late = scans[: len(scans) // 2], scans[len(scans) // 2 :]
    with operated_site(tmp_path) as site:
        site.publish_what_scans_rest_on()
        with site.up("--no-api", "--workers", "2") as said:
            site.publish_scans(early)
            at_backup = _replayed(site, early)
            _wait_until_exported(site, at_backup, said)
            before_backup = datetime.now(UTC) - timedelta(seconds=1)
            site.postgres_tool("pg_dump", "--format=custom", f"--file={tmp_path / 'dump'}")
            site.publish_scans(late)
            at_the_end = _replayed(site, scans)
            _wait_until_exported(site, at_the_end, said)
            refused = site.tried("topics", "rewind")
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
        assert site.touchstone("export") == at_backup

        # What was folded since then is behind the group's offsets: it is read again.
        site.touchstone("topics", "rewind", "--to", before_backup.isoformat())
        later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        assert "scans: 0 " in site.touchstone("topics", "rewind", "--to", later), "never forward"
        with site.up("--no-api", "--workers", "2") as said:
            _wait_until_exported(site, at_the_end, said)
