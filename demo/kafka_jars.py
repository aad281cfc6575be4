"""Apache Kafka from its Maven jars, into a cache folder, each checked against its SHA-256.

`kafka.pom.xml` says what is asked for, `kafka.sha256` what must arrive: these files, no
more and no fewer. They are gathered in a folder of their own and moved into place as one,
so that half a download is never used, and two processes may fetch at once.
"""

import contextlib
import hashlib
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from authenticity.errors import ConfigurationError, UnavailableError

KAFKA_VERSION: Final = "4.3.0"
JAVA_NEEDED: Final = 17
FETCH_WITHIN_S: Final = 600.0

_HERE: Final = Path(__file__).parent
_POM: Final = _HERE / "kafka.pom.xml"
_LIST: Final = _HERE / "kafka.sha256"
_DOWNLOADED: Final = re.compile(r"Downloaded from \S+: \S*/(?P<file>[^/\s]+\.jar)")

Progress = Callable[[str], None]


def fetch_kafka(cache: Path, progress: Progress | None = None) -> Path:
    """Folder of Kafka's jars, fetched if it is not there yet; `progress` gets sentences.

    Raises `ConfigurationError` (no Maven, a jar that is not the known one, no room) and
    `UnavailableError` (no network).
    """
    say = progress or (lambda _sentence: None)
    wanted = wanted_jars()
    digest = hashlib.sha256(_LIST.read_bytes()).hexdigest()[:12]
    place = cache / f"kafka-{KAFKA_VERSION}-{digest}"
    if place.is_dir():
        if not faults_of(place, wanted):
            return place
        say(f"Kafka {KAFKA_VERSION}: the copy in the cache is damaged; fetching it again")
        shutil.rmtree(place, ignore_errors=True)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="kafka-", dir=cache) as gathering:
            jars = Path(gathering) / "jars"
            _gather(jars, len(wanted), say)
            if faults := faults_of(jars, wanted):
                raise ConfigurationError(
                    f"Kafka {KAFKA_VERSION} from Maven is not what it should be: {faults[0]}",
                    next_step="remove that jar from Maven's local repository and mirror, run again",
                )
            with contextlib.suppress(OSError):  # another was quicker, with the same files
                jars.rename(place)
    except OSError as error:
        raise ConfigurationError(
            f"cannot keep Kafka in {cache}: {error.strerror or error}",
            next_step="free some space (100 MB), or name another folder in TOUCHSTONE_CACHE",
        ) from error
    say(f"Kafka {KAFKA_VERSION}: {len(wanted)} jars, all as they should be")
    return place


def find_java() -> str:
    """The `java` to run a broker with. Raises `ConfigurationError`."""
    java = shutil.which("java")
    install = f"install a Java runtime, {JAVA_NEEDED} or newer (Debian: default-jre-headless)"
    if java is None:
        raise ConfigurationError("Kafka needs Java, and there is none", next_step=install)
    try:
        answer = subprocess.run(  # noqa: S603 – asks the Java that was found for its version
            [java, "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"{java} does not run: {error}", next_step=install) from error
    version = java_version(answer.stderr + answer.stdout)
    if version is None or version < JAVA_NEEDED:
        found = f"version {version}" if version else "of an unknown version"
        raise ConfigurationError(f"Kafka needs Java {JAVA_NEEDED}; {java} is {found}",
                                 next_step=install)  # fmt: skip
    return java


def java_version(text: str) -> int | None:
    """The feature release that `java -version` names ("1.8.0_292" is 8)."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else None


def wanted_jars() -> dict[str, str]:
    """SHA-256 in hexadecimal by file name."""
    pairs = (line.split() for line in _LIST.read_text().splitlines() if line)
    return {name: digest for digest, name in pairs}


def faults_of(folder: Path, wanted: Mapping[str, str]) -> list[str]:
    """In what a folder differs from the jars that are wanted; nothing if it does not."""
    present = {path.name: path for path in folder.iterdir()}
    faults = [f"{name} is missing" for name in sorted(wanted.keys() - present.keys())]
    faults += [f"{name} is not on the list" for name in sorted(present.keys() - wanted.keys())]
    for name in sorted(wanted.keys() & present.keys()):
        with present[name].open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != wanted[name]:
                faults.append(f"{name} has another SHA-256")
    return faults


def _gather(jars: Path, count: int, say: Progress) -> None:
    """Let Maven resolve and copy; its downloads become sentences."""
    maven = shutil.which("mvn")
    if maven is None:
        raise ConfigurationError(
            f"Kafka {KAFKA_VERSION} is fetched with Maven, and there is no mvn",
            next_step="install Maven (Debian: apt-get install maven) and run this again",
        )
    say(f"Kafka {KAFKA_VERSION}: asking Maven for {count} jars")
    arguments = ["-B", "-f", str(_POM), "dependency:copy-dependencies",
                 f"-DoutputDirectory={jars}", "-DincludeScope=runtime"]  # fmt: skip
    process = subprocess.Popen(  # noqa: S603 – arguments are ours
        [maven, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    too_late = threading.Timer(FETCH_WITHIN_S, process.kill)
    too_late.start()
    try:
        with process:
            _follow(process, count, say)
    finally:
        too_late.cancel()
        process.kill()


def _follow(process: "subprocess.Popen[str]", count: int, say: Progress) -> None:
    wanted = wanted_jars()
    errors: list[str] = []
    fetched = 0
    assert process.stdout is not None
    for line in process.stdout:
        found = _DOWNLOADED.search(line)
        if found and found["file"] in wanted:
            fetched += 1
            say(f"Kafka {KAFKA_VERSION}: {found['file']} ({fetched} of at most {count})")
        elif line.startswith("[ERROR]") and len(errors) < 3:
            errors.append(line.removeprefix("[ERROR]").strip())
    if (status := process.wait()) != 0:
        reason = errors[0][:300] if errors else f"mvn ended with {status}"
        raise UnavailableError(
            f"Maven could not fetch Kafka {KAFKA_VERSION}: {reason}",
            next_step="check the network and ~/.m2/settings.xml (proxy, mirror), then run it again",
        )
