"""`touchstone verify`: what a code alone proves, without a network."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.support.console import EXIT_BAD_ANSWER, out, print_json
from cli.support.input_lines import lines_of
from cli.support.instants import parse_instant

if TYPE_CHECKING:
    from authenticity.trust.trust_list import TrustList
    from authenticity.trust.verdict import Verdict


def register(app: typer.Typer) -> None:
    """Add `verify`."""
    app.command()(verify)


def verify(
    code: Annotated[
        str,
        typer.Argument(metavar="CODE", help="The code, or - for one code a line on stdin."),
    ],
    trust_list: Annotated[
        Path, typer.Option(help="The signed trust list.", metavar="FILE", dir_okay=False)
    ],
    roots: Annotated[
        Path | None,
        typer.Option(
            help="The pinned root keys. Without it: NAME.roots.json or roots.json beside the"
            " trust list, else the file that TOUCHSTONE_ROOTS names.",
            metavar="FILE",
            dir_okay=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="When the code was read, with its offset from UTC. Default: now.", metavar="TIME"
        ),
    ] = None,
    allow_older_list: Annotated[
        bool,
        typer.Option(
            "--allow-older-list", help="Believe a list older than the newest you were handed."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object instead of a sentence.")
    ] = False,
) -> None:
    """Check a code offline against a trust list: who signed it, and might they?

    A genuine answer proves that the code was issued, not that the item in the hand
    is the one it was issued for: a copied code is as genuine as the first.

    The newest list that these root keys signed is remembered in XDG_STATE_HOME
    (~/.local/state); an older one is refused.

    With - (one JSON line for every line of stdin, in order) and with --json, prints
    the keys verdict (Genuine or Doubtful), doubt (null or the reason), item, issuer,
    issuer_name, lot, expiry, notes, detail, offset, key_slot, provisional,
    revoked_at, at and trust_list_version.

    Ends with 0 if every code is genuine, 1 if any is doubtful, 2 for wrong use (a
    trust list that must not be believed, a time that is none).

    Example: touchstone verify "https://id.maker.example/01/…" --trust-list trust-list.jws

    Example: touchstone verify - --trust-list scans.trust.json --at 2026-11-24T09:00:00Z < codes
    """
    from authenticity.trust.verdict import Doubtful
    from authenticity.trust.verify import verify as verify_code
    from cli.support.trust_list import load_trust_list

    now = datetime.now(UTC)
    moment = now if at is None else parse_instant(at, option="--at")
    # A list that was already out when the code was read is none from the future.
    listed = load_trust_list(trust_list, roots, max(moment, now), allow_older=allow_older_list)
    doubtful = False
    for text in _texts(code):
        verdict = verify_code(text, listed, moment)
        doubtful |= isinstance(verdict, Doubtful)
        if as_json or code == "-":
            print_json(describe(verdict, listed, moment))
        else:
            out.print(sentence(verdict))
    if doubtful:
        raise typer.Exit(EXIT_BAD_ANSWER)


def _texts(code: str) -> Iterator[str]:
    if code != "-":
        yield code
        return
    for line in lines_of(sys.stdin.buffer):
        yield line.decode("utf-8", "surrogateescape")  # no code holds such a character


def describe(verdict: "Verdict", trust_list: "TrustList", at: datetime) -> dict[str, Any]:
    """The documented keys, the same for every verdict."""
    from authenticity.trust.verdict import Genuine

    genuine = isinstance(verdict, Genuine)
    return {
        "verdict": "Genuine" if genuine else "Doubtful",
        "doubt": getattr(verdict, "doubt", None),
        "item": verdict.item,
        "issuer": verdict.issuer,
        "issuer_name": verdict.issuer_name,
        "lot": verdict.lot,
        "expiry": verdict.expiry,
        "notes": verdict.notes,
        "detail": getattr(verdict, "detail", ""),
        "offset": getattr(verdict, "offset", None),
        "key_slot": getattr(verdict, "key_slot", None),
        "provisional": getattr(verdict, "provisional", False),
        "revoked_at": getattr(verdict, "revoked_at", None),
        "at": at,
        "trust_list_version": trust_list.version,
    }


def sentence(verdict: "Verdict") -> str:
    """One clear sentence, and no claim beyond what was proven."""
    from authenticity.trust.verdict import Genuine, Note

    notes = {
        Note.LOOKALIKE_HOST: "its web address is not one of the issuer's",
        Note.EXPIRED: "its printed expiry date has passed",
    }
    remarks = "".join(f"; note: {notes[note]}" for note in verdict.notes)
    if isinstance(verdict, Genuine):
        fields = [f"lot {verdict.lot}" if verdict.lot else "", _expiry(verdict.expiry)]
        batch = "".join(f", {field}" for field in fields if field)
        provisional = " (provisional: the trust list has ended)" if verdict.provisional else ""
        return (
            f"Genuine code from {verdict.issuer_name}{provisional}: {verdict.item}{batch}{remarks}."
        )
    where = "" if verdict.offset is None else f" (at character {verdict.offset + 1})"
    return f"Doubtful, {verdict.doubt}: {verdict.detail}{where}{remarks}."


def _expiry(yymmdd: str | None) -> str:
    return f"expiry {yymmdd} (YYMMDD)" if yymmdd else ""
