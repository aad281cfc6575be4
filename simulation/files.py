"""Write a simulation to files: scans, their truth, and what a verifier of them needs.

Beside `scans.ndjson` stand `scans.attacks.ndjson` (the record of each attack),
`scans.trust.json` (the signed trust list), `scans.roots.json` (the keys to pin),
`scans.batches.ndjson` and `scans.world.json` (the settings). The same scenario gives the same
bytes, whatever the number of processes: packs are simulated in chunks, each chunk is sorted
by arrival into a file of its own, and the chunks are merged, so that memory does not grow with
the number of packs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from heapq import merge
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from authenticity.errors import ConfigurationError, UnavailableError
from authenticity.records.scan import encode_scan, to_epoch_ms
from authenticity.trust.jws import encode_roots
from keys.durable_files import replacing, write_durably
from producers.processes import in_processes
from simulation.ceiling import encode_attack
from simulation.traffic import Line, Scenario, Traffic
from simulation.truth import encode_truth
from simulation.world_record import WorldRecord, encode_world, world_record

CHUNK_PACKS: Final = 10_000
_READABLE: Final = 0o644  # nothing of a simulation is secret
_CHUNKS_WORTH_PROCESSES: Final = 3

Progress = Callable[[int], None]
"""Called with the number of packs simulated since the last call."""


@dataclass(frozen=True, slots=True)
class SimulationFiles:
    """Where a simulation is written. All but the first two follow from them."""

    scans: Path
    truth: Path

    @property
    def trust(self) -> Path:
        """The signed trust list."""
        return self.scans.with_suffix(".trust.json")

    @property
    def roots(self) -> Path:
        """The pinned root keys."""
        return self.scans.with_suffix(".roots.json")

    @property
    def batches(self) -> Path:
        """The batch headers by arrival, one a line; some come a second time, changed."""
        return self.scans.with_suffix(".batches.ndjson")

    @property
    def attacks(self) -> Path:
        """The records of the attacks, one a line."""
        return self.scans.with_suffix(".attacks.ndjson")

    @property
    def world(self) -> Path:
        """The settings of the world."""
        return self.scans.with_suffix(".world.json")


@dataclass(frozen=True, slots=True)
class SimulationCounts:
    """What was written. `attacks` counts the attacks of each family that left a scan,
    `launched` all of them."""

    items: int
    scans: int
    batches: int
    attacks: dict[str, int]
    launched: dict[str, int]


def simulate(
    scenario: Scenario,
    files: SimulationFiles,
    *,
    world: WorldRecord | None = None,
    processes: int = 1,
    chunk_packs: int = CHUNK_PACKS,
    progress: Progress = lambda _: None,
) -> SimulationCounts:
    """Write all files; those that exist are replaced, each at once, when it is complete.

    `world` is what `files.world` says of the scenario, by default that it has no name.
    `chunk_packs` are simulated in one piece and decide how much memory it takes.
    Raises `ConfigurationError` if a file cannot be written.
    """
    traffic = Traffic(scenario)
    try:
        for path in (files.scans, files.truth):
            path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".simulating-", dir=files.scans.parent) as scratch:
            folder = Path(scratch)
            chunks = _chunks(scenario, chunk_packs, folder)
            runs = list(_sorted_runs(scenario, chunks, processes, progress))
            scans, attacks = _merge_runs([run.chunk.path for run in runs], files)
        headers = sorted(header for run in runs for header in run.headers)
        _write_lines(files.batches, (line for _, line in headers))
        records = [record for run in runs for record in run.attacks]
        _write_lines(files.attacks, (line for _, line in records))
        write_durably(files.trust, traffic.world.trust_document, mode=_READABLE)
        write_durably(files.roots, encode_roots(traffic.world.roots), mode=_READABLE)
        record = world or world_record("", scenario, is_drawn=False)
        write_durably(files.world, encode_world(record), mode=_READABLE)
    except (OSError, UnavailableError) as error:
        raise ConfigurationError(
            f"the simulation cannot be written: {error}",
            next_step="choose another --out, or make room on the disk",
        ) from error
    launched = Counter(family for family, _ in records)
    return SimulationCounts(
        scenario.items, scans, len(traffic.world.batches),
        dict(sorted(attacks.items())), dict(sorted(launched.items())),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The packs `first` to `end` - 1, and the file that they go to."""

    first: int
    end: int
    path: Path


@dataclass(frozen=True, slots=True)
class _Run:
    """A chunk that is written, with what begins in it: (arrival, header), (family, record)."""

    chunk: _Chunk
    headers: list[tuple[int, bytes]]
    attacks: list[tuple[str, bytes]]


def _chunks(scenario: Scenario, packs: int, folder: Path) -> list[_Chunk]:
    return [
        _Chunk(first, min(first + packs, scenario.items), folder / f"{first}.run")
        for first in range(0, scenario.items, packs)
    ]


def _sorted_runs(
    scenario: Scenario, chunks: list[_Chunk], processes: int, progress: Progress
) -> Iterator[_Run]:
    prepare = partial(Traffic, scenario)
    if processes == 1 or len(chunks) < _CHUNKS_WORTH_PROCESSES:
        traffic = prepare()
        done: Iterable[_Run] = (_write_run(traffic, chunk) for chunk in chunks)
    else:
        done = in_processes(prepare, _write_run, chunks, workers=processes)
    for run in done:
        progress(run.chunk.end - run.chunk.first)
        yield run


def _write_run(traffic: Traffic, chunk: _Chunk) -> _Run:
    """The chunk's scans and truths, sorted by arrival; the headers of the batches and the
    records of the attacks that begin in it."""
    packs = range(chunk.first, chunk.end)
    rows = sorted(_row(line) for index in packs for line in traffic.of_pack(index))
    with chunk.path.open("wb") as file:
        file.writelines(rows)
    headers = [
        (to_epoch_ms(arrives_at), traffic.world.statement(number, batch).raw)
        for number in traffic.world.batches
        if traffic.world.packs_of(number).start in packs
        for arrives_at, batch in traffic.world.headers(number)
    ]
    records = (traffic.attack(number) for number in traffic.plan.begun_in(packs))
    attacks = [(str(each.family), encode_attack(each)) for each in records if each is not None]
    return _Run(chunk, headers, attacks)


def _row(line: Line) -> bytes:
    """Arrival, scan and truth between tabs, which JSON never holds: rows sort as text."""
    arrival = b"%015d" % to_epoch_ms(line.scan.received_at)
    order = arrival + b"\t" + line.scan.scan_id.encode()
    return b"\t".join((order, encode_scan(line.scan), encode_truth(line.truth))) + b"\n"


def _merge_runs(runs: Iterable[Path], files: SimulationFiles) -> tuple[int, Counter[str]]:
    attacks: dict[str, str] = {}
    lines = 0
    with ExitStack() as opened:
        parts = [
            opened.enter_context(replacing(path, mode=_READABLE))
            for path in (files.scans, files.truth)
        ]
        sources = [opened.enter_context(run.open("rb")) for run in runs]
        scans, truths = (opened.enter_context(part.open("wb")) for part in parts)
        for row in merge(*sources):
            _, _, scan, truth = row.split(b"\t")
            scans.write(scan + b"\n")
            truths.write(truth)
            lines += 1
            _note_attack(truth, attacks)
        for written in (scans, truths):
            written.flush()
    return lines, Counter(attacks.values())


def _write_lines(path: Path, lines: Iterable[bytes]) -> None:
    write_durably(path, b"".join(line + b"\n" for line in lines), mode=_READABLE)


def _note_attack(truth: bytes, attacks: dict[str, str]) -> None:
    """Take family and id from the line without reading all of it."""
    start = truth.find(b'"attack_id":"')
    if start >= 0:
        attack_id = truth[start + 13 : truth.index(b'"', start + 13)].decode()
        attacks[attack_id] = attack_id.rpartition("-")[0]
