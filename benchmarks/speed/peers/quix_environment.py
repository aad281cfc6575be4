"""The environment of Quix Streams, made when a benchmark first needs it.

It lives beside ours, under `.venv/peers/quix`, from `quix.lock` with hashes; `make clean`
removes it. Our own code is not installed there but found by `PYTHONPATH`.
"""

import shutil
import subprocess
import sys
import venv
from hashlib import sha256
from pathlib import Path
from typing import Final

from authenticity.errors import UnavailableError

ROOT: Final = Path(__file__).parents[3]
LOCK: Final = Path(__file__).with_name("quix.lock")
_FOLDER: Final = ROOT / ".venv" / "peers" / "quix"
_WITHIN_S: Final = 300


def quix_python() -> Path:
    """The interpreter that has Quix Streams. Raises `UnavailableError` if it cannot be made."""
    python = _FOLDER / "bin" / "python"
    stamp = _FOLDER / "installed"
    wanted = sha256(LOCK.read_bytes()).hexdigest()
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        _make(python)
        stamp.write_text(wanted)
    return python


def _make(python: Path) -> None:
    shutil.rmtree(_FOLDER, ignore_errors=True)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    venv.create(_FOLDER, with_pip=uv is None, symlinks=True)
    pip = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    command = [*map(str, pip), "--quiet", "--require-hashes", "-r", str(LOCK)]
    try:
        subprocess.run(command, check=True, timeout=_WITHIN_S, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(_FOLDER, ignore_errors=True)
        raise UnavailableError(
            f"Quix Streams cannot be installed: {error.stderr.strip().splitlines()[-1:]}",
            next_step="check the network and the package index, then run this again",
        ) from None
    except subprocess.TimeoutExpired:
        shutil.rmtree(_FOLDER, ignore_errors=True)
        raise UnavailableError(
            f"Quix Streams could not be installed within {_WITHIN_S} s",
            next_step="check the network, then run this again",
        ) from None
