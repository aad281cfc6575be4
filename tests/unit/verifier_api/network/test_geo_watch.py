"""Files that appear, change, break and go while the service runs."""

import asyncio
import logging
from pathlib import Path

import pytest

from tests.support.geo import GERMANY, PARIS, SEOUL, write_database
from verifier_api.http.client_address import address_of
from verifier_api.network.derivation import GeoSources, derive
from verifier_api.network.geo_watch import GeoFile, GeoFiles, GeoWatch


class Watched:
    """A watch over the default files of a folder, and the country it finds for one address."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder / "geo"
        self.folder.mkdir()
        self.sources = GeoSources()
        self.handed_over = 0
        self.watch = GeoWatch(GeoFiles.find(environ, folder), self._use)

    def _use(self, sources: GeoSources) -> None:
        self.sources = sources
        self.handed_over += 1

    def country(self) -> str | None:
        """After a look at the files."""
        asyncio.run(self.watch.refresh())
        address = address_of("192.0.2.1")
        assert address is not None
        return derive(address, self.sources).place.country

    def problem(self, kind: GeoFile = GeoFile.CITY) -> str:
        """What is wrong with a file, or nothing."""
        return str(self.watch.states[kind].problem or "")


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_files_that_appear_or_change_are_in_force_at_the_next_look(watched: Watched) -> None:
    assert watched.country() is None
    write_database(watched.folder / "country.mmdb", {"192.0.2.0/24": GERMANY})
    assert watched.country() == "DE"
    write_database(watched.folder / "city.mmdb", {"192.0.2.0/24": PARIS})
    assert watched.country() == "FR", "of cities and countries, cities"
    write_database(watched.folder / "city.mmdb", {"192.0.2.0/24": SEOUL})
    assert watched.country() == "KR"


def test_files_that_are_the_same_are_not_read_again(watched: Watched) -> None:
    write_database(watched.folder / "city.mmdb")
    assert [watched.country() for _ in range(3)] == ["FR"] * 3
    assert watched.handed_over == 1


@pytest.mark.parametrize("broken", [b"", b"no database", b"\xab\xcd\xefMaxMind.com" + b"\0" * 64])
def test_a_broken_file_keeps_the_one_before_and_is_said_once_with_a_next_step(
    watched: Watched, broken: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_database(watched.folder / "city.mmdb")
    assert watched.country() == "FR"
    path.write_bytes(broken)
    with caplog.at_level(logging.ERROR):
        assert [watched.country() for _ in range(3)] == ["FR"] * 3
    assert str(path) in watched.problem()
    [said] = caplog.messages
    assert "stays in use" in said
    assert ".mmdb" in said
    write_database(path, {"192.0.2.0/24": SEOUL})
    assert (watched.country(), watched.problem()) == ("KR", "")


def test_a_half_written_file_is_refused_and_the_whole_one_taken(watched: Watched) -> None:
    path = write_database(watched.folder / "city.mmdb")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert watched.country() is None
    assert watched.problem()
    path.write_bytes(whole)
    assert (watched.country(), watched.problem()) == ("FR", "")


def test_a_file_that_goes_leaves_what_was_read_and_a_problem(watched: Watched) -> None:
    path = write_database(watched.folder / "city.mmdb")
    assert watched.country() == "FR"
    path.unlink()
    assert watched.country() == "FR"
    assert "gone" in watched.problem()


def test_a_file_of_networks_is_refused_as_one_of_places(watched: Watched) -> None:
    write_database(watched.folder / "city.mmdb", {"192.0.2.0/24": {"connection_type": "Cellular"}})
    assert watched.country() is None
    assert "neither countries nor places" in watched.problem()


def test_a_file_that_a_setting_names_counts_alone_and_must_be_there(tmp_path: Path) -> None:
    named = tmp_path / "mine.mmdb"
    watched = Watched(tmp_path, TOUCHSTONE_GEO_CITY=str(named))
    write_database(watched.folder / "city.mmdb")
    assert watched.country() is None
    assert str(named) in watched.problem()
    write_database(named, {"192.0.2.0/24": SEOUL})
    assert (watched.country(), watched.problem()) == ("KR", "")


def test_ranges_of_relays_are_read_anew_too(watched: Watched) -> None:
    path = watched.folder / "relays.csv"
    path.write_text("192.0.2.0/24,FR\n")
    watched.country()
    assert watched.sources.relays is not None
    path.write_text("what is this\n")
    watched.country()
    assert watched.sources.relays is not None
    assert "line 1" in watched.problem(GeoFile.RELAYS)
