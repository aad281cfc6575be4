"""No batch is registered whose serials another batch of this key store may have."""

from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree, rmtree
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from authenticity.errors import ConfigurationError
from authenticity.records.batch import Batch
from cli.support.registering import put_on_record, refuse_unchecked, unchanged_serials
from keys.store import create_store
from producers.issuing.issued_serials import IssuedSerials
from producers.issuing.manifest import serials_of_run
from tests.support.signing_here import sign_in_this_process
from tests.unit.producers.issuing.test_run import ORDER, run

SERIALS = [f"S{number}" for number in range(20)]


class Home(NamedTuple):
    """A key store `own` that signs for the order's issuer, and two runs with the same serials,
    `first` and `second`, of which the other one was issued with a copy of the store without
    the record."""

    folder: Path
    first: Batch
    other: Batch

    @property
    def keys(self) -> Path:
        return self.folder / "own"

    @property
    def second(self) -> Path:
        return self.folder / "second"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Made once."""
    folder, secret, at = tmp_path_factory.mktemp("made"), b"a test passphrase", datetime.now(UTC)
    keys = create_store(folder / "own", passphrase=secret, at=at)
    keys.add_issuer(
        "Maker", issuer_id=ORDER.issuer, company_prefixes=["9521234"], hosts=["id.maker.example"],
        passphrase=secret, at=at,
    )  # fmt: skip
    order = replace(ORDER, count=len(SERIALS), serials_sha256="0" * 64)
    with pytest.MonkeyPatch.context() as patched:
        sign_in_this_process(patched)
        first = run(folder / "first", order, serials=SERIALS)
        rmtree(folder / "keys")
        second = run(folder / "second", replace(order, lot="S9"), serials=SERIALS)
    listed = serials_of_run(folder / "first")
    put_on_record(folder / "own", first.batch, listed, unchecked=False)
    return Home(folder, first.batch, replace(second.batch, batch_id="c" * 32))


@pytest.fixture
def home(tmp_path: Path, made: Home) -> Home:
    copytree(made.folder, tmp_path / "home")
    return made._replace(folder=tmp_path / "home")


@pytest.mark.parametrize("lost", [(), ("manifest.csv",)])
def test_a_run_with_the_serials_of_another_is_refused_by_either_manifest(
    home: Home, lost: tuple[str, ...]
) -> None:
    for name in lost:
        (home.second / name).unlink()
    for unchecked in (False, True):
        with pytest.raises(ConfigurationError, match="are issued already"):
            listed = unchanged_serials(home.second, home.other)
            put_on_record(home.keys, home.other, listed, unchecked=unchecked)


def test_without_a_manifest_or_as_a_file_it_is_refused_unless_a_flag_says_so(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("manifest.csv", "manifest.parquet"):
        (home.second / name).unlink()
    with pytest.raises(ConfigurationError, match="cannot be checked") as refused:
        listed = unchanged_serials(home.second, home.other)
        put_on_record(home.keys, home.other, listed, unchecked=False)
    assert "--unchecked-serials" in refused.value.next_step
    with pytest.raises(ConfigurationError, match="cannot be checked"):
        refuse_unchecked(home.keys, [home.first, home.other], unchecked=False)
    refuse_unchecked(home.keys, [home.other], unchecked=True)
    assert "cannot be checked" in capsys.readouterr().err


def test_what_is_on_record_and_what_others_issued_needs_no_manifest(home: Home) -> None:
    foreign = replace(home.other, issuer="somebody-else")
    refuse_unchecked(home.keys, [home.first, foreign], unchecked=False)
    refuse_unchecked(home.keys.parent / "no store", [home.other], unchecked=False)


def test_a_lost_record_is_noticed_and_the_way_out_works(home: Home) -> None:
    rmtree(home.keys / "issued")
    with pytest.raises(ConfigurationError, match="is missing") as noticed:
        IssuedSerials(home.keys).reserve(ORDER.gtin, "new", [SERIALS])
    with pytest.raises(ConfigurationError, match="is missing"):
        IssuedSerials(home.keys).keep(ORDER.gtin, "new", iter([SERIALS]))
    assert not (home.keys / "issued").exists()
    Path(noticed.value.next_step.partition("delete ")[2].split(" to begin")[0]).unlink()
    IssuedSerials(home.keys).reserve(ORDER.gtin, "new", [SERIALS])
