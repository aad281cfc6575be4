"""The `touchstone` command: wiring only.

Each module of this folder registers the commands of one subject.
"""

import sys

import typer

from cli.commands import (
    asyncapi,
    backtest,
    batches,
    bench,
    dead_letters,
    demo,
    inspect,
    issue,
    keys,
    migrate,
    replay,
    scan,
    simulate,
    tokens,
    topics,
    topics_rewind,
    trust,
    up,
    verify,
    worker,
)
from cli.support.console import exit_with_translated_errors

app = typer.Typer(
    name="touchstone",
    help="Issue signed product inspect, check them, and notice when one code is on two items.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

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
backtest.register(app)
dead_letters.register(app)
asyncapi.register(app)
tokens.register(app)
topics.register(app)
topics_rewind.register(app)
demo.register(app)


def main() -> None:
    """Entry point of the `touchstone` command."""
    sys.exit(exit_with_translated_errors(app))


if __name__ == "__main__":
    main()
