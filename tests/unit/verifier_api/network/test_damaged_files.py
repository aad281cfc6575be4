"""Files of addresses that are damaged, huge, odd or cut short: never in force, always said."""

import asyncio
import logging
import os
import shutil
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from authenticity.errors import ConfigurationError
from tests.support.examples import examples
from tests.support.geo import CITIES, CLASSES, SEOUL, write_database
from verifier_api.network.databases import AddressDatabase
from verifier_api.network.derivation import GeoSources, derive
from verifier_api.network.geo_watch import GeoFile, GeoFiles, GeoFileState, GeoWatch, next_state
from verifier_api.network.search_tree import record_offsets

PARIS: Final = ip_address("192.0.2.7")
ADDRESSES: Final = (PARIS, *map(ip_address, ("198.51.100.9", "203.0.113.1", "2001:db8::1", "::")))
UNHURRIED: Final = settings(
    deadline=None,
    max_examples=examples(300),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _whole(folder: Path, rows: Any = CITIES) -> bytes:
    return write_database(folder / "whole.mmdb", rows).read_bytes()


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("whole")
    return [_whole(folder), _whole(folder, CLASSES)]


def _opened(path: Path) -> AddressDatabase | None:
    """None where the file is refused."""
    try:
        return AddressDatabase(path)
    except ConfigurationError:
        return None


@UNHURRIED
@given(st.data())
def test_a_damaged_file_is_refused_or_legible_for_every_address(
    tmp_path: Path, wholes: list[bytes], data: st.DataObject
) -> None:
    whole = data.draw(st.sampled_from(wholes))
    damaged = bytearray(whole)
    places = st.integers(0, len(whole) - 1) | st.integers(len(whole) - 200, len(whole) - 1)
    for place in data.draw(st.lists(places, min_size=1, max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.just(len(damaged)) | st.integers(0, len(damaged)))
    path = tmp_path / "damaged.mmdb"
    path.write_bytes(damaged[:end])
    if (database := _opened(path)) is None:
        return
    for address in (*ADDRESSES, *data.draw(st.lists(st.ip_addresses(), max_size=5))):
        derive(address, GeoSources(city=database, asn=database))
    assert all(isinstance(row, dict) for row, _ in database.rows())


def test_every_shorter_file_is_refused(tmp_path: Path) -> None:
    whole = _whole(tmp_path)
    path = tmp_path / "short.mmdb"
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        assert _opened(path) is None, end


@pytest.mark.parametrize(
    ("field", "value"),
    [(b"build_epoch", bytes([0x08, 0x02]) + b"\xff" * 8), (b"ip_version", b"\xa1\x05")],
)
def test_a_description_that_means_nothing_is_refused(
    tmp_path: Path, field: bytes, value: bytes
) -> None:
    whole = _whole(tmp_path)
    at = whole.rindex(field) + len(field)
    size = 2 + (whole[at] & 31) if whole[at] >> 5 == 0 else 1 + (whole[at] & 31)
    (tmp_path / "odd.mmdb").write_bytes(whole[:at] + value + whole[at + size :])
    with pytest.raises(ConfigurationError, match="damaged") as refused:
        AddressDatabase(tmp_path / "odd.mmdb")
    assert str(tmp_path / "odd.mmdb") in str(refused.value)
    assert refused.value.next_step


@example(3, [1, 2, 3, 3, 0, 3])
@given(st.integers(0, 6), st.lists(st.integers(0, 12), max_size=14))
def test_a_tree_of_any_numbers_is_refused_or_ends_within_an_address(
    nodes: int, numbers: list[int]
) -> None:
    numbers = (numbers + [nodes] * 14)[: 2 * nodes]
    raw = b"".join(number.to_bytes(3) for number in numbers) + bytes(16)
    try:
        found = record_offsets(raw, nodes, 24, 4)
    except ValueError:
        return
    for bits in range(16):
        at = 0
        for bit in (8, 4, 2, 1):
            if at < nodes:
                at = numbers[2 * at + bool(bits & bit)]
        assert at >= nodes
        assert at == nodes or at - nodes + 6 * nodes in found


@pytest.mark.parametrize("bits", [24, 28, 32])
def test_trees_of_all_widths_are_read(bits: int) -> None:
    numbers = [1, 2 + 16, 2 + 17, 2]
    if bits == 28:
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        raw = b"".join(((left & 0xFFFFFF) << 32 | right).to_bytes(7) for left, right in pairs)
    else:
        raw = b"".join(number.to_bytes(bits // 8) for number in numbers)
    assert record_offsets(raw + bytes(16), 2, bits, 32) == {
        bits + 16 - bits // 2: 1, bits + 17 - bits // 2: 1
    }  # fmt: skip


class Odd:
    """What may stand in the place of a file."""

    @staticmethod
    def damaged(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[0:3] = bytes(3)  # the root leads to itself
        path.write_bytes(content)

    @staticmethod
    def huge(path: Path) -> None:
        os.truncate(path, 1 << 40)

    @staticmethod
    def pipe(path: Path) -> None:
        path.unlink()
        os.mkfifo(path)

    @staticmethod
    def folder(path: Path) -> None:
        path.unlink()
        path.mkdir()

    @staticmethod
    def writable_by_others(path: Path) -> None:
        path.chmod(0o666)

    @staticmethod
    def in_a_writable_folder(path: Path) -> None:
        path.parent.chmod(0o777)

    @staticmethod
    def circle_of_links(path: Path) -> None:
        path.unlink()
        path.symlink_to(path)


ODD: Final = [name for name in vars(Odd) if not name.startswith("_")]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("kind", [GeoFile.CITY, GeoFile.RELAYS])
def test_the_file_before_stays_in_force_and_a_good_one_is_taken_up_again(
    tmp_path: Path, name: str, kind: GeoFile, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "geo"
    folder.mkdir()
    path = folder / ("city.mmdb" if kind is GeoFile.CITY else "relays.txt")

    def put() -> None:
        if kind is GeoFile.CITY:
            write_database(path)
        else:
            path.write_text("192.0.2.0/24\n")
            path.chmod(0o644)

    put()
    used: list[GeoSources] = []
    watch = GeoWatch(GeoFiles.find({}, tmp_path), used.append)
    asyncio.run(watch.refresh())
    before = derive(PARIS, used[-1])
    if kind is GeoFile.RELAYS and name == "damaged":
        path.write_bytes(b"\xff\xfe")
    else:
        getattr(Odd, name)(path)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            asyncio.run(watch.refresh())
    assert derive(PARIS, used[-1]) == before
    assert watch.states[kind].problem is not None
    [said] = caplog.messages
    assert str(path) in said
    assert "stays in use" in said
    folder.chmod(0o755)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    put()
    asyncio.run(watch.refresh())
    assert watch.states[kind].problem is None


@pytest.mark.parametrize("error", [MemoryError(), RecursionError(), RuntimeError("odd\x1b[32m")])
def test_what_nobody_foresaw_is_a_problem_of_that_file_alone(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    from verifier_api.network import databases

    (tmp_path / "geo").mkdir()
    write_database(tmp_path / "geo" / "city.mmdb")

    def fail(*_: object) -> bytes:
        raise error

    monkeypatch.setattr(databases, "read_bounded", fail)
    state = next_state(GeoFiles.find({}, tmp_path), GeoFile.CITY, GeoFileState())
    assert type(error).__name__ in str(state.problem)


async def test_the_watch_outlives_whatever_a_refresh_raises(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "geo").mkdir()
    write_database(tmp_path / "geo" / "city.mmdb", {"192.0.2.0/24": SEOUL})
    taken = asyncio.Event()

    def use(_: GeoSources) -> None:
        if caplog.messages:
            taken.set()
            return
        watch.states = {kind: GeoFileState() for kind in GeoFile}
        raise RuntimeError("once")

    watch = GeoWatch(GeoFiles.find({}, tmp_path), use)
    watching = asyncio.create_task(watch.watch(0.0))
    try:
        async with asyncio.timeout(30):
            await taken.wait()
    finally:
        watching.cancel()
    assert "could not be looked at" in caplog.messages[0]
