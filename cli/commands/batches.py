"""`touchstone batches`: register batches, and say what became of them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.support.acceptance import refuse_what_no_engine_takes, tell_outcome
from cli.support.console import EXIT_BAD_ANSWER, err, fail, folded, lines, out, print_json, whole
from cli.support.data import DataFolder
from cli.support.open_ledger import open_administration
from cli.support.passphrase import KeysFolder, PassphraseFile, keys_folder
from cli.support.registering import (
    BatchSigner,
    put_on_record,
    refuse_unchecked,
    register_batches,
    registrable_folder,
    sign_over,
    unchanged_serials,
    with_exact_filter,
)
from cli.support.standing_statements import WAIT_S, StandingStatements

if TYPE_CHECKING:
    from authenticity.records.batch import Batch
    from authenticity.records.batch_statement import BatchStatement

batches = typer.Typer(
    no_args_is_help=True,
    help="Register batches, and release, recall, report or withdraw them.",
    epilog="Example: touchstone batches recall out/  or  touchstone batches recall maker 3f2a…",
)

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout.")]
Data = Annotated[Path | None, typer.Option("--data", help="Data folder of the engine.")]
Anyway = Annotated[
    bool,
    typer.Option(
        "--before-publication",
        help="Publish although the trust list in force does not let the engine take it.",
    ),
]
Wait = Annotated[
    float, typer.Option(min=0, max=600, help="Seconds to wait for the engine to take it.")
]
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
    unchecked: Annotated[
        bool,
        typer.Option(
            "--unchecked-serials",
            help="Register although no manifest is here to check the serials by.",
        ),
    ] = False,
    data: Data = None,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    anyway: Anyway = False,
    wait: Wait = WAIT_S,
    as_json: Json = False,
) -> None:
    """Publish the batch of a finished run, or every batch in a file (again: it does no harm).

    What is not signed yet, as by version 0.1.0, is signed with the issuer's newest key. Of a
    run of many codes that has no list of its serials yet, one is made.

    Example: touchstone batches register batch-L7
    """
    from authenticity.records.part_statement import read_part
    from producers.issuing.declarations import keep_statement, read_parts, read_statements
    from producers.issuing.serial_list import sign_list_again

    how = _How(DataFolder.find(data), keys_folder(folder, data), passphrase_file, anyway, wait)
    signer, standing = BatchSigner(how.keys, passphrase_file), StandingStatements(how.where)
    stated, serials = read_statements(source), None
    if source.is_dir():
        [of_run] = stated
        serials = unchanged_serials(source, of_run.batch)
        found = [
            registrable_folder(source, of_run, serials, signer, standing, sign_again=sign_again)
        ]
    else:
        refuse_unchecked(how.keys, [each.batch for each in stated], unchecked=unchecked)
        found = [
            sign_over(each.batch, signer, standing) if sign_again or not each.is_signed else each
            for each in stated
        ]
    again = f"touchstone batches register {source}"
    # Parts that are signed again are signed with the key of the statements: if an engine takes
    # these, it takes them. Nothing of the folder is replaced before.
    kept_parts = tuple if sign_again else partial(read_parts, source)
    refuse_what_no_engine_takes(
        found, standing, how.keys, wait_s=wait, anyway=anyway, parts=kept_parts
    )
    if source.is_dir():
        put_on_record(how.keys, found[0].batch, serials, unchecked=unchecked)
        if sign_again:
            sign_list_again(source, signer.part)
        keep_statement(source, found[0])
    parts = read_parts(source)
    if sign_again and not source.is_dir():
        parts = (read_part(signer.part(each.part)) for each in parts)
    register_batches(how.where, found, again, parts=parts)
    show = partial(_print_batch, as_json=as_json)
    tell_outcome(found, standing, wait, again, show, lists=True)


@batches.command()
def release(
    target: Target,
    data: Data = None,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    anyway: Anyway = False,
    wait: Wait = WAIT_S,
    as_json: Json = False,
) -> None:
    """The batch may be sold from now on; ends a recall or a report of theft too.

    Example: touchstone batches release batch-L7
    """
    how = _How(DataFolder.find(data), keys_folder(folder, data), passphrase_file, anyway, wait)
    _declare("release", target, how, as_json)


@batches.command()
def recall(
    target: Target,
    data: Data = None,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    anyway: Anyway = False,
    wait: Wait = WAIT_S,
    as_json: Json = False,
) -> None:
    """Call the whole batch back. Undone by `release`.

    Example: touchstone batches recall maker 3f2a0c…
    """
    how = _How(DataFolder.find(data), keys_folder(folder, data), passphrase_file, anyway, wait)
    _declare("recall", target, how, as_json)


@batches.command()
def stolen(
    target: Target,
    data: Data = None,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    anyway: Anyway = False,
    wait: Wait = WAIT_S,
    as_json: Json = False,
) -> None:
    """Report the whole batch as stolen. Undone by `release`.

    Example: touchstone batches stolen batch-L7
    """
    how = _How(DataFolder.find(data), keys_folder(folder, data), passphrase_file, anyway, wait)
    _declare("stolen", target, how, as_json)


@batches.command()
def withdraw(
    target: Target,
    data: Data = None,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    anyway: Anyway = False,
    wait: Wait = WAIT_S,
    as_json: Json = False,
) -> None:
    """Take back a batch that was never made, as a thief of a key may state one: it then holds
    no serial, so those that no other batch lists are never-issued. Undone by `release`.

    Example: touchstone batches withdraw maker 3f2a0c…
    """
    how = _How(DataFolder.find(data), keys_folder(folder, data), passphrase_file, anyway, wait)
    _declare("withdraw", target, how, as_json)


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

    table = Table(*folded("issuer"), whole("batch"), *folded("product", "serials", "stands"))
    for batch, listed in zip(found, _serial_lists(found, where), strict=True):
        released = f"released {batch.released_at:%F}" if batch.released_at else "not released"
        product = [batch.gtin, batch.lot and f"lot {batch.lot}", batch.expiry]
        table.add_row(
            batch.issuer,
            batch.batch_id,
            lines(*(each for each in product if each)),
            lines(f"{batch.count:,}", listed),
            lines(batch.status, released, f"revision {batch.revision}"),
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


@dataclass(frozen=True, slots=True)
class _How:
    """Options that all commands have that state something of a batch."""

    where: DataFolder
    keys: Path
    passphrase_file: Path | None
    anyway: bool
    wait_s: float


def _declare(word: str, target: list[str], how: _How, as_json: bool) -> None:
    """Say something of the batch that stands; see `docs/how-to/issue-and-print.md`."""
    from producers.issuing.declarations import (
        Declaration,
        declared,
        keep_statement,
        next_revision,
        read_folder,
        refuse_if_said,
        to_declare_of,
    )

    declaration = Declaration(word)
    signer = BatchSigner(how.keys, how.passphrase_file)
    standing = StandingStatements(how.where)
    folder = Path(target[0]) if len(target) == 1 else None
    if folder is not None:
        kept = with_exact_filter(folder, read_folder(folder))
        stands = standing.of(kept.batch.issuer, kept.batch.batch_id)
    elif len(target) == 2:
        kept, stands = None, _batch_by_id(how.where, target[0], target[1])
    else:
        fail(
            "name the run's folder, or an issuer and a batch id",
            next_step=f"touchstone batches {word} DIR",
        )
    batch = to_declare_of(kept, stands)
    if stands is not None:
        refuse_if_said(stands.batch, declaration)
    now = datetime.now(UTC)
    revision = next_revision(signer.slot(batch.issuer), kept, stands, at=now)
    said = declared(batch, declaration, at=now, revision=revision)
    statement = signer.statement(said)
    again = f"touchstone batches {word} {' '.join(target)}"
    refuse_what_no_engine_takes(
        [statement], standing, how.keys, wait_s=how.wait_s, anyway=how.anyway
    )
    register_batches(how.where, [statement], again)
    if folder is not None:
        keep_statement(folder, statement)
    show = partial(_print_batch, as_json=as_json)
    tell_outcome([statement], standing, how.wait_s, again, show)


def _batch_by_id(where: DataFolder, issuer: str, batch_id: str) -> "BatchStatement":
    found = [
        batch
        for batch in _known_batches(where)
        if batch.issuer == issuer and batch.batch_id.startswith(batch_id)
    ]
    exact = [batch for batch in found if batch.batch_id == batch_id]
    if len(exact or found) != 1:
        fail(
            f"{len(found)} batches of {issuer} begin with {batch_id!r} in {where.ledger}",
            next_step="give the whole id (`touchstone batches list`), or the run's folder",
        )
    [batch] = exact or found
    with open_administration(where) as administration:
        statement = administration.statement(batch.issuer, batch.batch_id)
    assert statement is not None
    return statement


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
