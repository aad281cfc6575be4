"""`touchstone batches`: register batches, and say what became of them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.support.console import EXIT_BAD_ANSWER, err, fail, out, print_json
from cli.support.data import DataFolder
from cli.support.open_ledger import open_administration
from cli.support.passphrase import KeysFolder, PassphraseFile, keys_folder
from cli.support.registering import (
    BatchSigner,
    put_on_record,
    register_batches,
    registrable_folder,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from authenticity.records.batch import Batch
    from authenticity.records.batch_statement import BatchStatement

batches = typer.Typer(
    no_args_is_help=True,
    help="Register batches, and release, recall or report them.",
    epilog="Example: touchstone batches recall out/  or  touchstone batches recall maker 3f2a…",
)

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout.")]
Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the engine.")]
Target = Annotated[
    list[str], typer.Argument(help="The run's folder, or an issuer's id and a batch id.")
]


def register(app: typer.Typer) -> None:
    """Add `batches`."""
    app.add_typer(batches, name="batches")


@batches.command("register")
def register_batch(
    source: Annotated[
        Path, typer.Argument(help="Folder of a finished run, or a file of batches, one a line.")
    ],
    sign_again: Annotated[
        bool,
        typer.Option(
            "--sign-again", help="Sign anew with the issuer's newest key, as after a revocation."
        ),
    ] = False,
    data: Data = None,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Publish the batch of a finished run, or every batch in a file (again: it does no harm).

    What is not signed yet, as by version 0.1.0, is signed with the issuer's newest key. Of a
    run of many codes that has no list of its serials yet, one is made.

    Example: touchstone batches register batch-L7
    """
    from authenticity.records.part_statement import read_part
    from producers.issuing.declarations import keep_statement, read_parts, read_statements

    signer = BatchSigner(keys_folder(folder, data), passphrase_file)
    parts = read_parts(source)  # reads when they are published
    if source.is_dir():
        [stated] = read_statements(source)
        put_on_record(keys_folder(folder, data), source, stated.batch)
        found = [registrable_folder(source, stated, signer, sign_again=sign_again)]
        keep_statement(source, found[0])
    else:
        found = [
            signer.statement(each.batch) if sign_again or not each.is_signed else each
            for each in read_statements(source)
        ]
        if sign_again:
            parts = (read_part(signer.part(each.part)) for each in parts)
    again = f"touchstone batches register {source}"
    register_batches(DataFolder.find(data), found, again, parts=parts)
    for statement in found:
        _print_batch(statement.batch, as_json)


@batches.command()
def release(
    target: Target,
    data: Data = None,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """The batch may be sold from now on; ends a recall or a report of theft too.

    Example: touchstone batches release batch-L7
    """
    sign = BatchSigner(keys_folder(folder, data), passphrase_file).statement
    _declare("release", target, data, sign, as_json)


@batches.command()
def recall(
    target: Target,
    data: Data = None,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Call the whole batch back. Undone by `release`.

    Example: touchstone batches recall maker 3f2a0c…
    """
    sign = BatchSigner(keys_folder(folder, data), passphrase_file).statement
    _declare("recall", target, data, sign, as_json)


@batches.command()
def stolen(
    target: Target,
    data: Data = None,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Report the whole batch as stolen. Undone by `release`.

    Example: touchstone batches stolen batch-L7
    """
    sign = BatchSigner(keys_folder(folder, data), passphrase_file).statement
    _declare("stolen", target, data, sign, as_json)


@batches.command()
def manifest(
    folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    as_json: Json = False,
) -> None:
    """Check a manifest's digest, CSV against Parquet, and show its header.

    Exit 1 if the files do not hold what the header says.

    Example: touchstone batches manifest batch-L7
    """
    from producers.issuing.manifest import check_manifest

    header, faults = check_manifest(folder)
    if as_json:
        print_json({"header": header, "sound": not faults, "faults": faults})
    else:
        for name in header.__struct_fields__:
            out.print(f"{name:22} {getattr(header, name)}")
        for fault in faults:
            err.print(fault, style="red")
    if faults:
        raise typer.Exit(EXIT_BAD_ANSWER)


@batches.command("list")
def list_batches(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of runs; default: the engine's ledger.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show batches: those of the engine's ledger, or of the folders named.

    Example: touchstone batches list
    """
    from producers.issuing.declarations import read_batch

    if folders:
        found = [read_batch(folder) for folder in folders]
    else:
        found = _known_batches(DataFolder.find(data))
    if as_json:
        print_json(found)
        return
    _print_table(found, None if folders else DataFolder.find(data))


def _print_table(found: "list[Batch]", where: DataFolder | None) -> None:
    from rich.table import Table

    table = Table(
        "issuer", "batch", "gtin", "lot", "expiry", "count", "serials", "released", "status", "rev."
    )
    for batch, listed in zip(found, _serial_lists(found, where), strict=True):
        released = f"{batch.released_at:%Y-%m-%d}" if batch.released_at else "no"
        table.add_row(
            batch.issuer,
            batch.batch_id,
            batch.gtin,
            batch.lot or "",
            batch.expiry or "",
            f"{batch.count:,}",
            listed,
            released,
            batch.status,
            str(batch.revision),
        )
    out.print(table)


def _serial_lists(batches: "list[Batch]", where: DataFolder | None) -> list[str]:
    """Whether it is known which serials each holds; for parts, how many of them the ledger has."""
    if where is None:
        return [f"{batch.parts} parts" if batch.parts else _short(batch) for batch in batches]
    with open_administration(where) as administration:
        return [
            f"{administration.parts_held(batch)} of {batch.parts} parts"
            if batch.parts
            else _short(batch)
            for batch in batches
        ]


def _short(batch: "Batch") -> str:
    return "no list" if batch.serials is None else "listed"


def _declare(
    word: str,
    target: list[str],
    data: Path | None,
    sign: "Callable[[Batch], BatchStatement]",
    as_json: bool,
) -> None:
    from producers.issuing.declarations import Declaration, declared, keep_statement, read_batch

    where = DataFolder.find(data)
    folder = Path(target[0]) if len(target) == 1 else None
    if folder is not None:
        current = read_batch(folder)
    elif len(target) == 2:
        current = _batch_by_id(where, target[0], target[1])
    else:
        fail(
            "name the run's folder, or an issuer and a batch id",
            next_step=f"touchstone batches {word} DIR",
        )
    statement = sign(declared(current, Declaration(word), at=datetime.now(UTC)))
    register_batches(where, [statement], f"touchstone batches {word} {' '.join(target)}")
    if folder is not None:
        keep_statement(folder, statement)
    _print_batch(statement.batch, as_json)


def _batch_by_id(where: DataFolder, issuer: str, batch_id: str) -> "Batch":
    found = [
        batch
        for batch in _known_batches(where)
        if batch.issuer == issuer and batch.batch_id.startswith(batch_id)
    ]
    if len(found) != 1:
        fail(
            f"{len(found)} batches of {issuer} begin with {batch_id!r} in {where.ledger}",
            next_step="give the whole id (`touchstone batches list`), or the run's folder",
        )
    return found[0]


def _known_batches(where: DataFolder) -> "list[Batch]":
    with open_administration(where) as administration:
        return administration.batches()


def _print_batch(batch: "Batch", as_json: bool) -> None:
    if as_json:
        print_json(batch)
        return
    released = f"released {batch.released_at:%Y-%m-%d}" if batch.released_at else "not released"
    out.print(
        f"batch {batch.batch_id} of {batch.issuer}: {batch.status}, {released} "
        f"(revision {batch.revision})",
    )
