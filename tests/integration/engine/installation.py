"""A real installation in a folder of its own, as tests look at it."""

import json
import subprocess
from typing import Any

from benchmarks.faults.embedded_site import EmbeddedSite
from benchmarks.faults.traffic import TOUCHSTONE
from tests.support.patience import PATIENCE_S, wait_until

_EXPORTED_EVERY_S = 0.3
"""Each time a process starts, and takes its part of the processors."""


def run(*arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """A `touchstone` command, to its end."""
    return subprocess.run(
        [*TOUCHSTONE, *arguments], input=stdin, capture_output=True, timeout=PATIENCE_S, check=False
    )


class Installation(EmbeddedSite):
    """What waits for a result fails with what differs, and what the engines said."""

    def dead_letters(self) -> list[dict[str, Any]]:
        done = run("dead-letters", "list", "--json", "--data", str(self.folder), "--limit", "10000")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait_until_something_is_exported(self) -> None:
        """Until the engine has made the ledger and folded a first scan."""
        wait_until(self.exported, self._log, every_s=_EXPORTED_EVERY_S)

    def wait_until_exported(self, expected: bytes) -> None:
        """Until the engine has folded everything: what it exports is `expected`."""

        def difference() -> str:
            differing = set(self.exported().splitlines()) ^ set(expected.splitlines())
            shown = b"\n".join(sorted(differing)[:6]).decode()
            return f"{len(differing)} lines differ:\n{shown}\n{self._log()}"

        wait_until(lambda: self.exported() == expected, difference, every_s=_EXPORTED_EVERY_S)

    def _log(self) -> str:
        """The end of what the engines have said."""
        return self.log_file.read_text()[-2_000:]
