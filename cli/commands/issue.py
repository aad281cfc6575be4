"""`touchstone issue`: mint and sign the codes of one batch."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from authenticity.errors import BatchError
from cli.support.acceptance import (
    Problem,
    Registration,
    refuse_unlisted_key,
    refuse_what_no_engine_takes,
    what_stands,
)
from cli.support.console import EXIT_WRONG_USE, fail, out, print_json
from cli.support.data import DataFolder
from cli.support.passphrase import KeysFolder, PassphraseFile, keys_folder, obtain_passphrase
from cli.support.progress import progress
from cli.support.registering import register_batches
from cli.support.standing_statements import WAIT_S, StandingStatements

if TYPE_CHECKING:
    from keys.store import KeyStore
    from producers.issuing.order import Order
    from producers.issuing.run import Issued, SigningKey


_SAID: Final = {
    Registration.REGISTERED: "registered",
    Registration.UNSEEN: "published; whether the engine takes it cannot be seen from here",
    Registration.OUTRANKED: "registered before, and stated otherwise since",
    Registration.INCOMPLETE: "registered, with a part of its serial list missing",
    Registration.PENDING: "not yet registered",
    Registration.REFUSED: "not registered",
}


Wait = Annotated[
    float, typer.Option(min=0, max=600, help="Seconds to wait for the engine to take the batch.")
]


class LabelForm(StrEnum):
    """How codes are printed."""

    PDF = "pdf"
    SVG = "svg"
    PNG = "png"


def register(app: typer.Typer) -> None:
    """Add `issue`."""
    app.command()(issue)


def issue(
    gtin: Annotated[str, typer.Option(help="GTIN of the product: 8, 12, 13 or 14 digits.")],
    target: Annotated[Path, typer.Option("--out", help="Folder of this run.")],
    count: Annotated[int | None, typer.Option(min=1, help="How many codes.")] = None,
    lot: Annotated[str | None, typer.Option(help="Lot, up to 20 characters.")] = None,
    expiry: Annotated[str | None, typer.Option(help="YYYY-MM-DD or YYMMDD.")] = None,
    produced: Annotated[str | None, typer.Option(help="YYYY-MM-DD or YYMMDD.")] = None,
    issuer: Annotated[str | None, typer.Option(help="Default: the holder of the GTIN.")] = None,
    market: Annotated[
        str, typer.Option(help="Countries where it may be sold, as KR,FR; default: all.")
    ] = "",
    serials: Annotated[
        Path | None, typer.Option(help="CSV of existing serials to sign, instead of minting.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Default: the issuer's first host.")] = None,
    labels: Annotated[LabelForm | None, typer.Option(help="Make labels too.")] = None,
    label_size: Annotated[str, typer.Option(help="Width x height of a label, mm.")] = "60x30",
    sheet: Annotated[str, typer.Option(help="a4, letter, label, or WxH in mm.")] = "a4",
    margin: Annotated[float, typer.Option(min=0, help="Margin of the sheet, mm.")] = 10.0,
    gap: Annotated[float, typer.Option(min=0, help="Gap between labels, mm.")] = 2.0,
    module: Annotated[float, typer.Option(min=0.1, help="Width of a QR module, mm.")] = 0.396,
    product: Annotated[str, typer.Option(help="Product name to print on labels.")] = "",
    unreleased: Annotated[
        bool, typer.Option("--unreleased", help="Not to be sold before `batches release`.")
    ] = False,
    before_publication: Annotated[
        bool,
        typer.Option(
            "--before-publication",
            help="Sign although the trust list in force, or exported last, lacks the key.",
        ),
    ] = False,
    folder: KeysFolder = None,
    data: Annotated[Path | None, typer.Option("--data", help="Data folder of the engine.")] = None,
    passphrase_file: PassphraseFile = None,
    wait: Wait = WAIT_S,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Mint and sign codes for one batch, write its manifest, and register it.

    A run that was interrupted is continued by the same command. It ends with 0 only if the
    engine holds the batch, or if no ledger is here to ask.

    Example: touchstone issue --gtin 09520123456788 --count 1000 --lot L7
    --expiry 2028-12-31 --out batch-L7 --labels pdf
    """
    from keys.store import KeyStore
    from producers.issuing.order import Order, checked_order, holder_of, to_gtin14, to_printed_date
    from producers.issuing.serial_source import read_serials

    began = time.perf_counter()
    existing, digest = (None, None) if serials is None else read_serials(serials)
    store = KeyStore(keys_folder(folder, data))
    keyring, now, gtin14 = store.keyring(), datetime.now(UTC), to_gtin14(gtin)
    issuer_id = issuer or holder_of(gtin14, keyring, at=now)
    if issuer_id is None:
        fail(
            f"GTIN {gtin14} is under no company prefix of this key store",
            next_step="see `touchstone keys list`, or add the issuer with `keys add-issuer`",
        )
    order = Order(
        issuer=issuer_id,
        gtin=gtin14,
        count=_count(count, existing),
        host=host or keyring.issuer(issuer_id).hosts[0],
        lot=lot,
        expiry=None if expiry is None else to_printed_date(expiry),
        produced=None if produced is None else to_printed_date(produced),
        markets=tuple(sorted({part.strip() for part in market.split(",") if part.strip()})),
        released=not unreleased,
        serials_sha256=digest,
    )
    checked_order(order, keyring, at=now)
    where, key = DataFolder.find(data), keyring.issuer(issuer_id).signing_key
    standing = StandingStatements(where)
    if key is not None:  # else opening it says so
        refuse_unlisted_key(
            issuer_id, key, gtin14, standing, store.folder,
            wait_s=wait, anyway=before_publication,
        )  # fmt: skip
    layout_options = (label_size, sheet, margin, gap, module, product)
    release_labels = None if labels is None else _label_maker(order, labels, *layout_options)
    issued = _sign(order, store, target, passphrase_file, existing, silent=as_json)
    signing_seconds = time.perf_counter() - began
    printed = release_labels(issued, as_json) if release_labels else []
    problem = _registered(
        issued, where, store.folder, standing, wait_s=wait, anyway=before_publication
    )
    rate = issued.signed / signing_seconds
    seconds = time.perf_counter() - began
    _print_issued(issued, printed, seconds, rate, problem, as_json=as_json)
    if problem is not None and problem.state is not Registration.UNSEEN:
        problem.tell()


def _count(count: int | None, existing: list[str] | None) -> int:
    if existing is None:
        if count is None:
            fail("how many codes?", next_step="give --count N, or --serials FILE")
        return count
    if count not in (None, len(existing)):
        fail(
            f"--count says {count}, the file holds {len(existing)} serials",
            next_step="leave --count out",
        )
    return len(existing)


def _registered(
    issued: "Issued",
    where: DataFolder,
    keys: Path,
    standing: StandingStatements,
    *,
    wait_s: float,
    anyway: bool,
) -> "Problem | None":
    """Publish the run's statement and serial list. Why the batch does not stand with the engine
    as it was published, None if it does. Raises `LogUnavailableError`."""
    from producers.issuing.declarations import read_parts

    again = f"touchstone batches register {issued.folder}"
    found, parts = [issued.statement], partial(read_parts, issued.folder)
    try:
        refuse_what_no_engine_takes(
            found, standing, keys, wait_s=wait_s, anyway=anyway, parts=parts
        )
    except BatchError as error:
        return Problem(
            Registration.REFUSED, str(error), f"{error.next_step}; then: {again}", EXIT_WRONG_USE
        )
    register_batches(where, found, again, parts=parts())
    _, problems = what_stands(found, standing, wait_s, again, lists=True)
    return problems[-1] if problems else None


def _sign(
    order: "Order",
    store: "KeyStore",
    target: Path,
    passphrase_file: Path | None,
    existing: list[str] | None,
    *,
    silent: bool,
) -> "Issued":
    from uuid import uuid4

    from producers.issuing.issued_serials import IssuedSerials
    from producers.issuing.run import begin_or_continue
    from producers.issuing.run import issue as carry_out
    from producers.issuing.run_folder import RUN_FORMAT, Run, RunFolder

    def key_in(slot: int | None) -> "SigningKey":
        return _signing_key(store, order.issuer, passphrase_file, slot=slot)

    def new_run() -> Run:
        key = key_in(None)
        thumbprint, now = key.public_key.thumbprint, datetime.now(UTC)
        return Run(RUN_FORMAT, order, uuid4().hex, key.key_slot, thumbprint, now)

    with RunFolder(target).opened():
        files, run = begin_or_continue(target, order, new_run=new_run)
        with progress(order.count, "signing", silent=silent) as on_progress:
            return carry_out(
                files,
                run,
                key_in(run.key_slot),
                on_record=IssuedSerials(store.folder),
                clock=lambda: datetime.now(UTC),
                workers=os.cpu_count() or 1,
                serials=existing,
                on_progress=on_progress,
            )


def _signing_key(
    store: "KeyStore", issuer: str, passphrase_file: Path | None, *, slot: int | None
) -> "SigningKey":
    """Opened once here, so that a wrong passphrase is told before anything is written."""
    from producers.issuing.run import SigningKey

    passphrase = obtain_passphrase(passphrase_file)
    file = store.key_file(issuer, passphrase=passphrase, at=datetime.now(UTC), slot=slot)
    public_key = file.open().public_key
    return SigningKey(file, file.key_slot, public_key, store.keyring().issuer(issuer).name)


def _print_issued(
    issued: "Issued",
    printed: list[str],
    seconds: float,
    rate: float,
    problem: "Problem | None",
    *,
    as_json: bool,
) -> None:
    if as_json:
        print_json(_issued_facts(issued, printed, seconds, rate, problem))
        return
    header, batch = issued.header, issued.batch
    csv, parquet = _manifests(issued)
    out.print(
        f"issued {header.count:,} codes for GTIN {header.gtin} in {seconds:.1f} s "
        f"({rate:,.0f} signed a second, key slot {header.key_slot})",
    )
    out.print(f"  manifest  {csv}")
    out.print(f"            {parquet}")
    for path in printed:
        out.print(f"  labels    {path}")
    state = "released" if batch.released_at else "not to be sold before `batches release`"
    registration = _SAID[problem.state if problem else Registration.REGISTERED]
    out.print(f"  batch     {batch.issuer} {batch.batch_id}, {registration}, {state}")
    if batch.parts:
        out.print(f"            its list of serials in {batch.parts:,} parts")
    elif batch.serials is None:
        out.print(
            "            without a list of its serials, as version 0.1.0 issued it: "
            f"touchstone batches register {issued.folder} makes one",
        )


def _issued_facts(
    issued: "Issued", printed: list[str], seconds: float, rate: float, problem: "Problem | None"
) -> dict[str, object]:
    header, batch = issued.header, issued.batch
    csv, parquet = _manifests(issued)
    return {
        "issuer": header.issuer,
        "gtin": header.gtin,
        "lot": header.lot,
        "count": header.count,
        "signed_now": issued.signed,
        "key_slot": header.key_slot,
        "batch_id": header.batch_id,
        "released": batch.released_at is not None,
        "registration": problem.state if problem else Registration.REGISTERED,
        "registration_problem": problem and problem.reason,
        "serial_filter": batch.serials is not None,
        "serial_parts": batch.parts,
        "manifest_csv": str(csv),
        "manifest_parquet": str(parquet),
        "manifest_sha256": header.manifest_sha256,
        "labels": printed,
        "seconds": round(seconds, 3),
        "codes_per_second": round(rate, 1),
    }


def _manifests(issued: "Issued") -> tuple[Path, Path]:
    """As CSV and as Parquet."""
    return issued.folder / "manifest.csv", issued.folder / "manifest.parquet"


def _label_maker(
    order: "Order",
    form: LabelForm,
    label_size: str,
    sheet: str,
    margin_mm: float,
    gap_mm: float,
    module_mm: float,
    product: str,
) -> "Callable[[Issued, bool], list[str]]":
    """Read the layout options at once, so that a wrong one is refused before signing."""
    from producers.issuing.order import sample_uri
    from producers.labels.layout import layout_of
    from producers.labels.sheets import refuse_if_too_small

    layout = layout_of(label_size, sheet, margin_mm, gap_mm, module_mm, product)
    if form is LabelForm.PDF:
        refuse_if_too_small(layout, sample_uri(order))

    def make(issued: "Issued", silent: bool) -> list[str]:
        from producers.labels.release import release_sheets, release_symbols

        cores, folder = os.cpu_count() or 1, issued.folder
        with progress(issued.header.count, "labels", silent=silent) as on_progress:
            if form is LabelForm.PDF:
                paths = release_sheets(folder, layout, workers=cores, on_progress=on_progress)
                return [str(path) for path in paths]
            path = release_symbols(
                folder, form.value, layout, workers=cores, on_progress=on_progress
            )
            return [str(path)]

    return make
