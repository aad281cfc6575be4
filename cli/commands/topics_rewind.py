"""`touchstone topics rewind`: let the workers read again, as after a restored ledger."""

import contextlib
from datetime import UTC, datetime
from typing import Annotated

import typer

from authenticity.errors import ConfigurationError
from cli.commands.topics import topics_app
from cli.support.console import out, print_json
from cli.support.data import DataFolder


def register(_: typer.Typer) -> None:
    """Add `topics rewind`."""
    topics_app.command()(rewind)


def rewind(
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="Scans published since then; default: all."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON value on stdout.")] = False,
) -> None:
    """Have the workers read records again that they have acknowledged.

    For a ledger that was restored from a backup, or a standby that lost the last
    commits: give a time from before the backup began. Batches and trust lists are
    read from their beginning. Nothing counts twice, whatever is read again. All
    workers must be stopped.

    Example: [bold]touchstone topics rewind --to 2026-11-23T09:00:00Z[/]
    """
    from events.kafka.rewind import rewind as set_back
    from events.topics import BATCHES, SCANS, TRUST
    from stream.sources.faust.settings import GROUP

    since = _moment(to)
    kafka = DataFolder.find(None).kafka
    if kafka is None:
        raise ConfigurationError(
            "no Kafka cluster is named", next_step="set TOUCHSTONE_KAFKA=host:port,host:port"
        )
    done = set_back(kafka, GROUP, [SCANS], since) + set_back(kafka, GROUP, [BATCHES, TRUST], None)
    if as_json:
        print_json({one.topic: one.records for one in done})
        return
    for one in done:
        out.print(f"{one.topic}: {one.records:,} records will be read again")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = None
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text)
    if moment is None or moment.tzinfo is None:
        raise ConfigurationError(
            f"--to {text} is not a time with its offset",
            next_step="write it as 2026-11-23T09:00:00Z",
        )
    return moment.astimezone(UTC)
