"""`touchstone topics`: the topics of a Kafka cluster, created, compared, or read again."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from authenticity.errors import ConfigurationError
from cli.support.console import EXIT_BAD_ANSWER, err, fail, out, print_json
from cli.support.data import DataFolder
from cli.support.instants import parse_instant

if TYPE_CHECKING:
    from events.kafka.settings import KafkaSettings
    from events.kafka.topic_admin import TopicDrift, TopicOverrides

topics_app = typer.Typer(
    help="The topics of the Kafka cluster that TOUCHSTONE_KAFKA names.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="One JSON value on stdout.")]
Replication = Annotated[
    int | None,
    typer.Option("--replication", help="Replicas of each partition; default: 3, or all brokers."),
]
Partitions = Annotated[
    list[str] | None,
    typer.Option("--partitions", metavar="TOPIC=N", help="Instead of the default; repeatable."),
]
KeptDays = Annotated[
    list[str] | None,
    typer.Option("--days", metavar="TOPIC=N", help="How long records are kept; repeatable."),
]


def register(app: typer.Typer) -> None:
    """Add `topics`."""
    app.add_typer(topics_app, name="topics")


@topics_app.command()
def check(
    replication: Replication = None,
    partitions: Partitions = None,
    days: KeptDays = None,
    as_json: Json = False,
) -> None:
    """Say in what the topics differ from what they should be; changes nothing.

    Exit code 0 if nothing differs, 1 if something does.

    Example: [bold]touchstone topics check --replication 3 --partitions scans=48[/]
    """
    _print_topics([], _drift(_overrides(replication, partitions, days)), as_json)


@topics_app.command()
def create(
    replication: Replication = None,
    partitions: Partitions = None,
    days: KeptDays = None,
    as_json: Json = False,
) -> None:
    """Create the topics that are missing, then say in what the others differ.

    What exists is never changed. Run it as often as you like.

    Example: [bold]TOUCHSTONE_KAFKA=broker-1:9092 touchstone topics create[/]
    """
    from events.kafka.topic_admin import create_missing

    overrides = _overrides(replication, partitions, days)
    created = create_missing(_kafka(), overrides)
    _print_topics(created, _drift(overrides), as_json)


@topics_app.command()
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

    since = None if to is None else parse_instant(to, option="--to")
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


def _kafka() -> "KafkaSettings":
    from events.kafka.settings import KafkaSettings

    settings = KafkaSettings.from_env(os.environ)
    if settings is None:
        fail("no Kafka cluster is named", next_step="set TOUCHSTONE_KAFKA=host:port,host:port")
    return settings


def _overrides(
    replication: int | None, partitions: list[str] | None, days: list[str] | None
) -> "TopicOverrides":
    from events.kafka.topic_admin import TopicOverrides

    return TopicOverrides(
        replication, _numbers("--partitions", partitions), _numbers("--days", days)
    )


def _numbers(option: str, pairs: list[str] | None) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for pair in pairs or []:
        name, _, number = pair.partition("=")
        if not (number.isascii() and number.isdigit()):
            raise ConfigurationError(
                f"{option} {pair} is not TOPIC=N", next_step=f"write it as {option} scans=48"
            )
        numbers[name] = int(number)
    return numbers


def _drift(overrides: "TopicOverrides") -> "list[TopicDrift]":
    from events.kafka.topic_admin import topic_drift

    return topic_drift(_kafka(), overrides)


def _print_topics(created: "list[str]", found: "list[TopicDrift]", as_json: bool) -> None:
    if as_json:
        print_json({"created": created, "differences": [_facts(one) for one in found]})
    else:
        for name in created:
            out.print(f"created topic {name}")
        for one in found:
            err.print(str(one), style="red")
            err.print(f"  {one.next_step}")
        if not found:
            out.print("all topics are as they should be")
    if found:
        raise typer.Exit(EXIT_BAD_ANSWER)


def _facts(one: "TopicDrift") -> dict[str, str]:
    return {
        "topic": one.topic,
        "point": one.point,
        "found": one.found,
        "wanted": one.wanted,
        "next_step": one.next_step,
    }
