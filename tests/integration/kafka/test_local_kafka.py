"""The local Kafka ends with whoever started it, and says what is missing."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from authenticity.errors import ConfigurationError, UnavailableError
from demo.child_processes import start_killed_with_parent
from demo.kafka_jars import fetch_kafka
from demo.local_kafka import LocalKafka
from keys.cache_folder import cache_folder
from tests.support.patience import PATIENCE_S, wait_until

STARTS_AND_WAITS = """
import sys, time
from pathlib import Path
from demo.local_kafka import LocalKafka
kafka = LocalKafka(Path(sys.argv[1]), cache=Path(sys.argv[2]))
kafka.start()
print(kafka.process_id(), flush=True)
time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        return "java" in Path(f"/proc/{pid}/cmdline").read_text()
    except FileNotFoundError:
        return False


def test_a_broker_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_AND_WAITS, str(tmp_path), str(cache_folder(os.environ))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        broker = int(parent.stdout.readline())
        assert alive(broker)
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not alive(broker))


def test_it_is_tied_to_the_process_and_not_to_the_thread_that_asked(tmp_path: Path) -> None:
    fifo, started = tmp_path / "fifo", list[subprocess.Popen[bytes]]()
    os.mkfifo(fifo)

    def start() -> None:
        reads = ["sh", "-c", f"read word < '{fifo}' && exit 7"]
        started.append(start_killed_with_parent(reads, folder=tmp_path, output=tmp_path / "output"))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    with fifo.open("w") as pipe:  # opens once somebody reads
        pipe.write("go on\n")
    [process] = started
    assert process.wait(PATIENCE_S) == 7


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "broker-0").write_text("a file where a folder should be")
    with pytest.raises(ConfigurationError, match="Kafka cannot use"):
        LocalKafka(tmp_path, cache=cache_folder(os.environ)).start()


def test_without_java_or_with_an_old_one_the_next_step_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="there is none") as missing:
        LocalKafka(tmp_path / "data").start()
    assert "default-jre-headless" in missing.value.next_step
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    with pytest.raises(ConfigurationError, match="needs Java 17"):
        LocalKafka(tmp_path / "data").start()


def test_without_maven_or_network_the_cache_stays_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="there is no mvn"):
        fetch_kafka(tmp_path / "cache")
    maven = tmp_path / "mvn"
    maven.write_text("#!/bin/sh\necho '[ERROR] Could not transfer artifact'\nexit 1\n")
    maven.chmod(0o755)
    with pytest.raises(UnavailableError, match="Could not transfer artifact"):
        fetch_kafka(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_damaged_cache_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fetch_kafka(cache_folder(os.environ))
    place = tmp_path / whole.name
    place.mkdir()
    for jar in whole.iterdir():
        (place / jar.name).symlink_to(jar)
    first = next(place.iterdir())
    first.unlink()
    first.write_bytes(b"half a jar")
    said: list[str] = []
    monkeypatch.setattr("demo.kafka_jars.shutil.which", lambda _name: None)
    with pytest.raises(ConfigurationError, match="there is no mvn"):
        fetch_kafka(tmp_path, said.append)
    assert "damaged" in said[0]
    assert not place.exists(), "what is damaged is never used"
