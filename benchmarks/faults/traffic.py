"""The traffic of a scenario: simulated scans, and the result of their pure replay."""

import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

TOUCHSTONE: Final = (sys.executable, "-m", "cli.main")
_ITEMS_PER_SCAN: Final = 1.3
_WITHIN_S: Final = 7_200  # ends a hang only
HANGS_AFTER_S: Final = 600.0
"""Ends a hang: no figure rests on it, however busy the machine is."""
FOR_GOOD_S: Final = 120.0
"""So long a result must differ from what is expected to be one that does."""


class Traffic(NamedTuple):
    """Scans with attacks, duplicates and late arrivals; `replayed` is the expected export."""

    scans: list[bytes]
    batches: list[bytes]
    trust_document: bytes
    roots_document: bytes
    replayed: bytes


def make_traffic(
    folder: Path,
    scans: int,
    *options: str,
    seed: int = 7,
    items_per_scan: float = _ITEMS_PER_SCAN,
) -> Traffic:
    """Exactly so many scans, the first of a simulation with these options. With too many
    `items_per_scan` they are of its first days alone."""
    file = folder / "scans.ndjson"
    items = str(round(scans * items_per_scan))
    run("simulate", "--seed", str(seed), "--items", items, "--out", str(file), *options)
    lines = file.read_bytes().splitlines()
    if len(lines) < scans:
        raise ValueError(f"{items} items gave {len(lines)} scans, not {scans}")
    return Traffic(
        lines[:scans],
        (folder / "scans.batches.ndjson").read_bytes().splitlines(),
        (folder / "scans.trust.json").read_bytes(),
        (folder / "scans.roots.json").read_bytes(),
        replay(file, lines[:scans]),
    )


def replay_beside(folder: Path, traffic: Traffic, lines: list[bytes]) -> bytes:
    """What a replay makes of other lines with this traffic's trust list and batches."""
    (folder / "scans.batches.ndjson").write_bytes(b"\n".join(traffic.batches) + b"\n")
    (folder / "scans.trust.json").write_bytes(traffic.trust_document)
    (folder / "scans.roots.json").write_bytes(traffic.roots_document)
    return replay(folder / "scans.ndjson", lines)


def replay(file: Path, lines: list[bytes]) -> bytes:
    """The output of `touchstone replay` for these lines; its other files are beside `file`."""
    file.write_bytes(b"\n".join(lines) + b"\n")
    return run("replay", str(file))


def run(*arguments: str, env: dict[str, str] | None = None) -> bytes:
    """A `touchstone` command to its end; its output. Raises `RuntimeError` with its log."""
    done = subprocess.run(
        [*TOUCHSTONE, *arguments], env=env, capture_output=True, timeout=_WITHIN_S, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"touchstone {' '.join(arguments)}: {done.stderr.decode()[-2_000:]}")
    return done.stdout
