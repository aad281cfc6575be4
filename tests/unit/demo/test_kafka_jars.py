"""Jars are used when they are exactly those on the list; where they are kept; which Java."""

from hashlib import sha256
from pathlib import Path

import pytest

from demo.kafka_jars import (
    KAFKA_VERSION,
    faults_of,
    java_version,
    wanted_jars,
)
from keys.cache_folder import cache_folder

WANTED = {"a.jar": sha256(b"a").hexdigest(), "b.jar": sha256(b"b").hexdigest()}


def folder_with(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        (folder / f"{name}.jar").write_bytes(content)
    return folder


def test_the_same_files_have_no_fault(tmp_path: Path) -> None:
    assert faults_of(folder_with(tmp_path, a=b"a", b=b"b"), WANTED) == []


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"a": b"a"}, "b.jar is missing"),
        ({"a": b"a", "b": b"b", "c": b"c"}, "c.jar is not on the list"),
        ({"a": b"a", "b": b"half"}, "b.jar has another SHA-256"),
    ],
)
def test_a_missing_a_foreign_and_a_changed_jar_are_faults(
    tmp_path: Path, files: dict[str, bytes], fault: str
) -> None:
    assert faults_of(folder_with(tmp_path, **files), WANTED) == [fault]


def test_the_list_names_kafka_itself_and_only_whole_digests() -> None:
    jars = wanted_jars()
    assert f"kafka_2.13-{KAFKA_VERSION}.jar" in jars
    assert all(len(digest) == 64 and int(digest, 16) for digest in jars.values())


def test_the_cache_is_where_the_user_says_else_where_caches_are() -> None:
    assert cache_folder({"TOUCHSTONE_CACHE": "/c", "XDG_CACHE_HOME": "/x"}) == Path("/c")
    assert cache_folder({"XDG_CACHE_HOME": "/x"}) == Path("/x/touchstone")
    assert cache_folder({}) == Path.home() / ".cache" / "touchstone"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_292"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ("command not found", None),
    ],
)
def test_the_feature_release_of_java_is_read(text: str, version: int | None) -> None:
    assert java_version(text) == version
