"""`touchstone keys`: make, rotate and revoke keys, and publish who may sign for what."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.support.console import EXIT_BAD_ANSWER, err, out, print_json, warn
from cli.support.instants import parse_instant
from cli.support.passphrase import KeysFolder, PassphraseFile, keys_folder, obtain_passphrase

if TYPE_CHECKING:
    from authenticity.trust.signature_field import Algorithm

keys = typer.Typer(
    no_args_is_help=True,
    help="Make, rotate and revoke keys, and publish who may sign for what.",
    epilog="""Start with: touchstone keys init, then
    touchstone keys add-issuer "Maker AG" --id maker --prefix 9520123 --host id.maker.example""",
)


class KeyKind(StrEnum):
    """How the key signs: the names of `authenticity.trust.signature_field` for the command line."""

    ED25519 = "ed25519"
    P256 = "p256"


Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Kind = Annotated[
    KeyKind, typer.Option("--algorithm", help="ed25519, or p256 for HSMs and smart cards.")
]
Years = Annotated[
    float, typer.Option("--valid-years", min=0.01, max=50, help="How long codes stay valid.")
]


def register(app: typer.Typer) -> None:
    """Add `keys`."""
    app.add_typer(keys, name="keys")


@keys.command()
def init(
    roots: Annotated[int, typer.Option(help="How many root keys to make.")] = 1,
    threshold: Annotated[int, typer.Option(help="How many of them must sign a trust list.")] = 1,
    algorithm: Kind = KeyKind.ED25519,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Make a key store with its root keys.

    Example: touchstone keys init --roots 3 --threshold 2
    """
    from keys.store import ROOTS_FILE, create_store

    passphrase = obtain_passphrase(passphrase_file, new=True)
    store = create_store(
        keys_folder(folder),
        passphrase=passphrase,
        at=datetime.now(UTC),
        root_count=roots,
        threshold=threshold,
        algorithm=_algorithm(algorithm),
    )
    keyring = store.keyring()
    kids = [root.kid for root in keyring.roots]
    facts = {"keys": str(store.folder), "threshold": threshold, "roots": kids}
    _print_done(
        as_json,
        facts,
        f"made {roots} root key(s) in {store.folder}; verifiers pin {ROOTS_FILE} of it",
    )


@keys.command("add-issuer")
def add_issuer(
    name: Annotated[str, typer.Argument(help="The company's name, as people shall read it.")],
    issuer_id: Annotated[str, typer.Option("--id", help="Short id, as in `maker`.")],
    prefix: Annotated[list[str], typer.Option(help="GS1 Company Prefix, 4–12 digits; repeatable.")],
    host: Annotated[list[str], typer.Option(help="Host that its codes carry; repeatable.")],
    algorithm: Kind = KeyKind.ED25519,
    valid_years: Years = 10,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Add a company that may sign for the GTINs under its prefixes.

    Example: touchstone keys add-issuer "Maker AG" --id maker --prefix 9520123
    --host id.maker.example
    """
    from keys.inspection import issuer_facts
    from keys.store import KeyStore

    now = datetime.now(UTC)
    issuer = KeyStore(keys_folder(folder)).add_issuer(
        name,
        issuer_id=issuer_id,
        company_prefixes=prefix,
        hosts=host,
        passphrase=obtain_passphrase(passphrase_file, new=True),
        at=now,
        algorithm=_algorithm(algorithm),
        life=timedelta(days=365.25 * valid_years),
    )
    _print_done(
        as_json,
        issuer_facts(issuer, now),
        f"added {issuer.id}: {name}, prefixes {', '.join(prefix)}, key in slot 0; "
        "it is trusted once you export a trust list",
    )


@keys.command()
def rotate(
    issuer: Annotated[str, typer.Argument(help="Id of the issuer.")],
    algorithm: Annotated[KeyKind | None, typer.Option(help="Default: as before.")] = None,
    valid_years: Years = 10,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Let a new key sign from now on. Codes signed with the old one stay valid.

    Example: touchstone keys rotate maker
    """
    from keys.inspection import issuer_facts
    from keys.store import KeyStore

    now = datetime.now(UTC)
    store = KeyStore(keys_folder(folder))
    passphrase = obtain_passphrase(passphrase_file, new=True)
    if store.is_locked_otherwise(issuer, passphrase):
        warn(
            f"the key that {issuer} signs with now does not open with this passphrase",
            next_step="keep both: whatever signs from now on needs the one that was just given",
        )
    key = store.rotate(
        issuer,
        passphrase=passphrase,
        at=now,
        algorithm=None if algorithm is None else _algorithm(algorithm),
        life=timedelta(days=365.25 * valid_years),
    )
    facts = issuer_facts(store.keyring().issuer(issuer), now)
    _print_done(
        as_json, facts, f"{issuer} signs with slot {key.slot} from now on; export a new trust list"
    )


@keys.command()
def revoke(
    issuer: Annotated[str, typer.Argument(help="Id of the issuer.")],
    slot: Annotated[int, typer.Option(help="Slot of the key (see `keys list`).")],
    reason: Annotated[str, typer.Option(help="Why; it is published.")],
    at: Annotated[
        str | None, typer.Option(help="Since when it cannot be trusted; default: now.")
    ] = None,
    folder: KeysFolder = None,
    as_json: Json = False,
) -> None:
    """Withdraw trust from a key, for ever. Batches registered before stay genuine.

    Example: touchstone keys revoke maker --slot 0 --reason "laptop stolen"
    --at 2026-11-20T00:00:00Z
    """
    from keys.inspection import issuer_facts
    from keys.store import KeyStore

    now = datetime.now(UTC)
    moment = now if at is None else parse_instant(at, option="--at")
    store = KeyStore(keys_folder(folder))
    key = store.revoke(issuer, slot, reason=reason, revoked_at=moment, at=now)
    facts = issuer_facts(store.keyring().issuer(issuer), now)
    _print_done(
        as_json,
        facts,
        f"slot {slot} of {issuer} is revoked as of {key.revoked_at:%Y-%m-%d %H:%M} UTC; "
        "export a new trust list now",
    )


@keys.command("list")
def list_keys(folder: KeysFolder = None, as_json: Json = False) -> None:
    """Show issuers, their prefixes and keys. Needs no passphrase."""
    from keys.inspection import issuer_facts
    from keys.store import KeyStore

    now = datetime.now(UTC)
    keyring = KeyStore(keys_folder(folder)).keyring()
    issuers = [issuer_facts(issuer, now) for issuer in keyring.issuers]
    if as_json:
        print_json(
            {
                "trust_list_version": keyring.trust_list_version,
                "threshold": keyring.threshold,
                "roots": [root.kid for root in keyring.roots],
                "issuers": issuers,
            }
        )
        return
    from rich.table import Table

    table = Table("issuer", "name", "prefixes", "slot", "algorithm", "state", "until")
    for record in keyring.issuers:
        prefixes = ", ".join(record.company_prefixes)
        for key in record.keys:
            until = f"{key.not_after:%Y-%m-%d}"
            state = key.state_at(now)
            table.add_row(record.id, record.name, prefixes, str(key.slot), key.kind, state, until)
    out.print(table)


@keys.command("export-trust-list")
def export_trust_list(
    target: Annotated[Path, typer.Option("--out", help="Where to write the signed list.")],
    valid_days: Annotated[int, typer.Option(min=1, max=3650, help="Days until it expires.")] = 90,
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Sign the list of issuers and keys that verifiers trust. Its version grows by one.

    The roots that a verifier pins are written beside it as roots.json, unless a
    file of that name is there already.

    Example: touchstone keys export-trust-list --out trust.jws
    """
    from authenticity.trust.jws import encode_roots
    from keys.durable_files import write_durably
    from keys.store import ROOTS_FILE, KeyStore

    store = KeyStore(keys_folder(folder))
    passphrase = obtain_passphrase(passphrase_file)
    life = timedelta(days=valid_days)
    export = store.export_trust_list(passphrase=passphrase, at=datetime.now(UTC), valid_for=life)
    target.parent.mkdir(parents=True, exist_ok=True)
    roots = encode_roots(store.roots())
    pinned = target.parent / ROOTS_FILE
    if not pinned.exists():
        write_durably(pinned, roots, mode=0o644)
    elif pinned.read_bytes() != roots:
        err.print(f"{pinned} pins other roots and was left alone", style="yellow")
    write_durably(target, export.document, mode=0o644)
    trust_list = export.trust_list
    facts = {
        "path": str(target),
        "roots": str(pinned),
        "version": trust_list.version,
        "issued_at": trust_list.issued_at,
        "expires_at": trust_list.expires_at,
        "issuers": len(trust_list.issuers),
        "signed_by": export.signed_by,
    }
    until = f"{trust_list.expires_at:%Y-%m-%d}"
    _print_done(
        as_json, facts, f"wrote {target}: trust list {trust_list.version}, good until {until}"
    )


@keys.command()
def check(
    folder: KeysFolder = None,
    passphrase_file: PassphraseFile = None,
    public_only: Annotated[
        bool, typer.Option("--public-only", help="Do not open the private keys.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look for exposed files, keys that do not match, and dates that end soon.

    Exit 0 if nothing is wrong or only warnings were found, 1 for an error.
    """
    from keys.inspection import Severity, inspect_store
    from keys.store import KeyStore

    passphrase = None if public_only else obtain_passphrase(passphrase_file)
    store = KeyStore(keys_folder(folder))
    found = inspect_store(store, at=datetime.now(UTC), passphrase=passphrase)
    sound = all(complaint.severity is Severity.WARNING for complaint in found)
    if as_json:
        print_json({"sound": sound, "complaints": found})
    else:
        for complaint in found:
            out.print(f"{complaint.severity}: {complaint.message}")
            out.print(f"  next: {complaint.next_step}")
        if not found:
            out.print(f"{store.folder}: all is well")
    if not sound:
        raise typer.Exit(EXIT_BAD_ANSWER)


def _algorithm(kind: KeyKind) -> "Algorithm":
    from authenticity.trust.signature_field import Algorithm

    return next(each for each in Algorithm if each.names.command_line == kind)


def _print_done(as_json: bool, facts: object, sentence: str) -> None:
    if as_json:
        print_json(facts)
    else:
        out.print(sentence)
