"""`touchstone tokens`: the bearer tokens of the service, their roles and limits."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from authenticity.gs1.item import scanner_entity
from authenticity.history.observation import actor_hash
from authenticity.records.scan import COMMAND_LINE, PUBLIC_PAGE
from cli.support.console import err, fail, folded, out, print_json, whole
from cli.support.data import DataFolder
from cli.support.escaping import visible
from cli.support.open_ledger import ledger_is_there, open_administration
from ledger.records import Role, TokenRecord

Data = Annotated[Path | None, typer.Option(help="Data folder of the installation.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]

_OTHERS_NAMES = {
    PUBLIC_PAGE: "the public page",
    COMMAND_LINE: "whoever runs `touchstone scan`",
}

tokens_app = typer.Typer(help="Bearer tokens of the service.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add `tokens`."""
    app.add_typer(tokens_app, name="tokens")


@tokens_app.command()
def create(
    name: Annotated[
        str, typer.Option(help="Whose it is; scans made with it carry this as publisher.")
    ],
    role: Annotated[
        Role | None, typer.Option(help="What it allows; each token but a gateway's has one.")
    ] = None,
    prefix: Annotated[
        list[str] | None,
        typer.Option(help="GS1 company prefix it is limited to; repeatable."),
    ] = None,
    expires: Annotated[int, typer.Option(help="Days it is valid.", min=1, max=3_650)] = 90,
    gateway: Annotated[
        bool,
        typer.Option(
            "--gateway",
            help="Sends the scans of its users and passes their networks, and nothing else: "
            "a maker's app, a national system.",
        ),
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a token and show it, this once: only its hash is kept.

    Example: [bold]touchstone tokens create --role officer --name port-busan-3[/]
    """
    _check(role, name, prefix or [], gateway=gateway)
    expires_at = datetime.now(UTC) + timedelta(days=expires)
    prefixes = tuple(prefix) if prefix else None
    with open_administration(DataFolder.find(data), make=True) as administration:
        _refuse_the_others_name(administration.tokens(), name, gateway=gateway)
        text, record = administration.create_token(role, name, prefixes, expires_at)
    if as_json:
        print_json({"token": text, **_facts(record)})
        return
    err.print(f"token {record.id} for {name}, valid until {expires_at:%Y-%m-%d}; keep it secret:")
    out.print(text)


@tokens_app.command("list")
def list_tokens(data: Data = None, as_json: Json = False) -> None:
    """Show all tokens, without their secrets. Alerts about a known scanner, or about a custody
    leg of which it is the custodian, name it by the digits under `scanner`.

    Example: [bold]touchstone tokens list[/]
    """
    folder = DataFolder.find(data)
    with open_administration(folder, make=ledger_is_there(folder)) as administration:
        records = administration.tokens()
    if as_json:
        print_json([_facts(record) for record in records])
        return
    others = folded("role", "name", "scanner", "prefixes", "gateway", "expires", "state")
    table = Table(whole("id"), *others, box=None)
    for record in records:
        table.add_row(
            record.id, record.role or "–", record.name, f"{actor_hash(record.name):08x}",
            _prefixes(record), "yes" if record.gateway else "",
            f"{record.expires_at:%Y-%m-%d}", _state(record),
        )  # fmt: skip
    out.print(table)


@tokens_app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(help="As list shows it.")], data: Data = None
) -> None:
    """End a token; the service refuses it within seconds.

    Example: [bold]touchstone tokens revoke 3f9c1a2b7d10[/]
    """
    with open_administration(DataFolder.find(data)) as administration:
        found = administration.revoke_token(token_id)
    if not found:
        fail(f"there is no token {token_id}", next_step="touchstone tokens list")
    out.print(f"revoked {token_id}")


def _prefixes(record: TokenRecord) -> str:
    return "–" if record.gateway else ", ".join(record.prefixes or ("all",))


def _check(role: Role | None, name: str, prefixes: list[str], *, gateway: bool) -> None:
    if gateway and (role is not None or prefixes):
        fail("the token of a gateway has no role and no company prefixes: it reads nothing, "
             "and its users are consumers",
             next_step="leave out --role and --prefix; make a second token with them")  # fmt: skip
    if not gateway and role is None:
        fail("a token has a role, or is a gateway's",
             next_step=f"give --role {' | '.join(Role)}, or --gateway")  # fmt: skip
    if not name.strip() or len(name) > 64:
        fail("a name has 1 to 64 characters", next_step="give --name NAME")
    if name in _OTHERS_NAMES:
        fail(f"{name} is the name of {_OTHERS_NAMES[name]}: its scans would count as this one's",
             next_step="choose another name")  # fmt: skip
    if (shown := visible(name)) != name:
        fail(f"the name {shown} has characters that are not seen, or that a terminal obeys",
             next_step="leave them out: the name is the publisher of its scans")  # fmt: skip
    if name != " ".join(name.split()):
        fail(f"the name {name!a} has a blank at an end, two that follow each other, or one "
             "that is not the usual one: it looks like another name",
             next_step="write it with single blanks between its words")  # fmt: skip
    if bad := [p for p in prefixes if not (p.isascii() and p.isdigit() and 4 <= len(p) <= 12)]:
        fail(f"{bad[0]!r} is no GS1 company prefix", next_step="give 4 to 12 digits")
    if role in (Role.RIGHTS_HOLDER, Role.ISSUER) and not prefixes:
        fail(f"a token for the role {role} is limited to company prefixes",
             next_step="add --prefix DIGITS")  # fmt: skip


def _refuse_the_others_name(known: list[TokenRecord], name: str, *, gateway: bool) -> None:
    """One name is one publisher and one allowance: of a gateway's users, or of a scanner."""
    if any(each.name == name and each.gateway is not gateway for each in known):
        whose = "a known scanner" if gateway else "a gateway"
        fail(f"{name} is the name of {whose} already: its scans would count as this one's",
             next_step="choose another name")  # fmt: skip


def _facts(record: TokenRecord) -> dict[str, object]:
    """`gateway` is there where it is true, and `role` is null then."""
    return {
        "id": record.id, "role": record.role, "name": record.name,
        "scanner": scanner_entity(actor_hash(record.name), known=True),
        "prefixes": record.prefixes, "created_at": record.created_at,
        "expires_at": record.expires_at, "revoked_at": record.revoked_at,
        **({"gateway": True} if record.gateway else {}),
    }  # fmt: skip


def _state(record: TokenRecord) -> str:
    if record.revoked_at:
        return "revoked"
    return "expired" if record.expires_at < datetime.now(UTC) else "valid"
