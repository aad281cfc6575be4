"""The `touchstone` command, put together: each module of `cli.commands` adds one command."""

from typing import Annotated

import typer

from authenticity.version import VERSION
from cli.commands import (
    asyncapi,
    backtest,
    batches,
    bench,
    dead_letters,
    demo,
    export,
    geo,
    inspect,
    issue,
    keys,
    migrate,
    policy,
    replay,
    scan,
    simulate,
    tokens,
    topics,
    trust,
    up,
    verify,
    worker,
)

app = typer.Typer(
    name="touchstone",
    help="Issue signed product codes, check them, and notice when one code is on two items.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"touchstone {VERSION}")
        raise typer.Exit


@app.callback()
def _touchstone(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """The options that stand before the name of a command."""


bench.register(app)
inspect.register(app)
verify.register(app)
keys.register(app)
issue.register(app)
batches.register(app)
simulate.register(app)
scan.register(app)
up.register(app)
migrate.register(app)
worker.register(app)
trust.register(app)
replay.register(app)
export.register(app)
policy.register(app)
backtest.register(app)
dead_letters.register(app)
asyncapi.register(app)
tokens.register(app)
geo.register(app)
topics.register(app)
demo.register(app)
