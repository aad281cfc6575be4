"""`touchstone scan`: read codes and publish what was read."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from authenticity.records.scan import COMMAND_LINE, REFUSALS, Act, Channel, RefusalGround
from cli.support.console import EXIT_BAD_ANSWER, err, fail, out, print_json
from cli.support.data import DataFolder
from cli.support.instants import parse_instant
from cli.support.open_ledger import ledger_is_there
from cli.support.publishing import open_publisher

REFUSED = "refused"

if TYPE_CHECKING:
    from authenticity.records.place import Place
    from authenticity.trust.trust_list import TrustList
    from authenticity.trust.verdict import Verdict
    from producers.scanner.scanning import Circumstances, Reading, Send, Verifier


def register(app: typer.Typer) -> None:
    """Add `scan`."""
    app.command()(scan)


def scan(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="CODE|IMAGE|FILE...",
            help="A code; an image with codes; a file with one code, or one Scan (JSON), "
            "a line; - for standard input.",
            show_default=False,
        ),
    ],
    channel: Annotated[
        Channel | None,
        typer.Option(
            "--channel",
            help="Whose reading it is; default: a consumer's, or as the token's role scans.",
        ),
    ] = None,
    publisher: Annotated[
        str, typer.Option("--publisher", help="Who publishes; scan ids are unique within it.")
    ] = COMMAND_LINE,
    session: Annotated[
        str | None, typer.Option("--session", help="Default: one for this command.")
    ] = None,
    act: Annotated[
        Act | None, typer.Option("--act", help="What is done with the item; not by consumers.")
    ] = None,
    refused_for: Annotated[
        RefusalGround | None,
        typer.Option("--refused-for", help="Why it is refused; with an --act that refuses it."),
    ] = None,
    place: Annotated[
        str | None,
        typer.Option("--place", metavar="LAT,LON[,KM]", help="Where, and within what radius."),
    ] = None,
    country: Annotated[
        str | None, typer.Option("--country", help="ISO 3166-1, as KR; with --place.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="When it was read; default: now.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Data folder whose event log to append to; Kafka if TOUCHSTONE_KAFKA is set.",
        ),
    ] = None,
    api: Annotated[
        str | None, typer.Option("--api", help="URL of a service to send to, instead.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            envvar="TOUCHSTONE_TOKEN",
            help="Bearer token for --api; arguments can be seen by others here, the variable not.",
        ),
    ] = None,
    trust_list: Annotated[
        Path | None, typer.Option("--trust-list", help="Say what each code alone proves.")
    ] = None,
    roots: Annotated[
        Path | None, typer.Option("--roots", help="Pinned root keys of the trust list.")
    ] = None,
    allow_older_list: Annotated[
        bool,
        typer.Option(
            "--allow-older-list", help="Believe a list older than the newest you were handed."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each code, one a line.")
    ] = False,
) -> None:
    """Read codes, say what each proves, and publish the scans.

    Scans are published when the event log, or the service, has acknowledged
    them. A file of recorded scans (as [bold]touchstone simulate[/] writes)
    is published as it is.

    Example: [bold]touchstone scan shelf.jpg --channel customs --act detain
    --refused-for documents --place 51.95,4.14[/]

    Exit code 0 if everything was published, 1 if an input was refused.
    """
    from uuid import uuid4

    from producers.scanner.scan_input import read_inputs
    from producers.scanner.scanning import Circumstances, readings_of

    by = Circumstances(
        publisher=publisher,
        channel=channel or Channel.CONSUMER,
        authorised=token is not None if api else channel not in (None, Channel.CONSUMER),
        session=session or uuid4().hex,
        place=_place(place, country),
        act=act,
        refused_for=refused_for,
    )
    _refuse_claims(by, api, token)
    where = DataFolder.find(data)
    with ExitStack() as stack:
        readings = readings_of(
            read_inputs(inputs),
            by,
            clock=lambda: datetime.now(UTC),
            new_id=lambda: uuid4().hex,
            captured_at=None if at is None else parse_instant(at, option="--at"),
            verify=_verifier(
                trust_list, roots, None if api else where, allow_older=allow_older_list
            ),
        )
        tell_channel = channel is not None
        send = _to_service(api, token, stack, tell_channel) if api else _to_log(where, stack)
        advance = stack.enter_context(_running_count())
        counts: Counter[str] = Counter()
        for reading in send(readings):
            counts[_outcome(reading)] += 1
            advance()
            if as_json:
                print_json(_facts(reading))
            elif reading.raw is None:
                _print_reading(reading)
    if not as_json and counts.total() > 1:
        err.print(", ".join(f"{number:,} {outcome}" for outcome, number in counts.most_common()))
    if counts[REFUSED]:
        raise typer.Exit(EXIT_BAD_ANSWER)


def _to_log(where: DataFolder, stack: ExitStack) -> "Send":
    from producers.scanner.scanning import sending_to_log

    publisher = open_publisher(where)
    stack.callback(publisher.close)
    return sending_to_log(publisher)


def _refuse_claims(by: "Circumstances", api: str | None, token: str | None) -> None:
    """What the service would refuse, or nobody would believe, is not sent."""
    if api and token is None and (by.act is not None or by.channel is not Channel.CONSUMER):
        fail(
            "a service takes acts, and channels but consumer, with a token alone",
            next_step="set TOUCHSTONE_TOKEN, or leave out --act and --channel",
        )
    if by.act is not None and not by.authorised:
        fail("a consumer's scan carries no act", next_step="say whose it is with --channel")
    if by.refused_for is not None and by.act not in REFUSALS:
        acts = " or ".join(sorted(REFUSALS))
        fail("--refused-for needs an act that refuses the item", next_step=f"give --act {acts}")


def _to_service(url: str, token: str | None, stack: ExitStack, tell_channel: bool) -> "Send":
    from producers.scanner.scanning import sending_to_service
    from producers.scanner.service_client import ScanService

    service = ScanService(url, token)
    stack.callback(service.close)
    return sending_to_service(service, tell_channel=tell_channel)


def _outcome(reading: "Reading") -> str:
    from authenticity.trust.verdict import Doubtful, Genuine

    if reading.error is not None:
        return REFUSED
    if isinstance(reading.verdict, Genuine):
        return "published, genuine"
    if isinstance(reading.verdict, Doubtful):
        return f"published, {reading.verdict.doubt}"
    return "published"


def _facts(reading: "Reading") -> dict[str, object]:
    from authenticity.trust.verdict import Doubtful

    verdict, scan, error = reading.verdict, reading.scan, reading.error
    return {
        "origin": reading.origin,
        "published": error is None,
        "scan_id": scan.scan_id if scan else None,
        "item": verdict.item if verdict else None,
        "verdict": type(verdict).__name__ if verdict else None,
        "doubt": verdict.doubt if isinstance(verdict, Doubtful) else None,
        "error": str(error) if error else None,
        "next_step": error.next_step if error else None,
        "answer": reading.answer,
    }


def _print_reading(reading: "Reading") -> None:
    from authenticity.trust.verdict import Doubtful, Genuine

    verdict, scan = reading.verdict, reading.scan
    if reading.error is not None:
        err.print("refused    ", style="bold red", end="")
        err.print(f"{reading.origin}: {reading.error}")
        if reading.error.next_step:
            err.print(f"           {reading.error.next_step}")
        return
    label, style, rest = "published", "", scan.code[:120] if scan else ""
    if isinstance(verdict, Genuine):
        label, style = "genuine  ", "green"
        rest = f"{verdict.item}, issued by {verdict.issuer_name}"
    elif isinstance(verdict, Doubtful):
        label, style = str(verdict.doubt), "red"
        rest = f"{verdict.item or rest}: {verdict.detail}"
    elif reading.answer is not None:
        label, style = str(reading.answer.get("standing")), "bold"
        rest = str(reading.answer.get("item") or rest)
    out.print(label, style=style, end="  ")
    out.print(rest)
    for line in _advice(reading.answer or {}):
        out.print(f"           {line}")


def _advice(answer: dict[str, Any]) -> Iterator[str]:
    """What the service tells this scanner: the advice, and for a role findings with reasons."""
    advice = answer.get("advice") or {}
    if advice.get("title"):
        yield f"{advice['title']}. {advice.get('text', '')}"
    yield from (f"- {step}" for step in advice.get("steps", ()))
    for finding in (*answer.get("findings", ()), *answer.get("findings_of_batch", ())):
        if words := finding.get("words"):
            likely = f", {words['likelihood']}" if words["likelihood"] else ""
            yield f"{words['title']}{likely}"
            yield from (f"  {reason}" for reason in words["reasons"])


def _verifier(
    trust_list: Path | None, roots: Path | None, where: DataFolder | None, *, allow_older: bool
) -> "Verifier | None":
    """What codes prove under the given trust list, or the newest that the engine accepted."""
    from authenticity.trust.verify import verify

    now = datetime.now(UTC)
    listed: TrustList | None = None
    if trust_list is not None:
        from cli.support.trust_list import load_trust_list

        listed = load_trust_list(trust_list, roots, now, allow_older=allow_older)
    elif where is not None and ledger_is_there(where) and where.roots.exists():
        listed = _list_of_engine(where, now, allow_older=allow_older)
    if listed is None:
        return None
    known = listed

    def verify_under_it(code: str, at: datetime) -> "Verdict":
        return verify(code, known, at)

    return verify_under_it


def _list_of_engine(where: DataFolder, now: datetime, *, allow_older: bool) -> "TrustList | None":
    """The list of the data folder, or database, which may have been away from the network."""
    import asyncio

    from authenticity.trust.trust_list import read_trust_list
    from cli.support.lists_seen import refuse_older
    from cli.support.trust_list import load_roots
    from ledger.opening import open_reader

    async def newest() -> bytes | None:
        where.make_databases_private()
        reader = open_reader(where.ledger)
        try:
            return await reader.trust_list()
        finally:
            await reader.close()

    document = asyncio.run(newest())
    if document is None:
        return None
    roots = load_roots(where)
    trust_list = read_trust_list(document, roots, at=now)
    publish = "publish the newest list there: touchstone trust publish FILE"
    refuse_older(trust_list, roots, allow=allow_older, renew=publish)
    return trust_list


@contextmanager
def _running_count() -> "Iterator[Callable[[], None]]":
    """A running count on stderr, if somebody is watching it."""
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,} scans"))
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda: bar.advance(task)


def _place(text: str | None, country: str | None) -> "Place | None":
    """`LAT,LON[,KM]`: declared by whoever scans, one kilometre unless said otherwise."""
    import msgspec

    from authenticity.records.countries import known_country
    from authenticity.records.place import Place

    if text is None:
        if country is not None:
            fail("a country alone is no place", next_step="give --place too")
        return None
    example = "write it as 51.95,4.14 or 51.95,4.14,0.5"
    try:
        numbers = [float(part) for part in text.split(",")]
        lat, lon, accuracy_km = [*numbers, 1.0] if len(numbers) == 2 else numbers
    except ValueError:
        fail(f"--place {text} is not latitude, longitude and radius in km", next_step=example)
    fields = {"lat": lat, "lon": lon, "accuracy_km": accuracy_km}
    if country is not None:
        known_country(country)
    try:
        return msgspec.convert(fields | {"source": "declared", "country": country}, Place)
    except (ValueError, msgspec.ValidationError) as error:
        fail(f"--place {text}: {error}", next_step=example)
