"""`touchstone asyncapi`: the contract of the topics."""

import typer


def register(app: typer.Typer) -> None:
    """Add `asyncapi`."""
    app.command()(asyncapi)


def asyncapi() -> None:
    """Print the contract of the topics: AsyncAPI 3.0 with JSON Schema.

    Example: [bold]touchstone asyncapi > docs/asyncapi.json[/]
    """
    import json

    from events.asyncapi import asyncapi as document

    typer.echo(json.dumps(document(), indent=2, ensure_ascii=False))
