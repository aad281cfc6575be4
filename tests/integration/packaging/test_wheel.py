"""The wheel, installed where nothing of this checkout can be found."""

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Final

import pytest

from authenticity.version import VERSION
from tests.integration.packaging.environments import ROOT, WheelEnvironment, build_wheel

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
    manifest = (installed.folder / "away" / "run" / "manifest.csv").read_text().splitlines()
    code = manifest[1].split(",")[1]
    printed = quiet(installed.run("touchstone", "verify", code, "--trust-list", "keys/trust.jws"))
    assert printed.startswith("Genuine code from Maker AG")


def test_a_ledger_is_made_and_read(installed: WheelEnvironment) -> None:
    quiet(installed.run("touchstone", "migrate", "--data", "data"))
    quiet(installed.run("touchstone", "tokens", "create", "--role", "officer", "--name", "port-7",
                        "--data", "data"))  # fmt: skip
    assert quiet(installed.run("touchstone", "export", "--data", "data")) == ""


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
