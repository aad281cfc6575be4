"""The smallest batch whose serial list comes in parts, issued by the real command; scans of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from pathlib import Path

from authenticity.limits import LIMITS
from authenticity.records.batch import Batch
from authenticity.records.part_statement import SignedPart
from authenticity.records.scan import encode_scan
from authenticity.records.serial_parts import share_of
from benchmarks.faults.traffic import Traffic, replay_beside
from keys.signer import Signer
from keys.store import KeyStore
from producers.issuing.declarations import read_folder, read_parts
from producers.issuing.manifest import serials_of
from simulation.two_makers import World
from simulation.world import signed_code
from tests.integration.issuing.test_issue_command import GTIN, Maker

SERIALS = LIMITS.batch_filter_serials + 1
_OF_EACH_PART = 2


@dataclass(frozen=True)
class Code:
    """A signed code of the batch, of the part `number`; invented: signed with a stolen key."""

    text: str
    number: int
    issued: bool


@dataclass(frozen=True)
class LargeRun:
    """A maker with a finished run in the folder `out`."""

    maker: Maker

    @cached_property
    def batch(self) -> Batch:
        """What its statement says."""
        return read_folder(self.folder).batch

    @property
    def folder(self) -> Path:
        """Of the run."""
        return self.maker.folder / "out"

    @cached_property
    def statement(self) -> bytes:
        """The header, as it travels."""
        return read_folder(self.folder).raw

    @cached_property
    def parts(self) -> list[SignedPart]:
        """All of its list, in order."""
        return list(read_parts(self.folder))

    @cached_property
    def codes(self) -> list[Code]:
        """Of each part some that were issued, and one that was not; the same number of each."""
        parts = range(self.batch.parts)
        issued = _some_of_each(parts, (s for some in serials_of(self.folder / "manifest.csv")
                                       for s in some), _OF_EACH_PART)  # fmt: skip
        invented = _some_of_each(parts, (f"INVENTED{n}" for n in count()), 1)
        return [
            Code(self._signed(serial), share_of(serial, self.batch.parts), was_issued)
            for serials, was_issued in ((issued, True), (invented, False))
            for serial in serials
        ]

    @cached_property
    def scans(self) -> list[bytes]:
        """One of each code, by a stranger."""
        world, at = World(), datetime.now(UTC) - timedelta(minutes=5)
        return [encode_scan(world.scan(code.text, captured_at=at)) for code in self.codes]

    @cached_property
    def signer(self) -> Signer:
        """The key that signed the batch."""
        store = KeyStore(self.maker.folder / "data" / "keys")
        file = store.key_file("maker", passphrase=b"a test passphrase", at=datetime.now(UTC))
        return file.open()

    def traffic(self, folder: Path, batch_records: Sequence[bytes]) -> Traffic:
        """Its scans, with what a pure replay makes of them and these records; uses `folder`."""
        known = Traffic(
            self.scans, list(batch_records), (self.maker.folder / "trust.jws").read_bytes(),
            (self.maker.folder / "roots.json").read_bytes(), b"",
        )  # fmt: skip
        return known._replace(replayed=replay_beside(folder, known, self.scans))

    @property
    def records(self) -> list[bytes]:
        """The header, then all parts."""
        return [self.statement, *(part.raw for part in self.parts)]

    def _signed(self, serial: str) -> str:
        ais = [("01", GTIN), ("10", "L7"), ("21", serial), ("17", "281231")]
        return signed_code(ais, "id.maker.example", self.signer)


def issued_run(maker: Maker) -> LargeRun:
    """Issue it, and publish the maker's trust list on the embedded log of the same folder."""
    maker.run("keys", "export-trust-list", "--out", "trust.jws")
    maker.issue("out", SERIALS)
    return LargeRun(maker)


def _some_of_each(parts: range, serials: Iterator[str], most: int) -> list[str]:
    found: dict[int, list[str]] = {number: [] for number in parts}
    for serial in serials:
        of_part = found[share_of(serial, len(parts))]
        if len(of_part) < most:
            of_part.append(serial)
        if all(len(some) == most for some in found.values()):
            break
    return [serial for some in found.values() for serial in some]
