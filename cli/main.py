"""The `touchstone` command: wiring only.

Each module of this folder registers the commands of one subject.
"""

import sys

import typer

from cli import (
    backtesting,
    batches,
    benching,
    codes,
    contracts,
    dead_letters,
    demonstrating,
    engine,
    issuing,
    keys,
    migrating,
    replaying,
    rewinding,
    scanning,
    simulating,
    tokens,
    topics,
    trust_publishing,
    verifying,
    workers,
)
from cli.console import ending_in_words

app = typer.Typer(
    name="touchstone",
    help="Issue signed product codes, check them, and notice when one code is on two items.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

benching.register(app)
codes.register(app)
verifying.register(app)
keys.register(app)
issuing.register(app)
batches.register(app)
simulating.register(app)
scanning.register(app)
engine.register(app)
migrating.register(app)
workers.register(app)
trust_publishing.register(app)
replaying.register(app)
backtesting.register(app)
dead_letters.register(app)
contracts.register(app)
tokens.register(app)
topics.register(app)
rewinding.register(app)
demonstrating.register(app)


def main() -> None:
    """Entry point of the `touchstone` command."""
    sys.exit(ending_in_words(app))


if __name__ == "__main__":
    main()
