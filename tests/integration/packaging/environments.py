"""An environment that holds the wheel, and nothing of this checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
_WITHIN_S: Final = 240.0


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, built into `folder` without a network."""
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


class WheelEnvironment:
    """A virtual environment with the wheel installed.

    Dependencies are those of the environment that runs the tests, found by a line in a .pth
    file: the .pth files there, of which one names this checkout, are not followed.
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
        borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (self.site_packages / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n")

    def run(self, *command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the environment, in an empty folder."""
        away = self.folder / "away"
        away.mkdir(exist_ok=True)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "TOUCHSTONE", "COVERAGE"))
        }
        return subprocess.run(
            [str(self.bin / command[0]), *command[1:]],
            cwd=away,
            env=kept | environment,
            capture_output=True,
            text=True,
            timeout=_WITHIN_S,
            check=False,
        )


def _run(command: list[str], folder: Path) -> None:
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_WITHIN_S, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
