"""Where a passphrase comes from: a file, the environment, the keyboard; never the command line."""

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.support.data import DataFolder

VARIABLE: Final = "TOUCHSTONE_PASSPHRASE"

KeysFolder = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        envvar="TOUCHSTONE_KEYS",
        help="Folder of the key store.",
        show_default="keys/ in the data folder",
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help=f"File (mode 0600) that holds the passphrase; else {VARIABLE}, else a prompt.",
    ),
]


def keys_folder(given: Path | None, data: Path | None = None) -> Path:
    """The key store in force: --keys, TOUCHSTONE_KEYS, or `keys` in the data folder."""
    return given or DataFolder.find(data).keys


def refuse_in_environment() -> None:
    """Raise `ConfigurationError` if the passphrase is in the environment of this process.

    For programs that run for long and sign nothing: whoever may look at the process may read
    what it was started with. Forgetting the variable afterwards would not take it out there.
    """
    from authenticity.errors import ConfigurationError

    if VARIABLE in os.environ:
        raise ConfigurationError(
            f"{VARIABLE} is set, and this program runs for long and signs nothing",
            next_step=f"unset {VARIABLE}, and give the commands that sign --passphrase-file FILE",
        )


def obtain_passphrase(file: Path | None, *, new: bool = False) -> bytes:
    """The passphrase; typed twice if it will lock a `new` key.

    Raises `KeyFileError` for an empty or an exposed one, or if there is nobody to ask.
    """
    from authenticity.errors import KeyFileError

    if file is not None:
        passphrase = _from_file(file)
    elif VARIABLE in os.environ:
        passphrase = os.environ[VARIABLE].encode()
    elif sys.stdin.isatty():
        typed: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new, err=True)
        passphrase = typed.encode()
    else:
        raise KeyFileError(
            "a passphrase is needed, and there is no terminal to ask for it",
            next_step=f"set {VARIABLE}, or give --passphrase-file FILE (mode 0600)",
        )
    if not passphrase:
        raise KeyFileError("the passphrase is empty", next_step="choose a long one")
    return passphrase


def _from_file(file: Path) -> bytes:
    from keys.guarded_files import read_guarded

    content = read_guarded(
        file,
        any_folder=True,
        follow_links=True,
        if_missing="name the file that holds the passphrase (mode 0600)",
    )
    return content.removesuffix(b"\n").removesuffix(b"\r")
