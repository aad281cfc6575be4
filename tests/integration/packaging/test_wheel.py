"""The wheel, installed where nothing of this checkout can be found."""

import json
import re
import signal
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import pytest

from authenticity.records.scan import Channel, Scan, encode_scan
from authenticity.version import VERSION
from tests.integration.packaging.environments import ROOT, WheelEnvironment, build_wheel
from tests.support.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.slow

PACKAGES: Final = (
    "authenticity", "keys", "events", "ledger", "producers", "stream", "verifier_api", "cli",
)  # fmt: skip

EVERY_HELP: Final = """
import sys
from typer.main import get_command
from typer.testing import CliRunner
from cli.app import app

def names(command, path=()):
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from names(below, (*path, name))

for path in names(get_command(app)):
    result = CliRunner().invoke(app, [*path, "--help"])
    assert result.exit_code == 0 and "Usage:" in result.output, (path, result.output)
    print(*path)
for name in ("simulation", "demo", "benchmarks"):
    assert not any(module.partition(".")[0] == name for module in sys.modules), name
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> WheelEnvironment:
    return WheelEnvironment(tmp_path_factory.mktemp("installed"), wheel)


def quiet(ended: "subprocess.CompletedProcess[str]") -> str:
    """Its standard output; it did well, and printed no traceback."""
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_wheel_holds_the_eight_packages_alone_each_file_of_them(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    metadata = f"touchstone_authenticity-{VERSION}.dist-info"
    assert {name.partition("/")[0] for name in names} == {*PACKAGES, metadata}
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *PACKAGES],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    wanted = {name for name in tracked if (ROOT / name).is_file()}
    assert {name for name in names if not name.startswith(metadata)} == wanted
    kinds = {Path(name).suffix for name in wanted}
    assert {".py", ".html", ".css", ".js", ".svg", ".po", ".mako"} <= kinds


def test_nothing_of_the_checkout_can_be_imported(installed: WheelEnvironment) -> None:
    where = quiet(installed.run("python", "-c", "import cli, sys; print(cli.__file__, *sys.path)"))
    assert where.startswith(str(installed.site_packages))
    assert str(ROOT) not in where.split()
    absent = installed.run("python", "-c", "import simulation")
    assert "No module named 'simulation'" in absent.stderr


def test_every_command_shows_its_help(installed: WheelEnvironment) -> None:
    shown = quiet(installed.run("python", "-c", EVERY_HELP)).splitlines()
    assert {"bench", "demo", "keys init", "topics rewind", "up"} <= set(shown)


def test_the_command_says_its_version(installed: WheelEnvironment) -> None:
    assert quiet(installed.run("touchstone", "--version")) == f"touchstone {VERSION}\n"


def test_a_code_is_read(installed: WheelEnvironment) -> None:
    printed = json.loads(quiet(installed.run("touchstone", "inspect", "(01)09520123456788(21)AB2")))
    assert printed["item"] == "https://id.gs1.org/01/09520123456788/21/AB2"


def test_keys_are_made_codes_are_issued_and_verified(installed: WheelEnvironment) -> None:
    secret = {"TOUCHSTONE_PASSPHRASE": "correct horse battery staple"}
    for arguments in (
        ("keys", "init", "--keys", "keys"),
        ("keys", "add-issuer", "Maker AG", "--keys", "keys", "--id", "maker",
         "--prefix", "9520123", "--host", "id.maker.example"),
        ("keys", "export-trust-list", "--keys", "keys", "--out", "keys/trust.jws"),
        ("issue", "--gtin", "09520123456788", "--count", "3", "--out", "run", "--keys", "keys",
         "--data", "data", "--labels", "svg"),
    ):  # fmt: skip
        quiet(installed.run("touchstone", *arguments, **secret))
    manifest = (installed.away / "run" / "manifest.csv").read_text().splitlines()
    code = manifest[1].split(",")[1]
    printed = quiet(installed.run("touchstone", "verify", code, "--trust-list", "keys/trust.jws"))
    assert printed.startswith("Genuine code from Maker AG")


def test_a_ledger_is_made_and_read(installed: WheelEnvironment) -> None:
    quiet(installed.run("touchstone", "migrate", "--data", "data"))
    quiet(installed.run("touchstone", "tokens", "create", "--role", "officer", "--name", "port-7",
                        "--data", "data"))  # fmt: skip
    assert quiet(installed.run("touchstone", "export", "--data", "data")) == ""


def test_an_installation_runs_from_the_first_key_to_the_replay(wheel: Path, tmp_path: Path) -> None:
    """Every command that needs no Kafka, as the README puts them together."""
    place = WheelEnvironment(tmp_path, wheel)

    def touchstone(*arguments: str, **environment: str) -> str:
        return quiet(place.run("touchstone", *arguments, **environment))

    secret = {"TOUCHSTONE_PASSPHRASE": "correct horse battery staple"}
    touchstone("keys", "init", **secret)
    touchstone("keys", "add-issuer", "Maker AG", "--id", "maker", "--prefix", "9520123",
               "--host", "id.maker.example", **secret)  # fmt: skip
    touchstone("keys", "export-trust-list", "--out", "trust.jws", **secret)
    data = place.away / "touchstone-data"
    (data / "roots.json").write_bytes((data / "keys" / "roots.json").read_bytes())
    touchstone("trust", "publish", "trust.jws")
    touchstone("issue", "--gtin", "09520123456788", "--count", "3", "--lot", "L7",
               "--expiry", "281231", "--out", "run", "--labels", "pdf", **secret)  # fmt: skip
    code = (place.away / "run" / "manifest.csv").read_text().splitlines()[1].split(",")[1]
    said = tmp_path / "up.log"
    service = place.start("touchstone", "up", "--port", "0", output=said)
    try:
        wait_until(lambda: b"service: http" in said.read_bytes())
        url = re.findall(r"service: (http\S+)", said.read_text())[0]
        wait_until(lambda: httpx.get(f"{url}/readyz", trust_env=False).is_success)
        assert "genuine" in touchstone("scan", code, "--channel", "consumer")
        wait_until(lambda: touchstone("export") != "")
        assert "L7" in touchstone("batches", "list")
        touchstone("dead-letters", "list")
    finally:
        service.send_signal(signal.SIGTERM)
        assert service.wait(PATIENCE_S) == 0, said.read_text()
    assert code.partition("?")[0].rpartition("/")[2] in touchstone("export")
    (place.away / "strict.toml").write_text(touchstone("policy"))
    assert json.loads(touchstone("asyncapi"))["asyncapi"].startswith("3.")
    (place.away / "scans.ndjson").write_bytes(encode_scan(scan_of_code(code)) + b"\n")
    beside = ("--trust-list", "trust.jws", "--roots", str(data / "roots.json"))
    assert touchstone("replay", "scans.ndjson", *beside)
    touchstone("backtest", "--scans", "scans.ndjson", "--policy", "strict.toml", *beside)
    touchstone("policy", "strict.toml")


@pytest.mark.parametrize("command", ["topics check", "topics create", "worker"])
def test_commands_that_need_kafka_say_so_with_a_next_step(
    installed: WheelEnvironment, command: str
) -> None:
    ended = installed.run("touchstone", *command.split())
    error, step = ended.stderr.splitlines()
    assert ended.returncode == 2
    assert error.startswith("error: ")
    assert "Kafka" in error
    assert step.startswith("next:  set TOUCHSTONE_KAFKA")


def scan_of_code(code: str) -> Scan:
    """A consumer's scan of it, now."""
    now = datetime.now(UTC)
    return Scan(1, "a-scan", "consumer-web", code, now, now, Channel.CONSUMER, False)


@pytest.mark.parametrize(
    ("command", "instead"),
    [
        ("demo", "make run"),
        ("bench api", "make bench NAME=api"),
        ("bench detect", "make bench NAME=detect"),
        ("bench labels", "make bench NAME=labels"),
        ("simulate --items 10 --out scans.ndjson", "touchstone simulate"),
        ("backtest --scans s --policy p --truth t", "touchstone backtest --truth"),
    ],
)
def test_what_is_left_out_is_said_in_one_line(
    installed: WheelEnvironment, command: str, instead: str
) -> None:
    ended = installed.run("touchstone", *command.split())
    (line,) = ended.stderr.splitlines()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "is not part of the installed package" in line
    assert line.endswith(instead)


OTHERS: Final = "an-event-library"


def test_a_name_that_is_found_elsewhere_first_is_refused_in_one_line(
    installed: WheelEnvironment, tmp_path: Path
) -> None:
    bring_events(tmp_path)
    ended = installed.run("touchstone", "--version", PYTHONPATH=str(tmp_path))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"error: {OTHERS} brings a package named 'events' too, so touchstone cannot run in this"
        " environment; install it on its own: uv tool install touchstone-authenticity, or use"
        " the container image\n"
    )


def test_a_package_without_a_distribution_is_named_by_its_path(
    installed: WheelEnvironment, tmp_path: Path
) -> None:
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "__init__.py").touch()
    ended = installed.run("touchstone", "--version", PYTHONPATH=str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {tmp_path / 'ledger'} brings a package named 'ledger'")


@pytest.mark.parametrize("overwritten", [True, False])
def test_a_name_that_two_distributions_installed_into_one_folder_is_refused(
    wheel: Path, tmp_path: Path, overwritten: bool
) -> None:
    """As pip leaves it: whoever came last has the `__init__`, both have their modules."""
    shared = WheelEnvironment(tmp_path, wheel)
    ours = (shared.site_packages / "events" / "__init__.py").read_bytes()
    bring_events(shared.site_packages)
    if not overwritten:
        (shared.site_packages / "events" / "__init__.py").write_bytes(ours)
    ended = shared.run("touchstone", "--version")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {OTHERS} brings a package named 'events' too")


@pytest.mark.parametrize("theirs", ["events/__init__.py", "events.py"])
def test_a_name_whose_file_ours_overwrote_or_hides_is_refused(
    wheel: Path, tmp_path: Path, theirs: str
) -> None:
    shared = WheelEnvironment(tmp_path, wheel)
    ours = (shared.site_packages / "events" / "__init__.py").read_bytes()
    bring_events(shared.site_packages)
    (shared.site_packages / "events" / "events.py").unlink()
    (shared.site_packages / "events" / "__init__.py").write_bytes(ours)
    record = shared.site_packages / "an_event_library-1.0.dist-info" / "RECORD"
    record.write_text(f"{theirs},,\n")
    ended = shared.run("touchstone", "--version")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {OTHERS} brings a package named 'events' too")


def bring_events(folder: Path) -> None:
    """What a distribution with a package `events` puts into `folder`."""
    package, metadata = folder / "events", folder / "an_event_library-1.0.dist-info"
    package.mkdir(exist_ok=True)
    metadata.mkdir()
    (package / "__init__.py").write_text("from events.events import Events\n")
    (package / "events.py").write_text("class Events: ...\n")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {OTHERS}\nVersion: 1.0\n")
    (metadata / "RECORD").write_text("events/__init__.py,,\nevents/events.py,,\n")
