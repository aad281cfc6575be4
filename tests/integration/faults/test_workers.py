"""`touchstone up --engine kafka` and the workers it supervises, as an operator sees them."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.faults.site import Site
from benchmarks.faults.traffic import make_traffic
from demo.child_processes import touchstone_command
from tests.support.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "traffic").mkdir()
    with Site(folder, make_traffic(folder / "traffic", 1_500, seed=3)) as made:
        made.publish_batches()
        yield made


class Up:
    """A running `touchstone up` without the service, its words in a file."""

    def __init__(self, site: Site, folder: Path, **env: str) -> None:
        self._words = folder / "up.log"
        with self._words.open("wb") as log:
            self.process = subprocess.Popen(
                touchstone_command(["up", "--engine", "kafka", "--workers", "2", "--no-api"]),
                env=site.environment | env,
                stdin=subprocess.PIPE,
                stderr=log,
            )

    @property
    def words(self) -> str:
        return self._words.read_text()

    def end(self) -> None:
        """`kill -9`, if it runs."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    def workers(self) -> list[int]:
        """Process ids of its children."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        by_threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return sorted({int(pid) for file in by_threads for pid in file.read_text().split()}
                      | {int(pid) for pid in listed.split()})  # fmt: skip


@pytest.fixture
def up(site: Site, tmp_path: Path) -> Iterator[Up]:
    started = Up(site, tmp_path)
    yield started
    started.end()


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_killed_worker_is_started_again_and_sigterm_ends_all_in_order(site: Site, up: Up) -> None:
    wait_until(lambda: len(up.workers()) == 2)
    site.publish_scans(site.traffic.scans[:700])
    victim, other = up.workers()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(set(up.workers()) - {victim, other}) == 1)
    assert "was killed by signal 9; starting it again" in up.words
    site.publish_scans(site.traffic.scans[700:])
    assert site.drain(within_s=PATIENCE_S) == site.traffic.replayed
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(PATIENCE_S) == 0
    assert "Traceback" not in up.words


def test_workers_end_with_the_one_that_supervises_them(site: Site, up: Up) -> None:
    wait_until(lambda: len(up.workers()) == 2)
    workers = up.workers()
    up.process.kill()
    up.process.wait()
    wait_until(lambda: all(ended(pid) for pid in workers))


def test_workers_that_cannot_reach_the_ledger_give_up_in_words_with_exit_code_3(
    site: Site, tmp_path: Path
) -> None:
    up = Up(site, tmp_path, TOUCHSTONE_WORKER_OUTAGE_S="1")
    try:
        site.publish_scans(site.traffic.scans[:10])
        site.wait_until_passed(within_s=PATIENCE_S)
        site.postgres.kill()
        site.publish_scans(site.traffic.scans[10:20])
        assert up.process.wait(PATIENCE_S) == 3
    finally:
        up.end()
        site.postgres.restart()
    assert "this worker ends: the ledger" in up.words
    assert "Nothing of scans from offset" in up.words
    assert "the workers have stopped" in up.words
    assert "trying again in" in up.words
