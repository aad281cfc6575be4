"""An environment that holds the wheel, and nothing of this checkout."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from importlib import metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
LOCK: Final = ROOT / "requirements.lock"
_WITHIN_S: Final = 240.0


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, built into `folder` without a network."""
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


class WheelEnvironment:
    """A virtual environment with the wheel installed.

    Its dependencies are those of `requirements.lock` and no others, linked from the environment
    that runs the tests: what only development needs cannot be imported here.
    """

    def __init__(self, folder: Path, wheel: Path) -> None:
        venv.create(folder / "venv", with_pip=False)
        self.folder = folder
        self.bin = folder / "venv" / "bin"
        self.python = str(self.bin / "python")
        _run(
            [sys.executable, "-m", "pip", "--python", self.python, "--isolated", "install",
             "--quiet", "--no-index", "--no-deps", "--no-compile", str(wheel)],
            folder,
        )  # fmt: skip
        self.site_packages = next((folder / "venv" / "lib").glob("python*/site-packages"))
        for name in re.findall(r"^([a-z0-9._-]+)==", LOCK.read_text(), re.MULTILINE):
            self._link(name)

    def _link(self, distribution: str) -> None:
        """The top-level files and folders of a distribution, if this platform has it."""
        try:
            files = metadata.distribution(distribution).files or ()
        except metadata.PackageNotFoundError:
            return
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            there = Path(sysconfig.get_path("purelib")) / top
            here = self.site_packages / top
            if there.exists() and not here.exists():
                here.symlink_to(there)

    @property
    def away(self) -> Path:
        """Where commands run: a folder of their own."""
        folder = self.folder / "away"
        folder.mkdir(exist_ok=True)
        return folder

    def run(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the environment."""
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=self.away,
            env=_environment() | environment,
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
        )

    def start(self, *command: str, output: Path) -> "subprocess.Popen[bytes]":
        """Start a command of the environment; what it says goes to `output`."""
        with output.open("wb") as file:
            return subprocess.Popen(
                [str(self.bin / command[0]), *command[1:]],
                cwd=self.away, env=_environment(), stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "TOUCHSTONE", "COVERAGE"))
    }


def _run(command: list[str], folder: Path) -> None:
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_WITHIN_S, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
